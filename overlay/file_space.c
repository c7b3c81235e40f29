/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/file_space.h"

#include <linux/falloc.h>
#include <unistd.h>

#include "overlay/file_data.h"
#include "overlay/platform/cleanup.h"

/* Space: fallocate, holes, copies. As ext4 has it, every fallocate counts as a modification, also one that changes no
 * byte. */

#define COPY_PIECE (128u << 10)

/* ---- holes ---- */

/* Makes the whole blocks [first, end) read as zeros and gives their memory back. */
static int punch_blocks_locked(
	struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view, uint64_t first, uint64_t end)
{
	uint32_t index = hd_ino_index(ino);
	struct hd_transaction transaction;
	uint64_t backed = view->backed;
	int r = 0;

	/* A hole up to the content's end needs no block: the content ends where the hole begins. */
	if (first << HD_BLOCK_SHIFT < backed && end << HD_BLOCK_SHIFT >= backed)
		backed = first << HD_BLOCK_SHIFT;
	while (r == 0 && first < end) {
		unsigned budget = 4096;
		int64_t large = 0;

		hd_rwlock_write(&overlay->lock);
		hd_transaction_begin(overlay->arena, &transaction);
		for (; first < end && budget > 0 && hd_transaction_room(&transaction) > 64;
			first++, budget--) {
			const struct hd_inode *inode = hd_record_inode(overlay->arena, index);
			bool shows_base = first << HD_BLOCK_SHIFT < backed;
			uint32_t old = hd_block_get(overlay->arena, inode, first);

			/* Above the content only what is mapped matters, however far away it is. */
			if (!shows_base && !hd_block_next(overlay->arena, inode, first, &first, &old))
				first = end;
			if (first >= end)
				break;
			hd_block_set(&transaction, index, first, shows_base ? HD_BLOCK_HOLE : HD_BLOCK_NONE);
			if (old >= HD_BLOCK_FIRST)
				hd_hot_free(overlay->hot, &transaction, old);
			large -= old == HD_BLOCK_LARGE;
		}
		hd_edit_inode(&transaction, index)->backed = backed;
		hd_file_touch(&transaction, index);
		r = hd_overlay_commit(overlay, &transaction);
		hd_rwlock_unlock(&overlay->lock);
		if (r == 0 && large)
			hd_hot_large_account(overlay->hot, large);
	}
	return r;
}

static int write_zeros(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t size)
{
	static const uint8_t zeros[HD_BLOCK_SIZE];
	size_t written;

	return size == 0 ? 0 : hd_overlay_write(overlay, ino, zeros, size, offset, &written);
}

/* -EAGAIN when the file's end moved meanwhile: the last block may hold bytes that somebody has just appended. */
static int try_punch(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	uint64_t first = (offset + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT, last = end >> HD_BLOCK_SHIFT;
	struct hd_file_view view;
	uint64_t size;
	int r = hd_file_view(overlay, ino, &view);

	if (r < 0 || offset >= view.size)
		return r;
	size = view.size;
	if (end > size)
		end = size;
	if (first > last || offset >> HD_BLOCK_SHIFT == end >> HD_BLOCK_SHIFT)
		return write_zeros(overlay, ino, offset, end - offset);
	if (end == size)
		last = (end + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	else
		r = write_zeros(overlay, ino, last << HD_BLOCK_SHIFT, end % HD_BLOCK_SIZE);
	if (r == 0)
		r = write_zeros(overlay, ino, offset, (first << HD_BLOCK_SHIFT) - offset);
	if (r < 0)
		return r;
	hd_rwlock_write(file_lock);
	r = hd_file_view(overlay, ino, &view);
	if (r == 0 && view.size != size)
		r = -EAGAIN;
	if (r == 0)
		r = punch_blocks_locked(overlay, ino, &view, first, last);
	hd_rwlock_unlock(file_lock);
	return r;
}

static int punch(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	int r;

	do
		r = try_punch(overlay, ino, offset, end);
	while (r == -EAGAIN);
	return r;
}

int hd_overlay_fallocate(struct hd_overlay *overlay, hd_ino ino, int mode, uint64_t offset, uint64_t length)
{
	struct hd_file_view view;
	int r = hd_file_view(overlay, ino, &view);

	if (r < 0)
		return r == -EISDIR ? -EISDIR : r == -EINVAL ? -ENODEV : r;
	if (length == 0)
		return -EINVAL;
	if (offset > (uint64_t)INT64_MAX || length > (uint64_t)INT64_MAX - offset)
		return -EFBIG;
	if (mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE)) {
		r = punch(overlay, ino, offset, offset + length);
		return r < 0 ? r : hd_file_touch_times(overlay, ino);
	}
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_ZERO_RANGE)
		r = punch(overlay, ino, offset, offset + length);
	if (r == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && offset + length > view.size)
		r = hd_file_grow_to(overlay, ino, offset + length);
	return r < 0 ? r : hd_file_touch_times(overlay, ino);
}

int hd_overlay_copy_file_range(struct hd_overlay *overlay, hd_ino from, uint64_t from_offset, hd_ino to,
	uint64_t to_offset, size_t size, size_t *ret_size)
{
	HD_AUTO_FREE uint8_t *bytes = malloc(COPY_PIECE);
	size_t done = 0;
	int r = bytes ? 0 : -ENOMEM;

	while (r == 0 && done < size) {
		size_t piece = size - done < COPY_PIECE ? size - done : COPY_PIECE;
		size_t got = 0, written = 0;

		r = hd_overlay_read(overlay, from, bytes, piece, from_offset + done, &got);
		if (r < 0 || got == 0)
			break;
		r = hd_overlay_write(overlay, to, bytes, got, to_offset + done, &written);
		done += written;
	}
	if (done == 0 && r < 0)
		return r;
	*ret_size = done;
	return 0;
}
