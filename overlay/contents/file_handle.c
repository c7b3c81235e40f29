/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>

#include "overlay/contents/file_space.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/orphan.h"
#include "overlay/inodes/request.h"
#include "overlay/overlay_types.h"
#include "overlay/states/state_tree.h"

/*
 * Open and close. There are no handles: an open is a count on the inode, which keeps an unlinked file alive.
 * flush, which comes with every close(2) of every duplicate, only says "maybe done writing".
 */

static int count_open(struct hd_overlay *overlay, hd_ino ino, int change)
{
	struct hd_transaction transaction;
	const struct hd_inode *inode;
	struct hd_reference *reference;
	int r;

	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0) {
		hd_transaction_begin(overlay->arena, &transaction);
		reference = hd_edit_reference(&transaction, hd_ino_index(ino));
		if (change > 0)
			reference->opens++;
		else if (reference->opens > 0)
			reference->opens--;
		hd_request_note(&transaction, 0);
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_open_file(struct hd_overlay *overlay, hd_ino ino, int flags)
{
	int r = 0;

	/* The lookups that the kernel holds keep it; there is nothing to count. */
	if (hd_ino_is_of_state(ino))
		return (flags & O_ACCMODE) != O_RDONLY || flags & O_TRUNC ? -EROFS : 0;
	if (hd_request_is_done())
		return 0;
	/* The count is last, because it is noted as the end of the request; a truncation may be done twice. */
	if (flags & O_TRUNC)
		r = hd_file_set_size(overlay, ino, 0);
	return r < 0 ? r : count_open(overlay, ino, 1);
}

static void enqueue_if_unsettled(struct hd_overlay *overlay, hd_ino ino)
{
	const struct hd_inode *inode;
	bool unsettled = false;

	hd_rwlock_read(&overlay->lock);
	if (hd_overlay_inode(overlay, ino, &inode) == 0)
		unsettled = hd_inode_is_file(inode) && inode->flags & HD_INODE_UNSETTLED;
	hd_rwlock_unlock(&overlay->lock);
	if (unsettled)
		hd_promoter_enqueue(overlay->promoter, ino);
}

int hd_overlay_flush(struct hd_overlay *overlay, hd_ino ino)
{
	enqueue_if_unsettled(overlay, ino);
	return 0;
}

int hd_overlay_release(struct hd_overlay *overlay, hd_ino ino)
{
	bool releasable = false;
	int r;

	if (hd_ino_is_of_state(ino))
		return 0;
	r = hd_request_is_done() ? 0 : count_open(overlay, ino, -1);
	if (r < 0)
		return r;
	hd_rwlock_read(&overlay->lock);
	if (hd_inode_get(overlay->arena, ino))
		releasable = hd_inode_is_releasable(overlay->arena, hd_ino_index(ino));
	hd_rwlock_unlock(&overlay->lock);
	if (releasable)
		hd_overlay_release_orphan(overlay, hd_ino_index(ino));
	else
		enqueue_if_unsettled(overlay, ino);
	return 0;
}
