/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/file_data.h"
#include "overlay/flush.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/memory_file.h"

/*
 * Growing large: a file with many hot blocks moves into a memory file of its own, offset for offset.
 *
 * The bytes are copied before the transaction names the new place, and the old blocks are freed by it, so the
 * file is whole at every instant. The move is tried once, at HD_LARGE_BLOCKS blocks, so it costs at most a
 * few MiB.
 */

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

static int rename_blocks(struct hd_overlay *overlay, uint32_t index, uint32_t slot, int64_t *ret_moved)
{
	const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
	struct hd_transaction transaction;
	struct hd_inode *edited;
	uint64_t block = 0;
	uint32_t value;

	*ret_moved = 0;
	hd_transaction_begin(overlay->arena, &transaction);
	while (hd_block_next(overlay->arena, inode, block, &block, &value)) {
		if (value >= HD_BLOCK_FIRST) {
			hd_block_set(&transaction, index, block, HD_BLOCK_LARGE);
			hd_hot_free(overlay->hot, &transaction, value);
			(*ret_moved)++;
		}
		block++;
	}
	edited = hd_edit_inode(&transaction, index);
	edited->flags |= HD_INODE_LARGE;
	edited->part.file.large_slot = slot;
	return hd_overlay_commit(overlay, &transaction);
}

/* -EEXIST when somebody else was quicker. */
static int move_locked(struct hd_overlay *overlay, hd_ino ino, uint32_t slot)
{
	const struct hd_inode *inode = hd_inode_get(overlay->arena, ino);
	int64_t moved = 0;
	int r;

	if (!inode || inode->flags & HD_INODE_LARGE)
		return -EEXIST;
	r = copy_blocks(overlay, inode, hd_hot_large_fd(overlay->hot, slot));
	if (r == 0)
		r = rename_blocks(overlay, hd_ino_index(ino), slot, &moved);
	if (r == 0)
		hd_hot_large_account(overlay->hot, moved);
	return r;
}

void hd_file_make_large(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	uint32_t slot;
	int r;

	if (hd_hot_large_new(overlay->hot, &slot) < 0)
		return;
	hd_rwlock_write(file_lock);
	hd_rwlock_write(&overlay->lock);
	r = move_locked(overlay, ino, slot);
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(file_lock);
	if (r < 0)
		hd_hot_large_drop(overlay->hot, slot);
	else
		hd_flusher_note_data(overlay->flusher, ino, 0, HD_BLOCK_COUNT_LIMIT);
}
