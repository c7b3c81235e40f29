/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>

#include "overlay/cells.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/request.h"

/*
 * Extended attributes: all of an inode's are one string of cells, a sequence of
 * {u8 name length, u32 value length, name, value}, the form in which bases give and states keep them.
 * To change one, the string is rebuilt; nobody has many.
 */

#define XATTR_TOTAL_LIMIT (128u << 10)

struct xattr {
	const char *name;
	const void *value;
	uint8_t name_length;
	uint32_t size;
};

static bool next(struct hd_reader *reader, struct xattr *ret)
{
	if (hd_reader_left(reader) == 0)
		return false;
	ret->name_length = hd_reader_u8(reader);
	ret->size = hd_reader_u32(reader);
	ret->name = hd_reader_bytes(reader, ret->name_length);
	ret->value = hd_reader_bytes(reader, ret->size);
	return !hd_reader_failed(reader);
}

static bool is_named(const struct xattr *xattr, const char *name)
{
	return xattr->name_length == strlen(name) && memcmp(xattr->name, name, xattr->name_length) == 0;
}

static void put(struct hd_buffer *buffer, const char *name, size_t length, const void *value, size_t size)
{
	hd_buffer_put_u8(buffer, (uint8_t)length);
	hd_buffer_put_u32(buffer, (uint32_t)size);
	hd_buffer_put(buffer, name, length);
	hd_buffer_put(buffer, value, size);
}

/* Copies the whole string out. */
static int load_locked(const struct hd_overlay *overlay, const struct hd_inode *inode, struct hd_buffer *ret)
{
	void *room = inode->xattrs_size ? hd_buffer_extend(ret, inode->xattrs_size) : NULL;

	if (inode->xattrs_size && !room)
		return -ENOMEM;
	if (inode->xattrs_size &&
		hd_cells_load(overlay->arena, inode->xattrs, room, inode->xattrs_size) != inode->xattrs_size)
		return -EIO;
	return 0;
}

static int load(struct hd_overlay *overlay, hd_ino ino, struct hd_buffer *ret)
{
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0)
		r = load_locked(overlay, inode, ret);
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
	hd_cells_free(&transaction, inode->xattrs);
	inode->xattrs = hd_cells_store(&transaction, strings->data, strings->size);
	inode->xattrs_size = (uint32_t)strings->size;
	inode->change_time = hd_time_from(&now);
	hd_inode_mark_changed(&transaction, index);
	hd_request_note(&transaction, 0);
	return hd_overlay_commit(overlay, &transaction);
}

/* Copies all but NAME from OLD to NEW; true when NAME was there. */
static bool copy_without(const struct hd_buffer *old, const char *name, struct hd_buffer *new)
{
	struct hd_reader reader;
	struct xattr xattr;
	bool found = false;

	hd_reader_init(&reader, old->data, old->size);
	while (next(&reader, &xattr)) {
		if (is_named(&xattr, name))
			found = true;
		else
			put(new, xattr.name, xattr.name_length, xattr.value, xattr.size);
	}
	return found;
}

static bool has_value(const struct hd_buffer *strings, const char *name, const void *value, size_t size)
{
	struct hd_reader reader;
	struct xattr xattr;

	hd_reader_init(&reader, strings->data, strings->size);
	while (next(&reader, &xattr))
		if (is_named(&xattr, name))
			return xattr.size == size && memcmp(xattr.value, value, size) == 0;
	return false;
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
		r = load_locked(overlay, inode, &old);
	if (r < 0)
		return r;
	found = copy_without(&old, name, &new);
	if (found && flags & XATTR_CREATE)
		return -EEXIST;
	if (!found && (!value || flags & XATTR_REPLACE))
		return -ENODATA;
	if (found && value && has_value(&old, name, value, size))
		return 0;
	if (value)
		put(&new, name, strlen(name), value, size);
	r = hd_buffer_status(&new);
	if (r == 0 && new.size > XATTR_TOTAL_LIMIT)
		r = -ENOSPC;
	return r < 0 ? r : store_locked(overlay, hd_ino_index(ino), &new);
}

static int change(
	struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value, size_t size, int flags)
{
	int r;

	if (hd_request_is_done(overlay, NULL))
		return 0;
	hd_rwlock_write(&overlay->lock);
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
	struct hd_reader reader;
	struct xattr xattr;
	int r = load(overlay, ino, &strings);

	if (r < 0)
		return r;
	hd_reader_init(&reader, strings.data, strings.size);
	while (next(&reader, &xattr)) {
		if (!is_named(&xattr, name))
			continue;
		if (size > 0 && size < xattr.size)
			return -ERANGE;
		if (size > 0)
			memcpy(buffer, xattr.value, xattr.size);
		*ret_size = xattr.size;
		return 0;
	}
	return -ENODATA;
}

int hd_overlay_listxattr(struct hd_overlay *overlay, hd_ino ino, char *buffer, size_t size, size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer strings = {0};
	struct hd_reader reader;
	struct xattr xattr;
	size_t total = 0;
	int r = load(overlay, ino, &strings);

	if (r < 0)
		return r;
	hd_reader_init(&reader, strings.data, strings.size);
	while (next(&reader, &xattr)) {
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
