/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "overlay/contents/file_data.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/array.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Holes. A block that shows the content needs a mark in the block map to show zeros instead; everything else is
 * unmapped. Which blocks show data of the content is asked before the file is locked, because a content may be a
 * hole of exbibytes itself, and asked again when the file changed meanwhile.
 *
 * Blocks at the ends that are punched in part get zeros where they lie. One that shows the content is brought into memory before,
 * so that all of the range becomes zeros under one hold of the locks: a snapshot has all of it or nothing.
 */

/* Up to here a mark for each block is cheaper than a look at the content. */
#define LOOK_BLOCKS 256u
/* So often the content may become another one while it is looked at. */
#define LOOKS 3

struct extent {
	uint64_t first, end; /* blocks */
};

/* Bytes of one block that become zeros; none if `size` is 0. */
struct edge {
	uint64_t offset;
	size_t size;
};

struct punching {
	struct hd_overlay *overlay;
	hd_ino ino;
	struct hd_file_view view;
	uint64_t first, end; /* whole blocks */
	struct edge edges[2];
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

static uint32_t value_at(const struct punching *punching, uint64_t offset)
{
	struct hd_overlay *overlay = punching->overlay;
	uint32_t value;

	hd_rwlock_read(&overlay->lock);
	value = hd_block_get(overlay->arena, hd_record_inode(overlay->arena, hd_ino_index(punching->ino)),
		offset >> HD_BLOCK_SHIFT);
	hd_rwlock_unlock(&overlay->lock);
	return value;
}

static bool shows_content(const struct punching *punching, const struct edge *edge)
{
	return edge->size > 0 && edge->offset / HD_BLOCK_SIZE * HD_BLOCK_SIZE < punching->view.backed &&
	       value_at(punching, edge->offset) == HD_BLOCK_NONE;
}

static int write_zeros(struct punching *punching, const struct edge *edge)
{
	static const uint8_t zeros[HD_BLOCK_SIZE];
	struct hd_hot_tier *hot = punching->overlay->hot;
	uint32_t value = edge->size > 0 ? value_at(punching, edge->offset) : HD_BLOCK_NONE;
	int fd;

	if (value == HD_BLOCK_NONE || value == HD_BLOCK_HOLE)
		return 0;
	if (value >= HD_BLOCK_FIRST)
		return hd_hot_write(hot, value, edge->offset % HD_BLOCK_SIZE, zeros, edge->size);
	fd = hd_hot_large_fd(hot, punching->view.large_slot);
	return fd < 0 ? fd : hd_memory_file_write(fd, zeros, edge->size, edge->offset);
}

/* In the hold of the lock in which the file is touched: a flush that sees that must know of the bytes. */
static void note_edges(const struct punching *punching)
{
	for (int i = 0; i < 2; i++)
		if (punching->edges[i].size > 0)
			hd_flusher_note_data(punching->overlay->flusher, punching->ino,
				punching->edges[i].offset >> HD_BLOCK_SHIFT, 1);
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
	note_edges(punching);
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

/* The file is locked for a change. */
static int punch_locked(struct punching *punching, uint64_t from, uint64_t end)
{
	uint64_t block = punching->first;
	size_t extent = 0;
	int r = look_again(punching, end);

	if (r == 0 && (shows_content(punching, &punching->edges[0]) ||
			      shows_content(punching, &punching->edges[1])))
		r = -EAGAIN; /* somebody has stored the file meanwhile */
	if (r < 0)
		return r;
	hd_keep_before_change(punching->overlay, punching->ino, from, end);
	for (int i = 0; i < 2 && r == 0; i++)
		r = write_zeros(punching, &punching->edges[i]);
	/* What was written half must be known as well. */
	if (r < 0)
		punching->end = punching->first;
	do {
		int punched = punch_some(punching, &block, &extent);

		if (r == 0)
			r = punched;
	} while (r == 0 && block < punching->end);
	if (r == 0)
		discard_memory(punching);
	return r;
}

static int punch_blocks(struct punching *punching, uint64_t from, uint64_t end)
{
	int r = is_looked_at(punching) ? collect_data(punching, true) : 0;

	for (int i = 0; i < 2 && r == 0; i++)
		if (shows_content(punching, &punching->edges[i]))
			r = hd_file_map_block(punching->overlay, punching->ino,
				punching->edges[i].offset >> HD_BLOCK_SHIFT);
	if (r < 0)
		return r;
	hd_file_lock_to_change(punching->overlay, punching->ino);
	r = punch_locked(punching, from, end);
	hd_file_unlock_changed(punching->overlay, punching->ino);
	return r;
}

static int try_punch(struct punching *punching, uint64_t offset, uint64_t end)
{
	uint64_t stop;
	int r = hd_file_view(punching->overlay, punching->ino, &punching->view);

	if (r < 0 || offset >= punching->view.size)
		return r;
	stop = end < punching->view.size ? end : punching->view.size;
	punching->edges[0] = punching->edges[1] = (struct edge){0};
	punching->first = (offset + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	punching->end = stop >> HD_BLOCK_SHIFT;
	if (offset >> HD_BLOCK_SHIFT == stop >> HD_BLOCK_SHIFT) {
		/* Within one block. */
		punching->edges[0] = (struct edge){.offset = offset, .size = (size_t)(stop - offset)};
		punching->end = punching->first;
		return punch_blocks(punching, offset, end);
	}
	punching->edges[0] = (struct edge){
		.offset = offset, .size = (size_t)((punching->first << HD_BLOCK_SHIFT) - offset)};
	if (stop == punching->view.size)
		punching->end = (stop + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
	else
		punching->edges[1] = (struct edge){
			.offset = punching->end << HD_BLOCK_SHIFT, .size = (size_t)(stop % HD_BLOCK_SIZE)};
	return punch_blocks(punching, offset, end);
}

int hd_file_punch(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end)
{
	struct punching punching = {.overlay = overlay, .ino = ino};
	int r;

	do
		r = try_punch(&punching, offset, end);
	while (r == -EAGAIN);
	free(punching.data);
	if (r == 0)
		hd_promoter_enqueue(overlay->promoter, ino);
	return r;
}
