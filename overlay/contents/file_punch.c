/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "overlay/contents/file_data.h"
#include "overlay/contents/kept_files.h"
#include "overlay/platform/array.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Holes. A block that shows the content needs a mark in the block map to show zeros instead; everything else is
 * unmapped. Which blocks show data of the content is asked before the file is locked, because a content may be a
 * hole of exbibytes itself, and asked again when the file changed meanwhile.
 */

/* Up to here a mark for each block is cheaper than a look at the content. */
#define LOOK_BLOCKS 256u
/* So often the content may become another one while it is looked at. */
#define LOOKS 3

struct extent {
	uint64_t first, end; /* blocks */
};

struct punching {
	struct hd_overlay *overlay;
	hd_ino ino;
	struct hd_file_view view;
	uint64_t first, end; /* whole blocks */
	uint64_t backed;     /* what is left of the content */
	struct extent *data; /* owned: where the content may have data, ascending */
	size_t count, capacity;
	int looks;
	bool is_held; /* a flush may still read what was unmapped */
};

static int add_data(struct punching *punching, uint64_t offset, uint64_t end)
{
	if (HD_ARRAY_RESERVE(punching->data, punching->count, punching->capacity) < 0)
		return -ENOMEM;
	punching->data[punching->count++] = (struct extent){
		.first = offset >> HD_BLOCK_SHIFT, .end = (end + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT};
	return 0;
}

/* What of a content cannot be looked at is taken for data. */
static int look_for_data(struct punching *punching, uint64_t offset, uint64_t end)
{
	struct hd_base_set *bases = punching->overlay->bases;
	const struct hd_content *content = &punching->view.content;
	int r = 0;

	while (r == 0 && offset < end) {
		uint64_t data = offset, hole = end;

		if (hd_base_set_seek(bases, content, offset, true, &data) < 0)
			data = offset;
		else if (data < end && hd_base_set_seek(bases, content, data, false, &hole) < 0)
			hole = end;
		if (data >= end)
			break;
		if (hole > end)
			hole = end;
		r = add_data(punching, data, hole);
		offset = hole;
	}
	return r;
}

static bool is_looked_at(const struct punching *punching)
{
	return punching->end - punching->first > LOOK_BLOCKS && punching->looks < LOOKS;
}

/* Without a look, which a lock does not allow, all that shows the content is data. */
static int collect_data(struct punching *punching, bool look)
{
	uint64_t offset = punching->first << HD_BLOCK_SHIFT, end = punching->end << HD_BLOCK_SHIFT;

	punching->count = 0;
	punching->backed = punching->view.backed;
	if (offset >= punching->backed)
		return 0;
	/* A hole up to the content's end needs no mark: the content ends where the hole begins. */
	if (end >= punching->backed) {
		punching->backed = offset;
		return 0;
	}
	return look ? look_for_data(punching, offset, end) : add_data(punching, offset, end);
}

/* The first block from BLOCK on that is to be set, or the end; *EXTENT is the data that it lies in or before. */
static uint64_t next_block(const struct punching *punching, uint64_t block, size_t *extent)
{
	const struct hd_arena *arena = punching->overlay->arena;
	const struct hd_inode *inode = hd_record_inode(arena, hd_ino_index(punching->ino));
	uint64_t next, data;
	uint32_t value;

	if (!hd_block_next_before(arena, inode, block, punching->end, &next, &value))
		next = punching->end;
	while (*extent < punching->count && punching->data[*extent].end <= block)
		++*extent;
	if (*extent == punching->count)
		return next;
	data = punching->data[*extent].first < block ? block : punching->data[*extent].first;
	return data < next ? data : next;
}

/* One transaction's worth of blocks from *BLOCK on. */
static int punch_some(struct punching *punching, uint64_t *block, size_t *extent)
{
	struct hd_overlay *overlay = punching->overlay;
	uint32_t index = hd_ino_index(punching->ino);
	struct hd_transaction transaction;
	unsigned budget = 4096;
	int64_t large = 0;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	for (; budget > 0 && hd_transaction_room(&transaction) > 64; budget--) {
		bool is_data;
		uint32_t old;

		*block = next_block(punching, *block, extent);
		if (*block >= punching->end)
			break;
		is_data = *extent < punching->count && punching->data[*extent].first <= *block;
		old = hd_block_get(overlay->arena, hd_record_inode(overlay->arena, index), *block);
		hd_block_set(&transaction, index, *block, is_data ? HD_BLOCK_HOLE : HD_BLOCK_NONE);
		if (old >= HD_BLOCK_FIRST)
			hd_hot_free(overlay->hot, &transaction, old);
		large -= old == HD_BLOCK_LARGE;
		++*block;
	}
	hd_file_cut_backed(hd_edit_inode(&transaction, index), punching->backed);
	hd_file_touch(&transaction, index);
	r = hd_overlay_commit(overlay, &transaction);
	punching->is_held = punching->is_held || hd_hot_is_held(overlay->hot);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && large)
		hd_hot_large_account(overlay->hot, large);
	return r;
}

