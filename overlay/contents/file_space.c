/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/file_space.h"

#include <linux/falloc.h>
#include <unistd.h>

#include "overlay/contents/file_data.h"
#include "overlay/platform/clock.h"

/*
 * fallocate(2). What is asked for is not held: memory and disk are taken when the bytes come. But a range that the disk
 * has no room for is refused before anything changes, and what was granted shows in st_blocks, as one range: the last
 * one, or the one that all of them make when they meet. As ext4 has it, every fallocate counts as a modification, also
 * one that changes no byte.
 */

/* -ENOSPC when the part of the range that has no data yet is more than the disk has room for. */
static int check_room(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	struct hd_overlay_space space;
	uint64_t wanted = end - offset, room, data, hole;
	int r = hd_overlay_statfs(overlay, &space);

	if (r < 0)
		return r;
	room = (geteuid() == 0 ? space.free_blocks : space.available_blocks) * space.block_size;
	while (wanted > room && offset < end) {
		r = hd_overlay_lseek(overlay, ino, offset, SEEK_DATA, &data);
		if (r == 0)
			r = hd_overlay_lseek(overlay, ino, data, SEEK_HOLE, &hole);
		if (r < 0 && r != -ENXIO)
			return r;
		if (r < 0 || data >= end)
			break;
		offset = hole < end ? hole : end;
		wanted -= offset - data;
	}
	return wanted <= room ? 0 : -ENOSPC;
}

static void promise(struct hd_file_part *file, uint64_t first, uint64_t end)
{
	bool is_none = file->promised_first == file->promised_end;

	if (!is_none && first <= file->promised_end && end >= file->promised_first) {
		first = first < file->promised_first ? first : file->promised_first;
		end = end > file->promised_end ? end : file->promised_end;
	}
	if (!is_none && end - first < file->promised_end - file->promised_first)
		return;
	file->promised_first = first;
	file->promised_end = end;
}

/* A hole within a promise leaves what is before it. */
static void take_back(struct hd_file_part *file, uint64_t first, uint64_t end)
{
	if (first >= file->promised_end || end <= file->promised_first)
		return;
	if (first > file->promised_first)
		file->promised_end = first;
	else
		file->promised_first = end < file->promised_end ? end : file->promised_end;
}

/* The last step: the times, and what was promised or taken back. */
static int note_space(struct hd_overlay *overlay, hd_ino ino, bool is_hole, uint64_t offset, uint64_t end)
{
	uint64_t up = HD_BLOCK_SIZE - 1;
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
		if (is_hole)
			take_back(&inode->part.file, (offset + up) >> HD_BLOCK_SHIFT, end >> HD_BLOCK_SHIFT);
		else
			promise(&inode->part.file, offset >> HD_BLOCK_SHIFT, (end + up) >> HD_BLOCK_SHIFT);
		hd_inode_mark_changed(&transaction, hd_ino_index(ino));
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_fallocate(struct hd_overlay *overlay, hd_ino ino, int mode, uint64_t offset, uint64_t length)
{
	bool is_hole = mode == (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	uint64_t end = offset + length;
	struct hd_file_view view;
	int r = hd_file_view(overlay, ino, &view);

	if (r < 0)
		return r == -EISDIR ? -EISDIR : r == -EINVAL ? -ENODEV : r;
	if (length == 0)
		return -EINVAL;
	if (offset > (uint64_t)INT64_MAX || length > (uint64_t)INT64_MAX - offset)
		return -EFBIG;
	if (!is_hole && mode & ~(FALLOC_FL_KEEP_SIZE | FALLOC_FL_ZERO_RANGE))
		return -EOPNOTSUPP;
	if (!is_hole)
		r = check_room(overlay, ino, offset, end);
	if (r == 0 && (is_hole || mode & FALLOC_FL_ZERO_RANGE))
		r = hd_file_punch(overlay, ino, offset, end);
	if (r == 0 && !(mode & FALLOC_FL_KEEP_SIZE) && end > view.size)
		r = hd_file_grow_to(overlay, ino, end);
	return r < 0 ? r : note_space(overlay, ino, is_hole, offset, end);
}
