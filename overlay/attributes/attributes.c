/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "overlay/access/access_control.h"
#include "overlay/arena/cells.h"
#include "overlay/contents/file_space.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/kill_point.h"
#include "overlay/states/state_tree.h"

/*
 * Attributes: setattr and readlink. A change of mode, owner or times touches the inode's record alone, and with the
 * mode its access control list; the bytes stay in the base.
 *
 * A new size is a change of the bytes and goes first, under the file's lock (file_space.c); if it fails
 * nothing else is changed.
 */

static void set_times(
	struct hd_inode *inode, unsigned set, const struct hd_attributes *values, const struct timespec *now)
{
	if (set & HD_SET_ACCESS_NOW)
		inode->access_time = hd_time_from(now);
	else if (set & HD_SET_ACCESS_TIME)
		inode->access_time = hd_time_from(&values->access_time);
	if (set & HD_SET_MODIFY_NOW)
		inode->modify_time = hd_time_from(now);
	else if (set & HD_SET_MODIFY_TIME)
		inode->modify_time = hd_time_from(&values->modify_time);
	if (set & HD_SET_CHANGE_TIME)
		inode->change_time = hd_time_from(&values->change_time);
	else
		inode->change_time = hd_time_from(now);
}

static int set_locked(
	struct hd_overlay *overlay, uint32_t index, unsigned set, const struct hd_attributes *values)
{
	struct timespec now = hd_clock_now();
	struct hd_access_change change = {0};
	struct hd_transaction transaction;
	struct hd_inode *inode;

	if (set & HD_SET_MODE) {
		int r = hd_access_prepare_mode(
			overlay, hd_record_inode(overlay->arena, index), values->mode, &change);

		if (r < 0)
			return r;
	}
	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, index);
	if (set & HD_SET_MODE)
		hd_access_set_mode(&transaction, inode, values->mode, &change);
	hd_access_change_clear(&change);
	if (set & HD_SET_UID)
		inode->uid = values->uid;
	if (set & HD_SET_GID)
		inode->gid = values->gid;
	set_times(inode, set, values, &now);
	hd_inode_mark_changed(&transaction, index);
	return hd_overlay_commit(overlay, &transaction);
}

int hd_overlay_setattr(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino ino, unsigned set,
	const struct hd_attributes *values, struct hd_attributes *ret)
{
	const struct hd_inode *inode;
	int r = 0;

	(void)caller;
	if (set & HD_SET_SIZE)
		r = hd_file_set_size(overlay, ino, values->size);
	if (r < 0)
		return r;
	HD_KILL_POINT(size_set);
	/* chown(2) that keeps owner and group sets nothing, and is a change all the same. */
	if (set != HD_SET_SIZE) {
		hd_rwlock_write(&overlay->lock);
		r = hd_overlay_inode(overlay, ino, &inode);
		if (r == 0)
			r = set_locked(overlay, hd_ino_index(ino), set, values);
		hd_rwlock_unlock(&overlay->lock);
	}
	return r < 0 ? r : hd_overlay_getattr(overlay, ino, ret);
}

int hd_overlay_readlink(struct hd_overlay *overlay, hd_ino ino, char *buffer, size_t size, size_t *ret_size)
{
	struct hd_content content = {0};
	const struct hd_inode *inode;
	bool is_base = false;
	int r;

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_readlink(overlay, ino, buffer, size, ret_size);
	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && !hd_inode_is_symlink(inode))
		r = -EINVAL;
	if (r == 0) {
		is_base = inode->part.link.target == 0;
		content = inode->content;
		if (size > inode->size)
			size = inode->size;
		if (!is_base)
			*ret_size = hd_cells_load(overlay->arena, inode->part.link.target, buffer, size);
	}
	hd_rwlock_unlock(&overlay->lock);
	if (r < 0 || !is_base)
		return r;
	return hd_base_set_read(overlay->bases, &content, buffer, size, 0, ret_size);
}