/*
 * Under the lock: -EAGAIN when the last block may hold bytes behind END that somebody has just appended, or when the
 * content became another one while it was looked at.
 */
static int look_again(struct punching *punching, uint64_t end)
{
	const struct hd_file_view seen = punching->view;
	int r = hd_file_view(punching->overlay, punching->ino, &punching->view);

	if (r < 0)
		return r;
	if (punching->view.size > seen.size && end >= seen.size && end < punching->end << HD_BLOCK_SHIFT)
		return -EAGAIN;
	if (!is_looked_at(punching))
		return collect_data(punching, false);
	if (punching->view.backed == seen.backed && hd_content_equal(&punching->view.content, &seen.content))
		return 0;
	punching->looks++;
	return -EAGAIN;
}

/* A large file's own memory goes back to the system; what a flush may still read stays, named by nobody. */
static void discard_memory(const struct punching *punching)
{
	int fd = punching->view.large_slot && !punching->is_held
			 ? hd_hot_large_fd(punching->overlay->hot, punching->view.large_slot)
			 : -1;

	if (fd >= 0 && punching->first < punching->end)
		(void)hd_memory_file_discard(fd, punching->first << HD_BLOCK_SHIFT,
			(punching->end - punching->first) << HD_BLOCK_SHIFT);
}

static int punch_blocks(struct punching *punching, uint64_t end)
{
	uint64_t block = punching->first;
	size_t extent = 0;
	int r = is_looked_at(punching) ? collect_data(punching, true) : 0;

	if (r < 0)
		return r;
	hd_file_lock_to_change(punching->overlay, punching->ino);
	r = look_again(punching, end);
	if (r == 0)
		hd_keep_before_change(punching->overlay, punching->ino, punching->first << HD_BLOCK_SHIFT,
			punching->end << HD_BLOCK_SHIFT);
	while (r == 0 && block < punching->end)
		r = punch_some(punching, &block, &extent);
	if (r == 0)
		discard_memory(punching);
	hd_file_unlock_changed(punching->overlay, punching->ino);
	return r;
}

static int write_zeros(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t size)
{
	static const uint8_t zeros[HD_BLOCK_SIZE];
	size_t written;

	return size == 0 ? 0 : hd_overlay_write(overlay, ino, zeros, size, offset, &written);
}

static int try_punch(struct punching *punching, uint64_t offset, uint64_t end)
{
	struct hd_overlay *overlay = punching->overlay;
	hd_ino ino = punching->ino;
	uint64_t stop;
	int r = hd_file_view(overlay, ino, &punching->view);

	if (r < 0 || offset >= punching->view.size)
		return r;
	stop = end < punching->view.size ? end : punching->view.size;
	punching->first = (offset + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	punching->end = stop >> HD_BLOCK_SHIFT;
	if (punching->first > punching->end || offset >> HD_BLOCK_SHIFT == stop >> HD_BLOCK_SHIFT)
		return write_zeros(overlay, ino, offset, stop - offset);
	if (stop == punching->view.size)
		punching->end = (stop + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	else
		r = write_zeros(overlay, ino, punching->end << HD_BLOCK_SHIFT, stop % HD_BLOCK_SIZE);
	if (r == 0)
		r = write_zeros(overlay, ino, offset, (punching->first << HD_BLOCK_SHIFT) - offset);
	return r < 0 ? r : punch_blocks(punching, end);
}

int hd_file_punch(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	struct punching punching = {.overlay = overlay, .ino = ino};
	int r;

	do
		r = try_punch(&punching, offset, end);
	while (r == -EAGAIN);
	free(punching.data);
	return r;
}
