/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/file_space.h"
#include "overlay/orphan.h"

#include <linux/falloc.h>
#include <unistd.h>

#include "overlay/file_data.h"
#include "overlay/flush.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/memory_file.h"
#include "overlay/promotion.h"

/*
 * Space: truncate, fallocate, holes, copies.
 *
 * Shrinking cuts `backed` as well as the blocks, so that what the content has above the cut never shows
 * again, even after the file grows. The last block is zeroed above the cut for the same reason.
 */

#define COPY_PIECE (128u << 10)

int hd_file_zero_in_block(struct hd_overlay *overlay, const struct hd_file_view *view, uint64_t block,
	uint32_t value, uint32_t from, uint32_t size)
{
	static const uint8_t zeros[HD_BLOCK_SIZE];
	int fd;

	if (value >= HD_BLOCK_FIRST)
		return hd_hot_write(overlay->hot, value, from, zeros, size);
	if (value != HD_BLOCK_LARGE)
		return 0;
	fd = hd_hot_large_fd(overlay->hot, view->large_slot);
	return fd < 0 ? fd : hd_memory_file_write(fd, zeros, size, (block << HD_BLOCK_SHIFT) + from);
}

static uint32_t block_value(struct hd_overlay *overlay, hd_ino ino, uint64_t block)
{
	uint32_t value;

	hd_rwlock_read(&overlay->lock);
	value = hd_block_get(overlay->arena, hd_record_inode(overlay->arena, hd_ino_index(ino)), block);
	hd_rwlock_unlock(&overlay->lock);
	return value;
}

static int cut_locked(struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view, uint64_t size)
{
	uint32_t inside = (uint32_t)(size % HD_BLOCK_SIZE);
	uint64_t first_gone = (size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	bool held;
	int r = 0;

	if (inside) {
		uint64_t block = size >> HD_BLOCK_SHIFT;

		r = hd_file_zero_in_block(overlay, view, block, block_value(overlay, ino, block), inside,
			HD_BLOCK_SIZE - inside);
		if (r == 0)
			hd_flusher_note_data(overlay->flusher, ino, block, 1);
	}
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = hd_unmap_from_locked(overlay, hd_ino_index(ino), first_gone);
	held = hd_hot_is_held(overlay->hot);
	hd_rwlock_unlock(&overlay->lock);
	/* A flush whose cut names these blocks still reads them. What stays in the file then is named by nobody. */
	if (r == 0 && view->large_slot && !held) {
		int fd = hd_hot_large_fd(overlay->hot, view->large_slot);

		r = fd < 0 ? fd : hd_memory_file_resize(fd, first_gone << HD_BLOCK_SHIFT);
	}
	return r;
}

static int name_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size)
{
	struct hd_transaction transaction;
	struct hd_inode *inode;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	hd_file_touch(&transaction, hd_ino_index(ino));
	inode = hd_edit_inode(&transaction, hd_ino_index(ino));
	inode->size = size;
	if (inode->backed > size)
		inode->backed = size;
	if (inode->backed == 0)
		inode->content = (struct hd_content){0};
	if (size == 0)
		inode->flags &= (uint8_t)~HD_INODE_UNSETTLED; /* empty: nothing to store */
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

/* With GROW_ONLY nothing happens to a file that is as long already, whoever made it so meanwhile. */
static int set_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size, bool grow_only)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	struct hd_file_view view;
	int r;

	if (size > (uint64_t)INT64_MAX)
		return -EFBIG;
	hd_rwlock_write(file_lock);
	r = hd_file_view(overlay, ino, &view);
	if (r == 0 && size < view.size && !grow_only)
		r = cut_locked(overlay, ino, &view, size);
	if (r == 0 && (size > view.size || !grow_only))
		r = name_size(overlay, ino, size);
	hd_rwlock_unlock(file_lock);
	if (r == 0 && size > 0)
		hd_promoter_enqueue(overlay->promoter, ino);
	return r;
}

int hd_file_set_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size)
{
	return set_size(overlay, ino, size, false);
}

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

/* As ext4 has it: every fallocate counts as a modification, also one that changes no byte. */
static int touch_times(struct hd_overlay *overlay, hd_ino ino)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	const struct hd_inode *seen;
	struct hd_inode *inode;
	int r;

	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &seen);
	if (r == 0) {
		hd_transaction_begin(overlay->arena, &transaction);
		inode = hd_edit_inode(&transaction, hd_ino_index(ino));
		inode->modify_time = inode->change_time = hd_time_from(&now);
		hd_inode_mark_changed(&transaction, hd_ino_index(ino));
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
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
		return r < 0 ? r : touch_times(overlay, ino);
	}
	if (mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (mode & FALLOC_FL_ZERO_RANGE)
		r = punch(overlay, ino, offset, offset + length);
	if (r == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && offset + length > view.size)
		r = set_size(overlay, ino, offset + length, true);
	return r < 0 ? r : touch_times(overlay, ino);
}

/* Holes are what nobody wrote and the content does not have; a content's own holes count as data. */
int hd_overlay_lseek(
	struct hd_overlay *overlay, hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	struct hd_segment segments[HD_SEGMENT_LIMIT];
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	struct hd_file_view view = {0};
	bool want_data = whence == SEEK_DATA;
	uint64_t start = offset;

	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	for (;;) {
		int count;

		hd_rwlock_read(file_lock);
		count = hd_file_plan_locked(overlay, ino, offset, UINT64_MAX, segments, &view);
		hd_rwlock_unlock(file_lock);
		if (count < 0)
			return count;
		for (int i = 0; i < count; i++) {
			if ((segments[i].kind != HD_SEGMENT_ZERO) == want_data) {
				*ret_offset = segments[i].offset;
				return 0;
			}
			offset = segments[i].offset + segments[i].size;
		}
		if (count == 0 || offset >= view.size)
			break;
	}
	if (want_data || start >= view.size)
		return -ENXIO;
	*ret_offset = view.size;
	return 0;
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
