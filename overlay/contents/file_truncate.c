/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/file_data.h"
#include "overlay/contents/file_space.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/orphan.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Truncation.
 *
 * Shrinking cuts `backed` as well as the blocks, so that what the content has above the cut never shows again, even
 * after the file grows. The last block must be zeros above the cut for the same reason: it is not changed where it lies,
 * where the old file still shows it and a flush may be reading it, but copied, and the copy is named together with the
 * new size.
 *
 *     1  the bytes of the last block that stay go into a block that nobody names
 *     2  one transaction: size, `backed`, the last block's new place, and as many blocks unmapped as fit
 *     3  what did not fit overhangs: a mark on the inode says so, further transactions unmap it, the last one takes
 *        the mark away
 *
 * A death or a flush before 2 leaves the old file, one after it the new file; who opens the overlay next does what is
 * left of 3. Before a file grows nothing may overhang, because it would show again.
 */

struct cutting {
	struct hd_overlay *overlay;
	hd_ino ino;
	struct hd_file_view view;
	uint64_t size;
	uint64_t block;       /* the last one */
	uint32_t old, target; /* its place until now, and from now on; equal when it is not cut */
	uint64_t next;        /* first block that is still to be unmapped */
};

static uint32_t block_value(struct hd_overlay *overlay, hd_ino ino, uint64_t block)
{
	uint32_t value;

	hd_rwlock_read(&overlay->lock);
	value = hd_block_get(overlay->arena, hd_record_inode(overlay->arena, hd_ino_index(ino)), block);
	hd_rwlock_unlock(&overlay->lock);
	return value;
}

/* Step 1. */
static int copy_last_block(struct cutting *cutting)
{
	struct hd_hot_tier *hot = cutting->overlay->hot;
	uint8_t bytes[HD_BLOCK_SIZE] = {0};
	struct hd_segment segment = {
		.offset = cutting->block << HD_BLOCK_SHIFT, .size = cutting->size % HD_BLOCK_SIZE};
	uint32_t count;
	int r;

	if (segment.size > 0)
		cutting->old = block_value(cutting->overlay, cutting->ino, cutting->block);
	cutting->target = cutting->old;
	if (cutting->old != HD_BLOCK_LARGE && cutting->old < HD_BLOCK_FIRST)
		return 0;
	segment.kind = cutting->old == HD_BLOCK_LARGE ? HD_SEGMENT_LARGE : HD_SEGMENT_HOT;
	segment.block = cutting->old;
	r = hd_file_read_segment(cutting->overlay, &cutting->view, &segment, bytes);
	if (r == 0)
		r = hd_hot_reserve(hot, 1, &cutting->target, &count);
	if (r < 0)
		return r;
	r = hd_hot_write(hot, cutting->target, 0, bytes, sizeof(bytes));
	if (r < 0)
		hd_hot_unreserve(hot, cutting->target, 1);
	return r;
}

static int64_t name_last_block(struct cutting *cutting, struct hd_transaction *transaction)
{
	struct hd_overlay *overlay = cutting->overlay;

	if (cutting->target == cutting->old)
		return 0;
	hd_block_set(transaction, hd_ino_index(cutting->ino), cutting->block, cutting->target);
	hd_hot_use(transaction, cutting->target);
	if (cutting->old != HD_BLOCK_LARGE)
		hd_hot_free(overlay->hot, transaction, cutting->old);
	hd_flusher_note_data(overlay->flusher, cutting->ino, cutting->block, 1);
	return cutting->old == HD_BLOCK_LARGE ? -1 : 0;
}

