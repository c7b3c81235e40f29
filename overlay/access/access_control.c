/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/access/access_control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/access/access_control_list.h"
#include "overlay/access/attribute_string.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"

/*
 * Strings are loaded and built before a transaction begins: what can fail has failed by then, and a transaction is
 * not left half made.
 */

/* A copy of the list NAME in STRING, to be changed: 0 and NULL if there is none. -EIO if it is none. */
static int copy_list(const struct hd_buffer *string, const char *name, void **ret_list, size_t *ret_size)
{
	struct hd_extended_attribute found;
	void *list;

	*ret_list = NULL;
	*ret_size = 0;
	if (!hd_attribute_find(string, name, &found))
		return 0;
	if (hd_acl_check(found.value, found.size) < 0)
		return -EIO;
	if (hd_acl_is_empty(found.size))
		return 0;
	list = malloc(found.size);
	if (!list)
		return -ENOMEM;
	memcpy(list, found.value, found.size);
	*ret_list = list;
	*ret_size = found.size;
	return 0;
}

/* ---- chmod ---- */

int hd_access_prepare_mode(
	struct hd_overlay *overlay, const struct hd_inode *inode, uint32_t mode, struct hd_access_change *ret)
{
	HD_AUTO_BUFFER struct hd_buffer old = {0}, new = {0};
	HD_AUTO_FREE void *list = NULL;
	size_t size;
	int r;

	*ret = (struct hd_access_change){0};
	if (inode->xattrs_size == 0 || (inode->mode & 0777) == (mode & 0777))
		return 0;
	r = hd_attribute_string_load(overlay->arena, inode, &old);
	if (r == 0)
		r = copy_list(&old, HD_ACL_ACCESS, &list, &size);
	/* One that is none stays as it is: chmod(2) is no place to find out. */
	if (r < 0 || !list)
		return r == -EIO ? 0 : r;
	hd_acl_set_mode(list, size, mode);
	(void)hd_attribute_copy_without(&old, HD_ACL_ACCESS, &new);
	hd_attribute_put(&new, HD_ACL_ACCESS, list, size);
	r = hd_buffer_status(&new);
	if (r < 0)
		return r;
	ret->string = new;
	ret->has_list = true;
	new = (struct hd_buffer){0};
	return 0;
}

void hd_access_set_mode(struct hd_transaction *transaction, struct hd_inode *inode, uint32_t mode,
	const struct hd_access_change *change)
{
	inode->mode = (inode->mode & S_IFMT) | (mode & 07777);
	if (change->has_list)
		hd_attribute_string_store(transaction, inode, &change->string);
}

void hd_access_change_clear(struct hd_access_change *change)
{
	hd_buffer_clear(&change->string);
}

/* ---- what is made in a directory ---- */

int hd_access_inherit(struct hd_overlay *overlay, const struct hd_inode *directory, uint32_t mode,
	uint32_t umask, struct hd_inheritance *ret)
{
	HD_AUTO_BUFFER struct hd_buffer theirs = {0}, ours = {0};
	HD_AUTO_FREE void *list = NULL;
	bool extended;
	size_t size = 0;
	int r = 0;

	*ret = (struct hd_inheritance){.mode = mode};
	if (S_ISLNK(mode))
		return 0;
	if (directory->xattrs_size > 0) {
		r = hd_attribute_string_load(overlay->arena, directory, &theirs);
		if (r == 0)
			r = copy_list(&theirs, HD_ACL_DEFAULT, &list, &size);
	}
	if (r < 0)
		return r;
	if (!list) {
		ret->mode = mode & ~(umask & 0777);
		return 0;
	}
	if (S_ISDIR(mode))
		hd_attribute_put(&ours, HD_ACL_DEFAULT, list, size);
	mode = hd_acl_inherit(list, size, mode, &extended);
	if (extended)
		hd_attribute_put(&ours, HD_ACL_ACCESS, list, size);
	r = hd_buffer_status(&ours);
	if (r < 0)
		return r;
	ret->mode = mode;
	ret->string = ours;
	ours = (struct hd_buffer){0};
	return 0;
}

void hd_inheritance_clear(struct hd_inheritance *inheritance)
{
	hd_buffer_clear(&inheritance->string);
}

/* ---- setxattr ---- */

struct setting {
	const char *name;
	const void *value; /* NULL: to be removed */
	size_t size;
	uint32_t mode;
};

/* What setting VALUE comes to: nothing to keep if the mode says it all. */
static int plan(struct setting *setting, bool is_directory, bool drop_setgid)
{
	bool extended = true;
	int r;

	if (!setting->value)
		return 0;
	r = hd_acl_check(setting->value, setting->size);
	if (r < 0)
		return r;
	if (hd_acl_is_empty(setting->size)) {
		setting->value = NULL;
		return 0;
	}
	if (strcmp(setting->name, HD_ACL_DEFAULT) == 0)
		return is_directory ? 0 : -EACCES;
	setting->mode = hd_acl_mode(setting->value, setting->size, setting->mode, &extended);
	if (drop_setgid)
		setting->mode &= ~(uint32_t)S_ISGID;
	if (!extended)
		setting->value = NULL;
	return 0;
}

static int store(struct hd_overlay *overlay, uint32_t index, const struct hd_buffer *string, uint32_t mode)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	struct hd_inode *inode;

	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, index);
	hd_attribute_string_store(&transaction, inode, string);
	inode->mode = mode;
	inode->change_time = hd_time_from(&now);
	hd_inode_mark_changed(&transaction, index);
	hd_request_note(&transaction, 0);
	return hd_overlay_commit(overlay, &transaction);
}

int hd_access_set_list_locked(struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value,
	size_t size, bool drop_setgid)
{
	HD_AUTO_BUFFER struct hd_buffer old = {0}, new = {0};
	struct setting setting = {.name = name, .value = value, .size = size};
	const struct hd_inode *inode;
	bool found;
	int r = hd_overlay_inode(overlay, ino, &inode);

	if (r < 0)
		return r;
	if (hd_inode_is_symlink(inode))
		return -EOPNOTSUPP;
	setting.mode = inode->mode;
	r = plan(&setting, hd_inode_is_directory(inode), drop_setgid);
	if (r == 0)
		r = hd_attribute_string_load(overlay->arena, inode, &old);
	if (r < 0)
		return r;
	found = hd_attribute_copy_without(&old, name, &new);
	if (!setting.value && !found && setting.mode == inode->mode)
		return 0; /* to remove what is not there is fine, unlike with other attributes */
	if (setting.value)
		hd_attribute_put(&new, name, setting.value, setting.size);
	r = hd_attribute_string_check(&new);
	return r < 0 ? r : store(overlay, hd_ino_index(ino), &new, setting.mode);
}
