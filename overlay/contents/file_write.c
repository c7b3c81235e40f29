/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/limits.h>
#include <string.h>

#include "overlay/contents/file_data.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/request_note.h"
#include "overlay/journal/flush.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"

/*
 * Writing: a write takes blocks for what is not mapped yet, fills them, and then names them in one
 * transaction.
 *
 *     1  under the file's lock, look which blocks are mapped
 *     2  a block that is written in part and still shows the base needs the base's bytes: let the locks go, read
 *        them, begin again (they cannot change, but the block may have been mapped by then)
 *     3  write the bytes into blocks that are mapped, of which a snapshot keeps a copy if it needs them (kept_files.h), or
 *        reserved for this file and named by nobody
 *     4  one transaction: the blocks' names, size, times, marks
 *
 * A death before 4 leaves the file as it was, but for bytes of mapped blocks, which the same write would
 * overwrite again. So one byte into a large file of the base costs one block.
 */

#define PIECE_BLOCKS 256u
#define PIECE_SIZE (PIECE_BLOCKS * HD_BLOCK_SIZE)

/* A block at the beginning or the end of the write that is not written whole. */
struct edge {
	bool partial;
	uint64_t block;
	bool fetched; /* `bytes` hold the base's part, for this content and this many backed bytes */
	struct hd_content content;
	uint64_t backed;
	uint8_t bytes[HD_BLOCK_SIZE];
};

struct writing {
	struct hd_overlay *overlay;
	hd_ino ino;
	const uint8_t *data;
	size_t size;
	uint64_t offset;
	size_t whole;                      /* of the last piece: how much was to be written; else 0 */
	uint64_t first;                    /* file block */
	uint32_t count;                    /* blocks */
	uint32_t old[PIECE_BLOCKS + 1];    /* values before */
	uint32_t target[PIECE_BLOCKS + 1]; /* values after */
	struct hd_file_view view;
	struct edge edges[2];
};

static bool is_mapped(uint32_t value)
{
	return value != HD_BLOCK_NONE && value != HD_BLOCK_HOLE;
}

