/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/changes/change_log.h"
#include "overlay/inodes/orphan.h"
#include "overlay/inodes/request.h"
#include "overlay/listings/base_loader.h"
#include "overlay/names/remove_node.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/kill_point.h"

/*
 * Removing names: unlink, rmdir, and what becomes of an inode without one.
 *
 * The name goes at once. The inode becomes an orphan and is released when nobody holds it: here, when nobody
 * did, or by the forget, release or snapshot that let go last. Its bytes never reach the store.
 */

int hd_check_removable(const struct hd_arena *arena, uint32_t child)
{
	const struct hd_inode *inode = hd_record_inode(arena, child);

	if (inode->flags & HD_INODE_UNLOADED)
		return -EAGAIN;
	return inode->part.directory.entries > 0 ? -ENOTEMPTY : 0;
}

void hd_remove_entry(struct hd_transaction *transaction, uint32_t entry, const struct timespec *now)
{
	uint32_t parent = hd_view_entry(transaction, entry)->parent;
	uint32_t child = hd_view_entry(transaction, entry)->child;
	bool is_directory = hd_inode_is_directory(hd_view_inode(transaction, child));
	struct hd_inode *inode;

	hd_entry_remove(transaction, entry, is_directory);
	hd_inode_drop_name(transaction, child, now);
	inode = hd_edit_inode(transaction, parent);
	inode->modify_time = inode->change_time = hd_time_from(now);
	hd_inode_mark_changed(transaction, parent);
	/* The names that remain show another link count. */
	hd_inode_mark_changed(transaction, child);
}

static int find(struct hd_overlay *overlay, hd_ino parent, const char *name, size_t length,
	uint32_t *ret_entry, uint32_t *ret_child)
{
	const struct hd_inode *inode;
	int r = hd_overlay_inode(overlay, parent, &inode);

	if (r < 0)
		return r;
	*ret_entry = hd_entry_find(overlay->arena, hd_ino_index(parent), name, length);
	if (!*ret_entry)
		return -ENOENT;
	*ret_child = hd_record_entry(overlay->arena, *ret_entry)->child;
	return 0;
}

/* The directory NAME in PARENT must be loaded before it can be known to be empty. */
static int load_child(struct hd_overlay *overlay, hd_ino parent, const char *name, size_t length)
{
	uint32_t entry, child;
	hd_ino ino = 0;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = find(overlay, parent, name, length, &entry, &child);
	if (r == 0 && hd_inode_is_directory(hd_record_inode(overlay->arena, child)))
		ino = hd_inode_id(overlay->arena, child);
	hd_rwlock_unlock(&overlay->lock);
	return r < 0 || ino == 0 ? r : hd_load_directory(overlay, ino);
}

static int check_kind(struct hd_overlay *overlay, uint32_t child, bool directory)
{
	bool is_directory = hd_inode_is_directory(hd_record_inode(overlay->arena, child));

	if (directory && !is_directory)
		return -ENOTDIR;
	if (!directory && is_directory)
		return -EISDIR;
	return directory ? hd_check_removable(overlay->arena, child) : 0;
}

static int try_remove_name(struct hd_overlay *overlay, hd_ino parent, const char *name, bool directory)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	uint32_t entry = 0, child = 0;
	size_t length;
	int r = hd_overlay_check_name(name, &length);

	if (r == 0)
		r = hd_load_directory(overlay, parent);
	if (r == 0 && directory)
		r = load_child(overlay, parent, name, length);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = find(overlay, parent, name, length, &entry, &child);
	if (r == 0)
		r = check_kind(overlay, child, directory);
	if (r == 0) {
		hd_transaction_begin(overlay->arena, &transaction);
		hd_remove_entry(&transaction, entry, &now);
		hd_request_note(&transaction, 0);
		r = hd_overlay_commit(overlay, &transaction);
		if (r == 0)
			hd_change_log_name_gone(overlay, parent, name, directory);
	}
	hd_rwlock_unlock(&overlay->lock);
	HD_KILL_POINT(name_removed);
	if (r == 0)
		hd_overlay_release_orphan(overlay, child);
	return r;
}

/* Another directory may have come to the name since it was loaded: then again. */
static int remove_name(struct hd_overlay *overlay, hd_ino parent, const char *name, bool directory)
{
	int r;

	if (hd_request_is_done())
		return 0;
	do
		r = try_remove_name(overlay, parent, name, directory);
	while (r == -EAGAIN);
	return r;
}

int hd_overlay_unlink(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	return remove_name(overlay, parent, name, false);
}

int hd_overlay_rmdir(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	int r = remove_name(overlay, parent, name, true);

	if (r == -EINVAL && strcmp(name, "..") == 0)
		return -ENOTEMPTY; /* rmdir(2) */
	return r;
}
