/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "overlay/contents/file_data.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/states/state_tree.h"

/*
 * Reading: plan under the locks, copy hot bytes under the file's lock, read the base without any.
 *
 * The base part may be read after the lock is gone because content is immutable: what it showed at the time
 * of the plan, it shows later too. A write that lands in between is concurrent with this read and may come
 * before or after.
 */

int hd_file_view(struct hd_overlay *overlay, hd_ino ino, struct hd_file_view *ret)
{
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && !hd_inode_is_file(inode))
		r = hd_inode_is_directory(inode) ? -EISDIR : -EINVAL;
	if (r == 0)
		*ret = (struct hd_file_view){
			.size = inode->size,
			.backed = inode->backed,
			.version = inode->part.file.version,
			.content = inode->content,
			.large_slot = inode->flags & HD_INODE_LARGE ? inode->part.file.large_slot : 0,
			.flags = inode->flags,
			.mapped = inode->part.file.mapped,
			.hole_blocks = inode->part.file.hole_blocks,
		};
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static enum hd_segment_kind kind_of(uint32_t value, uint64_t offset, uint64_t backed)
{
	if (value >= HD_BLOCK_FIRST)
		return HD_SEGMENT_HOT;
	if (value == HD_BLOCK_LARGE)
		return HD_SEGMENT_LARGE;
	return value == HD_BLOCK_NONE && offset < backed ? HD_SEGMENT_BASE : HD_SEGMENT_ZERO;
}

static bool continues(
	const struct hd_segment *last, enum hd_segment_kind kind, uint64_t block, uint32_t value)
{
	if (last->kind != kind)
		return false;
	return kind != HD_SEGMENT_HOT || last->block + (block - (last->offset >> HD_BLOCK_SHIFT)) == value;
}

/* Adds the part of one block; false when there is no room for another segment. */
static bool add_part(struct hd_segment *segments, int *count, enum hd_segment_kind kind, uint64_t offset,
	uint64_t size, uint32_t value)
{
	if (*count > 0 && continues(&segments[*count - 1], kind, offset >> HD_BLOCK_SHIFT, value)) {
		segments[*count - 1].size += size;
		return true;
	}
	if (*count == HD_SEGMENT_LIMIT)
		return false;
	segments[(*count)++] =
		(struct hd_segment){.kind = kind, .offset = offset, .size = size, .block = value};
	return true;
}

static int plan(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t offset, uint64_t end,
	struct hd_segment *segments)
{
	int count = 0;

	while (offset < end) {
		uint64_t block = offset >> HD_BLOCK_SHIFT, next;
		uint64_t stop = (block + 1) << HD_BLOCK_SHIFT;
		uint32_t value = hd_block_get(arena, inode, block), ignored;
		enum hd_segment_kind kind = kind_of(value, offset, inode->backed);

		/* A file may have holes of exbibytes. */
		if (value == HD_BLOCK_NONE)
			stop = hd_block_next_before(
				       arena, inode, block, (end >> HD_BLOCK_SHIFT) + 1, &next, &ignored)
				       ? next << HD_BLOCK_SHIFT
				       : end;
		if (stop > end)
			stop = end;
		if (kind == HD_SEGMENT_BASE && stop > inode->backed)
			stop = inode->backed;
		if (!add_part(segments, &count, kind, offset, stop - offset, value))
			break;
		offset = stop;
	}
	return count;
}

int hd_file_plan_locked(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t size,
	struct hd_segment segments[HD_SEGMENT_LIMIT], struct hd_file_view *ret_view)
{
	const struct hd_inode *inode;
	bool replaced = false;
	int r;

	/* The file's lock keeps its writers away, but not a switch to another tree (tree_switch.h). */
	do {
		uint64_t end;

		r = hd_file_view(overlay, ino, ret_view);
		if (r < 0 || offset >= ret_view->size)
			return r;
		end = size < ret_view->size - offset ? offset + size : ret_view->size;
		hd_rwlock_read(&overlay->lock);
		inode = hd_record_inode(overlay->arena, hd_ino_index(ino));
		replaced = inode->part.file.version != ret_view->version;
		if (!replaced)
			r = plan(overlay->arena, inode, offset, end, segments);
		hd_rwlock_unlock(&overlay->lock);
	} while (replaced);
	return r;
}

int hd_file_read_segment(struct hd_overlay *overlay, const struct hd_file_view *view,
	const struct hd_segment *segment, void *buffer)
{
	int fd;

	switch (segment->kind) {
	case HD_SEGMENT_HOT:
		return hd_hot_read(
			overlay->hot, segment->block, segment->offset % HD_BLOCK_SIZE, buffer, segment->size);
	case HD_SEGMENT_LARGE:
		fd = hd_hot_large_fd(overlay->hot, view->large_slot);
		return fd < 0 ? fd : hd_memory_file_read(fd, buffer, segment->size, segment->offset);
	case HD_SEGMENT_ZERO:
		memset(buffer, 0, segment->size);
		return 0;
	case HD_SEGMENT_BASE:
		break;
	}
	return -EINVAL;
}

/* Reads the base parts of a plan; a content that is shorter than it was said to be is an error, not zeros. */
static int read_base_segments(struct hd_overlay *overlay, const struct hd_file_view *view,
	const struct hd_segment *segments, int count, uint64_t offset, uint8_t *buffer)
{
	for (int i = 0; i < count; i++) {
		size_t got;
		int r;

		if (segments[i].kind != HD_SEGMENT_BASE)
			continue;
		r = hd_base_set_read(overlay->bases, &view->content, buffer + (segments[i].offset - offset),
			segments[i].size, segments[i].offset, &got);
		if (r < 0)
			return r;
		if (got != segments[i].size)
			return -HD_E_BASE_CHANGED;
	}
	return 0;
}

static int read_window(struct hd_overlay *overlay, hd_ino ino, uint8_t *buffer, size_t size, uint64_t offset,
	size_t *ret_size)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	struct hd_segment segments[HD_SEGMENT_LIMIT];
	struct hd_file_view view;
	int count, r = 0;

	hd_rwlock_read(file_lock);
	count = hd_file_plan_locked(overlay, ino, offset, size, segments, &view);
	for (int i = 0; i < count && r == 0; i++)
		if (segments[i].kind != HD_SEGMENT_BASE)
			r = hd_file_read_segment(
				overlay, &view, &segments[i], buffer + (segments[i].offset - offset));
	hd_rwlock_unlock(file_lock);
	if (count < 0 || r < 0)
		return count < 0 ? count : r;
	r = read_base_segments(overlay, &view, segments, count, offset, buffer);
	*ret_size = count ? segments[count - 1].offset + segments[count - 1].size - offset : 0;
	return r;
}

int hd_overlay_read(
	struct hd_overlay *overlay, hd_ino ino, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	size_t done = 0;

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_read(overlay, ino, buffer, size, offset, ret_size);
	while (done < size) {
		size_t got = 0;
		int r = read_window(overlay, ino, (uint8_t *)buffer + done, size - done, offset + done, &got);

		if (r < 0)
			return r;
		if (got == 0)
			break;
		done += got;
	}
	*ret_size = done;
	return 0;
}

void hd_file_touch(struct hd_transaction *transaction, uint32_t index)
{
	struct timespec now = hd_clock_now();
	struct hd_inode *inode = hd_edit_inode(transaction, index);

	inode->modify_time = inode->change_time = hd_time_from(&now);
	inode->part.file.version++;
	inode->flags |= HD_INODE_UNSETTLED;
	hd_inode_mark_changed(transaction, index);
}