static void prepare(struct writing *writing)
{
	uint64_t end = writing->offset + writing->size;

	writing->first = writing->offset >> HD_BLOCK_SHIFT;
	writing->count = (uint32_t)(((end + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT) - writing->first);
	writing->edges[0].block = writing->first;
	writing->edges[0].partial =
		writing->offset % HD_BLOCK_SIZE != 0 || (writing->count == 1 && end % HD_BLOCK_SIZE);
	writing->edges[1].block = writing->first + writing->count - 1;
	writing->edges[1].partial = writing->count > 1 && end % HD_BLOCK_SIZE != 0;
}

static int look(struct writing *writing)
{
	struct hd_overlay *overlay = writing->overlay;
	int r = hd_file_view(overlay, writing->ino, &writing->view);

	if (r < 0)
		return r;
	hd_rwlock_read(&overlay->lock);
	for (uint32_t i = 0; i < writing->count; i++)
		writing->old[i] = hd_block_get(overlay->arena,
			hd_record_inode(overlay->arena, hd_ino_index(writing->ino)), writing->first + i);
	hd_rwlock_unlock(&overlay->lock);
	return 0;
}

/* Does the edge show bytes of the base that this write must keep and that are not fetched yet? */
static bool needs_base(const struct writing *writing, const struct edge *edge)
{
	if (!edge->partial || writing->old[edge->block - writing->first] != HD_BLOCK_NONE)
		return false;
	if (edge->block << HD_BLOCK_SHIFT >= writing->view.backed)
		return false;
	return !edge->fetched || edge->backed != writing->view.backed ||
	       !hd_content_equal(&edge->content, &writing->view.content);
}

static int fetch(struct writing *writing, struct edge *edge)
{
	uint64_t start = edge->block << HD_BLOCK_SHIFT;
	uint64_t size = writing->view.backed - start;
	size_t got;
	int r;

	if (size > HD_BLOCK_SIZE)
		size = HD_BLOCK_SIZE;
	memset(edge->bytes, 0, sizeof(edge->bytes));
	r = hd_base_set_read(writing->overlay->bases, &writing->view.content, edge->bytes, size, start, &got);
	if (r == 0 && got != size)
		r = -HD_E_BASE_CHANGED;
	edge->fetched = r == 0;
	edge->content = writing->view.content;
	edge->backed = writing->view.backed;
	return r;
}

/* Step 1 and 2. On success the file is locked for a change. */
static int lock_and_look(struct writing *writing)
{
	for (;;) {
		int r;

		hd_file_lock_to_change(writing->overlay, writing->ino);
		r = look(writing);
		if (r == 0 && writing->view.flags & HD_INODE_OVERHANG) {
			r = hd_file_cut_overhang_locked(writing->overlay, writing->ino, &writing->view);
			if (r == 0)
				r = look(writing);
		}
		if (r == 0 && !needs_base(writing, &writing->edges[0]) &&
			!needs_base(writing, &writing->edges[1]))
			return 0;
		hd_file_unlock_changed(writing->overlay, writing->ino);
		for (int i = 0; i < 2 && r == 0; i++)
			if (needs_base(writing, &writing->edges[i]))
				r = fetch(writing, &writing->edges[i]);
		if (r < 0)
			return r;
	}
}

static uint32_t count_unmapped(const struct writing *writing)
{
	uint32_t count = 0;

	for (uint32_t i = 0; i < writing->count; i++)
		count += !is_mapped(writing->old[i]);
	return count;
}

static void give_back_targets(struct writing *writing, uint32_t until)
{
	for (uint32_t i = 0; i < until; i++)
		if (writing->target[i] != writing->old[i] && writing->target[i] >= HD_BLOCK_FIRST)
			hd_hot_unreserve(writing->overlay->hot, writing->target[i], 1);
}

static int take_targets(struct writing *writing)
{
	uint32_t left = count_unmapped(writing), run = 0, next = 0;

	for (uint32_t i = 0; i < writing->count; i++) {
		if (is_mapped(writing->old[i])) {
			writing->target[i] = writing->old[i];
			continue;
		}
		if (writing->view.large_slot) {
			writing->target[i] = HD_BLOCK_LARGE;
			continue;
		}
		if (run == 0) {
			int r = hd_hot_reserve(writing->overlay->hot, left, &next, &run);

			if (r < 0) {
				give_back_targets(writing, i);
				return r;
			}
		}
		writing->target[i] = next++;
		run--;
		left--;
	}
	return 0;
}

/* Writes bytes [from, from+size) of the file, which lie in consecutive targets beginning with block index I.
 */
static int put(struct writing *writing, uint32_t i, uint64_t from, const void *data, size_t size)
{
	int fd;

	if (writing->target[i] >= HD_BLOCK_FIRST)
		return hd_hot_write(
			writing->overlay->hot, writing->target[i], from % HD_BLOCK_SIZE, data, size);
	fd = hd_hot_large_fd(writing->overlay->hot, writing->view.large_slot);
	return fd < 0 ? fd : hd_memory_file_write(fd, data, size, from);
}

static bool is_consecutive(const struct writing *writing, uint32_t i)
{
	if (writing->target[i] == HD_BLOCK_LARGE)
		return writing->target[i - 1] == HD_BLOCK_LARGE;
	return writing->target[i - 1] >= HD_BLOCK_FIRST && writing->target[i] == writing->target[i - 1] + 1;
}

/* A partly written block that was not mapped gets its other bytes first: the base's, or zeros. */
static int fill_edge(struct writing *writing, struct edge *edge)
{
	uint32_t i = (uint32_t)(edge->block - writing->first);
	bool shows_base =
		writing->old[i] == HD_BLOCK_NONE && edge->block << HD_BLOCK_SHIFT < writing->view.backed;

	if (!edge->partial || is_mapped(writing->old[i]))
		return 0;
	if (!shows_base)
		memset(edge->bytes, 0, sizeof(edge->bytes));
	return put(writing, i, edge->block << HD_BLOCK_SHIFT, edge->bytes, HD_BLOCK_SIZE);
}

static int write_bytes(struct writing *writing)
{
	uint64_t at = writing->offset, end = writing->offset + writing->size;
	uint32_t i = 0;
	int r = fill_edge(writing, &writing->edges[0]);

	if (r == 0)
		r = fill_edge(writing, &writing->edges[1]);
	while (r == 0 && at < end) {
		uint32_t first = i++;
		uint64_t stop;

		while (i < writing->count && is_consecutive(writing, i))
			i++;
		stop = (writing->first + i) << HD_BLOCK_SHIFT;
		if (stop > end)
			stop = end;
		r = put(writing, first, at, writing->data + (at - writing->offset), stop - at);
		at = stop;
	}
	return r;
}

static int name_blocks(struct writing *writing)
{
	struct hd_overlay *overlay = writing->overlay;
	uint32_t index = hd_ino_index(writing->ino);
	struct hd_transaction transaction;
	struct hd_inode *inode;
	int64_t large = 0;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	for (uint32_t i = 0; i < writing->count; i++) {
		if (writing->target[i] == writing->old[i])
			continue;
		hd_block_set(&transaction, index, writing->first + i, writing->target[i]);
		if (writing->target[i] >= HD_BLOCK_FIRST)
			hd_hot_use(&transaction, writing->target[i]);
		else
			large++;
	}
	hd_file_touch(&transaction, index);
	inode = hd_edit_inode(&transaction, index);
	if (inode->size < writing->offset + writing->size)
		inode->size = writing->offset + writing->size;
	if (writing->whole)
		hd_request_note_size(&transaction, 0, writing->whole);
	/* In the same hold of the lock: a flush that sees the names must know of the bytes. */
	hd_flusher_note_data(overlay->flusher, writing->ino, writing->first, writing->count);
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && large)
		hd_hot_large_account(overlay->hot, large);
	return r;
}

