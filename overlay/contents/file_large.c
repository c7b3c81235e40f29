/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/file_data.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"

/*
 * Growing large: a file with many hot blocks moves into a memory file of its own, offset for offset.
 *
 * The bytes are copied before a transaction names the new place, and the old blocks are freed by it, so the file is
 * whole at every instant. Blocks that lie far apart take more map pages than a transaction holds: then there are
 * several, and in between a file that has blocks in both places. The move is tried at HD_LARGE_BLOCKS blocks and
 * never later, so it costs at most a few MiB.
 */

#define TRANSACTION_ROOM 64u

static int copy_blocks(struct hd_overlay *overlay, const struct hd_inode *inode, int fd)
{
	HD_AUTO_FREE uint8_t *bytes = malloc(HD_BLOCK_SIZE);
	uint64_t block = 0;
	uint32_t value;

	if (!bytes)
		return -ENOMEM;
	while (hd_block_next(overlay->arena, inode, block, &block, &value)) {
		int r = 0;

		if (value >= HD_BLOCK_FIRST) {
			r = hd_hot_read(overlay->hot, value, 0, bytes, HD_BLOCK_SIZE);
			if (r == 0)
				r = hd_memory_file_write(fd, bytes, HD_BLOCK_SIZE, block << HD_BLOCK_SHIFT);
		}
		if (r < 0)
			return r;
		block++;
	}
	return 0;
}

/* One transaction's worth of blocks from *BLOCK; 1 when there are more. */
static int rename_some(struct hd_overlay *overlay, uint32_t index, uint32_t slot, uint64_t *block)
{
	const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
	struct hd_transaction transaction;
	struct hd_inode *edited;
	int64_t moved = 0;
	bool more = false;
	uint32_t value;
	int r;

	hd_transaction_begin(overlay->arena, &transaction);
	edited = hd_edit_inode(&transaction, index);
	edited->flags |= HD_INODE_LARGE;
	edited->part.file.large_slot = slot;
	while (hd_block_next(overlay->arena, inode, *block, block, &value)) {
		more = hd_transaction_room(&transaction) < TRANSACTION_ROOM;
		if (more)
			break;
		if (value >= HD_BLOCK_FIRST) {
			hd_block_set(&transaction, index, *block, HD_BLOCK_LARGE);
			hd_hot_free(overlay->hot, &transaction, value);
			moved++;
		}
		(*block)++;
	}
	r = hd_overlay_commit(overlay, &transaction);
	if (r < 0)
		return r;
	hd_hot_large_account(overlay->hot, moved);
	return more;
}

/* Fails only when no block has moved; blocks that could not follow stay where they are. */
static int rename_blocks(struct hd_overlay *overlay, uint32_t index, uint32_t slot)
{
	uint64_t block = 0;
	int first = rename_some(overlay, index, slot, &block);

	for (int r = first; r > 0;)
		r = rename_some(overlay, index, slot, &block);
	return first < 0 ? first : 0;
}

/* -EEXIST when somebody else was quicker. */
static int move_locked(struct hd_overlay *overlay, hd_ino ino, uint32_t slot)
{
	const struct hd_inode *inode = hd_inode_get(overlay->arena, ino);
	int r;

	if (!inode || inode->flags & HD_INODE_LARGE)
		return -EEXIST;
	r = copy_blocks(overlay, inode, hd_hot_large_fd(overlay->hot, slot));
	if (r < 0)
		return r;
	/* Before the names change, and in the same hold of the lock: a flush must write the bytes with them. */
	hd_flusher_note_data(overlay->flusher, ino, 0, HD_BLOCK_COUNT_LIMIT);
	return rename_blocks(overlay, hd_ino_index(ino), slot);
}

void hd_file_make_large(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	uint32_t slot;
	int r;

	if (hd_hot_large_new(overlay->hot, &slot) < 0)
		return;
	HD_KILL_POINT(large_made);
	hd_rwlock_write(file_lock);
	hd_rwlock_write(&overlay->lock);
	r = move_locked(overlay, ino, slot);
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(file_lock);
	if (r < 0)
		hd_hot_large_drop(overlay->hot, slot);
}
