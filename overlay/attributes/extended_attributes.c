/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "overlay/access/access_control.h"
#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/states/state_tree.h"

/*
 * Extended attributes: setting, getting, listing and removing them in an inode's string. Those that are access control
 * lists are more than bytes, see access_control.h.
 */

static int load(struct hd_overlay *overlay, hd_ino ino, struct hd_buffer *ret)
{
	const struct hd_inode *inode;
	int r;

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_xattrs(overlay, ino, ret);
	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0)
		r = hd_attribute_string_load(overlay->arena, inode, ret);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static int store_locked(struct hd_overlay *overlay, uint32_t index, const struct hd_buffer *strings)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	struct hd_inode *inode;

	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, index);
	hd_attribute_string_store(&transaction, inode, strings);
	inode->change_time = hd_time_from(&now);
	hd_inode_mark_changed(&transaction, index);
	hd_request_note(&transaction, 0);
	return hd_overlay_commit(overlay, &transaction);
}

static bool has_value(const struct hd_buffer *strings, const char *name, const void *value, size_t size)
{
	struct hd_extended_attribute found;

	return hd_attribute_find(strings, name, &found) && found.size == size &&
	       memcmp(found.value, value, size) == 0;
}

/* VALUE NULL removes. A value that is there already changes nothing, not even the ctime, as on ext4. Loading, checking and storing are one hold of the lock. */
static int change_locked(
	struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value, size_t size, int flags)
{
	HD_AUTO_BUFFER struct hd_buffer old = {0}, new = {0};
	const struct hd_inode *inode;
	bool found;
	int r = hd_overlay_inode(overlay, ino, &inode);

	if (r == 0)
		r = hd_attribute_string_load(overlay->arena, inode, &old);
	if (r < 0)
		return r;
	found = hd_attribute_copy_without(&old, name, &new);
	if (found && flags & XATTR_CREATE)
		return -EEXIST;
	if (!found && (!value || flags & XATTR_REPLACE))
		return -ENODATA;
	if (found && value && has_value(&old, name, value, size))
		return 0;
	if (value)
		hd_attribute_put(&new, name, value, size);
	r = hd_attribute_string_check(&new);
	return r < 0 ? r : store_locked(overlay, hd_ino_index(ino), &new);
}

static int change(
	struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value, size_t size, int flags)
{
	int r;

	if (hd_request_is_done())
		return 0;
	hd_rwlock_write(&overlay->lock);
	if (hd_acl_is_name(name))
		r = hd_access_set_list_locked(
			overlay, ino, name, value, size, flags & HD_SETXATTR_DROP_SETGID);
	else
		r = change_locked(overlay, ino, name, value, size, flags);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_setxattr(
	struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value, size_t size, int flags)
{
	if (strlen(name) > HD_NAME_LIMIT || name[0] == '\0')
		return -ERANGE;
	if (size > XATTR_SIZE_MAX)
		return -E2BIG;
	return change(overlay, ino, name, value ? value : "", size, flags);
}

int hd_overlay_removexattr(struct hd_overlay *overlay, hd_ino ino, const char *name)
{
	return change(overlay, ino, name, NULL, 0, 0);
}

int hd_overlay_getxattr(
	struct hd_overlay *overlay, hd_ino ino, const char *name, void *buffer, size_t size, size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer strings = {0};
	struct hd_extended_attribute found;
	int r = load(overlay, ino, &strings);

	if (r < 0)
		return r;
	if (!hd_attribute_find(&strings, name, &found))
		return -ENODATA;
	if (hd_acl_is_name(name) && hd_acl_check(found.value, found.size) < 0)
		return -EIO;
	if (size > 0 && size < found.size)
		return -ERANGE;
	if (size > 0)
		memcpy(buffer, found.value, found.size);
	*ret_size = found.size;
	return 0;
}

static bool is_trusted(const struct hd_extended_attribute *xattr)
{
	static const char prefix[] = "trusted.";

	return xattr->name_length > strlen(prefix) && memcmp(xattr->name, prefix, strlen(prefix)) == 0;
}

int hd_overlay_listxattr(struct hd_overlay *overlay, hd_ino ino, bool with_trusted, char *buffer, size_t size,
	size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer strings = {0};
	struct hd_reader reader;
	struct hd_extended_attribute xattr;
	size_t total = 0;
	int r = load(overlay, ino, &strings);

	if (r < 0)
		return r;
	hd_reader_init(&reader, strings.data, strings.size);
	while (hd_attribute_next(&reader, &xattr)) {
		if (is_trusted(&xattr) && !with_trusted)
			continue;
		if (size > 0) {
			if (total + xattr.name_length + 1 > size)
				return -ERANGE;
			memcpy(buffer + total, xattr.name, xattr.name_length);
			buffer[total + xattr.name_length] = '\0';
		}
		total += xattr.name_length + 1u;
	}
	*ret_size = total;
	return 0;
}