/* Of a write that failed half-way, what lies in blocks that were mapped before shows: the file has changed. */
static void note_half_written(struct writing *writing)
{
	struct hd_overlay *overlay = writing->overlay;
	struct hd_transaction transaction;

	if (count_unmapped(writing) == writing->count)
		return;
	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	hd_file_touch(&transaction, hd_ino_index(writing->ino));
	hd_flusher_note_data(overlay->flusher, writing->ino, writing->first, writing->count);
	(void)hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
}

static int write_piece(struct writing *writing)
{
	struct hd_overlay *overlay = writing->overlay;
	bool was_settled;
	int r;

	prepare(writing);
	if (hd_file_view(overlay, writing->ino, &writing->view) == 0 && !writing->view.large_slot &&
		writing->view.mapped <= overlay->large_blocks &&
		writing->view.mapped + writing->count > overlay->large_blocks)
		hd_file_make_large(overlay, writing->ino);
	r = lock_and_look(writing);
	if (r < 0)
		return r;
	r = take_targets(writing);
	if (r == 0) {
		hd_keep_before_change(
			overlay, writing->ino, writing->offset, writing->offset + writing->size);
		r = write_bytes(writing);
		HD_KILL_POINT(bytes_written);
		if (r == 0)
			r = name_blocks(writing);
		else
			note_half_written(writing);
		HD_KILL_POINT(blocks_named);
		if (r < 0)
			give_back_targets(writing, writing->count);
	}
	was_settled = !(writing->view.flags & HD_INODE_UNSETTLED);
	hd_file_unlock_changed(overlay, writing->ino);
	if (r == 0 && was_settled)
		hd_promoter_enqueue(overlay->promoter, writing->ino);
	return r;
}

static int map_block(struct writing *writing)
{
	bool shows_base;
	int r = lock_and_look(writing);

	if (r < 0)
		return r;
	shows_base =
		writing->old[0] == HD_BLOCK_NONE && writing->first << HD_BLOCK_SHIFT < writing->view.backed;
	r = shows_base ? take_targets(writing) : 0;
	if (r == 0 && shows_base) {
		r = fill_edge(writing, &writing->edges[0]);
		if (r == 0)
			r = name_blocks(writing);
		if (r < 0)
			give_back_targets(writing, 1);
	}
	hd_file_unlock_changed(writing->overlay, writing->ino);
	return r;
}

int hd_file_map_block(struct hd_overlay *overlay, hd_ino ino, uint64_t block)
{
	HD_AUTO_FREE struct writing *writing = calloc(1, sizeof(*writing));
	int r = writing ? hd_promoter_make_room(overlay) : -ENOMEM;

	if (r < 0)
		return r;
	writing->overlay = overlay;
	writing->ino = ino;
	writing->first = block;
	writing->offset = block << HD_BLOCK_SHIFT;
	writing->count = 1;
	writing->edges[0] = (struct edge){.block = block, .partial = true};
	return map_block(writing);
}

int hd_overlay_write(struct hd_overlay *overlay, hd_ino ino, const void *data, size_t size, uint64_t offset,
	size_t *ret_size)
{
	HD_AUTO_FREE struct writing *writing = NULL;
	size_t done = 0;
	int r = 0;

	if (offset > (uint64_t)INT64_MAX || size > (uint64_t)INT64_MAX - offset)
		return -EFBIG;
	if (size == 0) {
		*ret_size = 0;
		return 0;
	}
	writing = malloc(sizeof(*writing));
	if (!writing)
		return -ENOMEM;
	while (r == 0 && done < size) {
		uint64_t at = offset + done;
		size_t piece = PIECE_SIZE - at % HD_BLOCK_SIZE;

		r = hd_promoter_make_room(overlay);
		if (r < 0)
			break;
		if (piece > size - done)
			piece = size - done;
		writing->overlay = overlay;
		writing->ino = ino;
		writing->data = (const uint8_t *)data + done;
		writing->size = piece;
		writing->offset = at;
		writing->whole = done + piece == size ? size : 0;
		writing->edges[0].fetched = writing->edges[1].fetched = false;
		r = write_piece(writing);
		if (r == 0)
			done += piece;
	}
	if (done == 0)
		return r;
	*ret_size = done;
	return 0;
}