static uint64_t blocks_in(uint64_t size)
{
	return (size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
}

/* Which of the content's holes were cut off nobody knows: what is left of them if all of them were. */
void hd_file_cut_backed(struct hd_inode *inode, uint64_t size)
{
	struct hd_file_part *file = &inode->part.file;

	if (size < inode->backed) {
		uint64_t cut = blocks_in(inode->backed) - blocks_in(size);

		file->hole_blocks -= cut < file->hole_blocks ? cut : file->hole_blocks;
		inode->backed = size;
	}
	if (inode->backed == 0)
		inode->content = (struct hd_content){0};
}

/* What was allocated beyond the end goes with every truncation, also with one that leaves the size. */
static void cut_promise(struct hd_file_part *file, uint64_t size)
{
	if (file->promised_end > blocks_in(size))
		file->promised_end =
			blocks_in(size) > file->promised_first ? blocks_in(size) : file->promised_first;
}

static void name_size(struct hd_transaction *transaction, uint32_t index, uint64_t size)
{
	struct hd_inode *inode;

	hd_file_touch(transaction, index);
	inode = hd_edit_inode(transaction, index);
	if (size < inode->size)
		cut_promise(&inode->part.file, size);
	inode->size = size;
	hd_file_cut_backed(inode, size);
	if (size == 0)
		inode->flags &= (uint8_t)~HD_INODE_UNSETTLED; /* empty: nothing to store */
}

/* Steps 2 and 3: one transaction. 1 when there are blocks left; *RET_HELD: a flush still reads what was cut off. */
static int cut_some(struct cutting *cutting, bool first, bool *ret_held)
{
	struct hd_overlay *overlay = cutting->overlay;
	uint32_t index = hd_ino_index(cutting->ino);
	struct hd_transaction transaction;
	struct hd_inode *inode;
	int64_t large = 0;
	bool more;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	if (first) {
		large = name_last_block(cutting, &transaction);
		name_size(&transaction, index, cutting->size);
	}
	more = hd_unmap_some(overlay, &transaction, index, &cutting->next, &large) ||
	       (cutting->size == 0 && !hd_block_map_clear(&transaction, index));
	inode = hd_edit_inode(&transaction, index);
	inode->flags = (uint8_t)(more ? inode->flags | HD_INODE_OVERHANG : inode->flags & ~HD_INODE_OVERHANG);
	r = hd_overlay_commit(overlay, &transaction);
	*ret_held = hd_hot_is_held(overlay->hot);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && large)
		hd_hot_large_account(overlay->hot, large);
	return r < 0 ? r : more;
}

/* What a flush may still read stays in the memory file, named by nobody. */
static void shrink_memory_file(const struct cutting *cutting)
{
	int fd = cutting->view.large_slot ? hd_hot_large_fd(cutting->overlay->hot, cutting->view.large_slot)
					  : -1;

	if (fd >= 0)
		(void)hd_memory_file_resize(
			fd, (cutting->size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT << HD_BLOCK_SHIFT);
}

static int cut_overhang(struct cutting *cutting, int r, bool held)
{
	while (r > 0)
		r = cut_some(cutting, false, &held);
	if (r == 0 && !held)
		shrink_memory_file(cutting);
	return r;
}

int hd_file_cut_overhang_locked(struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view)
{
	struct cutting cutting = {.overlay = overlay,
		.ino = ino,
		.view = *view,
		.size = view->size,
		.next = (view->size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT};

	return view->flags & HD_INODE_OVERHANG ? cut_overhang(&cutting, 1, false) : 0;
}

static int cut_locked(struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view, uint64_t size)
{
	struct cutting cutting = {.overlay = overlay,
		.ino = ino,
		.view = *view,
		.size = size,
		.block = size >> HD_BLOCK_SHIFT,
		.next = (size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT};
	bool held = false;
	int r = copy_last_block(&cutting);

	if (r < 0)
		return r;
	r = cut_some(&cutting, true, &held);
	if (r < 0 && cutting.target != cutting.old)
		hd_hot_unreserve(overlay->hot, cutting.target, 1);
	if (r < 0)
		return r;
	/* The file has its new size, whatever becomes of the rest; what stays is cut off before the file grows. */
	(void)cut_overhang(&cutting, r, held);
	return 0;
}

static int grow_locked(struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view, uint64_t size)
{
	struct hd_transaction transaction;
	int r = hd_file_cut_overhang_locked(overlay, ino, view);

	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	name_size(&transaction, hd_ino_index(ino), size);
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

/* The size stays: no byte changes. */
static int keep_size(struct hd_overlay *overlay, hd_ino ino)
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
		cut_promise(&inode->part.file, inode->size);
		hd_inode_mark_changed(&transaction, hd_ino_index(ino));
		r = hd_overlay_commit(overlay, &transaction);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

static int set_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size, bool grow_only)
{
	struct hd_file_view view;
	int r;

	if (size > (uint64_t)INT64_MAX)
		return -EFBIG;
	hd_file_lock_to_change(overlay, ino);
	r = hd_file_view(overlay, ino, &view);
	if (r == 0)
		hd_keep_before_change(overlay, ino, size, view.size);
	if (r == 0 && size > view.size)
		r = grow_locked(overlay, ino, &view, size);
	else if (r == 0 && !grow_only)
		r = size < view.size ? cut_locked(overlay, ino, &view, size) : keep_size(overlay, ino);
	hd_file_unlock_changed(overlay, ino);
	if (r == 0 && size > 0)
		hd_promoter_enqueue(overlay->promoter, ino);
	return r;
}

int hd_file_set_size(struct hd_overlay *overlay, hd_ino ino, uint64_t size)
{
	return set_size(overlay, ino, size, false);
}

int hd_file_grow_to(struct hd_overlay *overlay, hd_ino ino, uint64_t size)
{
	return set_size(overlay, ino, size, true);
}
