/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/inodes/orphan.h"
#include "overlay/platform/kill_point.h"

/*
 * The end of an inode: its blocks go in as many transactions as they need, then, in one more, the record itself.
 * Nobody can find the inode any more, so what a death in between leaves is an orphan, which the next open releases.
 */

bool hd_unmap_some(struct hd_overlay *overlay, struct hd_transaction *transaction, uint32_t index,
	uint64_t *from, int64_t *large)
{
	const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
	unsigned budget = 8192;
	uint32_t value;

	while (budget-- > 0 && transaction->status == 0 && hd_transaction_room(transaction) > 64) {
		if (!hd_block_next(overlay->arena, inode, *from, from, &value))
			return false;
		hd_block_set(transaction, index, *from, HD_BLOCK_NONE);
		if (value >= HD_BLOCK_FIRST)
			hd_hot_free(overlay->hot, transaction, value);
		*large -= value == HD_BLOCK_LARGE;
		(*from)++;
	}
	return true;
}

/* One transaction's worth of blocks from *BLOCK on; 1 while some are left. */
static int unmap_in_turn(struct hd_overlay *overlay, uint32_t index, uint64_t *block)
{
	struct hd_transaction transaction;
	int64_t large = 0;
	bool more;
	int r;

	hd_transaction_begin(overlay->arena, &transaction);
	more = hd_unmap_some(overlay, &transaction, index, block, &large);
	r = hd_overlay_commit(overlay, &transaction);
	if (r == 0 && large)
		hd_hot_large_account(overlay->hot, large);
	return r < 0 ? r : more;
}

int hd_unmap_all_locked(struct hd_overlay *overlay, uint32_t index)
{
	struct hd_transaction transaction;
	uint64_t block = 0;
	bool done = false;
	int r;

	do
		r = unmap_in_turn(overlay, index, &block);
	while (r > 0);
	while (r == 0 && !done) {
		hd_transaction_begin(overlay->arena, &transaction);
		done = hd_block_map_clear(&transaction, index);
		r = hd_overlay_commit(overlay, &transaction);
	}
	return r;
}

void hd_overlay_release_orphan(struct hd_overlay *overlay, uint32_t index)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, index);
	struct hd_transaction transaction;
	uint32_t slot = 0;

	hd_rwlock_write(file_lock);
	hd_rwlock_write(&overlay->lock);
	if (hd_inode_is_releasable(overlay->arena, index)) {
		const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
		int r = 0;

		if (hd_inode_is_file(inode)) {
			r = hd_unmap_all_locked(overlay, index);
			HD_KILL_POINT(orphan_unmapped);
			slot = inode->flags & HD_INODE_LARGE ? inode->part.file.large_slot : 0;
		}
		hd_transaction_begin(overlay->arena, &transaction);
		if (r == 0)
			hd_inode_free(&transaction, index);
		if (hd_overlay_commit(overlay, &transaction) < 0 || r < 0)
			slot = 0;
	}
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(file_lock);
	if (slot)
		hd_hot_large_drop(overlay->hot, slot);
}
