/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/contents/file_data.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/orphan.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/threads/work.h"

/*
 * Settling: a file's bytes get a name in the CAS.
 *
 * First the hopeful way: read and store the file without stopping anybody, and look at its version again at
 * the end. If somebody wrote meanwhile, again; after TRIES the sure way: its hot blocks are copied in memory
 * under its lock, which stops its writers for as long as a memory copy takes, and the copy is stored. Either
 * way the stored bytes are those of one instant.
 *
 * Chunks of a chunked content that no written block touches are taken over by their ids without being read, chunks of
 * holes are a run in the list: a file costs by what was written and not by its size.
 */

#define TRIES 3

/* What a file's bytes became. */
struct stored {
	struct hd_content content;
	uint64_t hole_blocks;
};

struct source {
	struct hd_overlay *overlay;
	hd_ino ino;
	struct hd_file_view view;
	struct hd_attributes attributes;
	int copy_fd;             /* owned; -1: read the live file */
	uint64_t *mapped_blocks; /* owned, with copy_fd: which blocks the copy has, in order */
	size_t n_mapped;
};

static void source_clear(struct source *source)
{
	hd_cleanup_close(&source->copy_fd);
	free(source->mapped_blocks);
}

/* View and attributes of the same instant. */
static int look(struct source *source)
{
	struct hd_overlay *overlay = source->overlay;
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(source->ino));
	int r;

	hd_rwlock_read(file_lock);
	r = hd_file_view(overlay, source->ino, &source->view);
	if (r == 0) {
		hd_rwlock_read(&overlay->lock);
		hd_inode_attributes(overlay->arena, hd_ino_index(source->ino), &source->attributes);
		hd_rwlock_unlock(&overlay->lock);
	}
	hd_rwlock_unlock(file_lock);
	return r;
}

/* The first block of the live file in [first, end) that is not what the content or its absence says; END for none. */
static uint64_t next_mapped_live(struct source *source, uint64_t first, uint64_t end)
{
	struct hd_overlay *overlay = source->overlay;
	const struct hd_inode *inode;
	uint64_t block = first; /* a file that is gone is no hole */
	uint32_t value;

	hd_rwlock_read(&overlay->lock);
	inode = hd_inode_get(overlay->arena, source->ino);
	if (inode && !hd_block_next_before(overlay->arena, inode, first, end, &block, &value))
		block = end;
	hd_rwlock_unlock(&overlay->lock);
	return block;
}

/* The same in the copy. */
static uint64_t next_mapped_copy(const struct source *source, uint64_t first, uint64_t end)
{
	size_t low = 0, high = source->n_mapped;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (source->mapped_blocks[middle] < first)
			low = middle + 1;
		else
			high = middle;
	}
	return low < source->n_mapped && source->mapped_blocks[low] < end ? source->mapped_blocks[low] : end;
}

static int read_copy(struct source *source, uint8_t *buffer, size_t size, uint64_t offset)
{
	size_t from_base = 0, got = 0;
	size_t i = 0;
	int r = 0;

	memset(buffer, 0, size);
	if (offset < source->view.backed)
		from_base = source->view.backed - offset < size ? source->view.backed - offset : size;
	if (from_base > 0)
		r = hd_base_set_read(
			source->overlay->bases, &source->view.content, buffer, from_base, offset, &got);
	if (r == 0 && got != from_base)
		r = -HD_E_BASE_CHANGED;
	while (i < source->n_mapped && source->mapped_blocks[i] < offset >> HD_BLOCK_SHIFT)
		i++;
	for (; r == 0 && i < source->n_mapped; i++) {
		uint64_t at = source->mapped_blocks[i] << HD_BLOCK_SHIFT;
		size_t part = HD_BLOCK_SIZE;

		if (at >= offset + size)
			break;
		if (part > offset + size - at)
			part = offset + size - at;
		r = hd_memory_file_read(source->copy_fd, buffer + (at - offset), part, at);
	}
	return r;
}

/* SIZE bytes of the source; -EAGAIN when the live file changed under us. */
static int read_piece(struct source *source, uint8_t *buffer, size_t size, uint64_t offset)
{
	size_t got = 0;
	int r;

	if (source->copy_fd >= 0)
		return read_copy(source, buffer, size, offset);
	r = hd_overlay_read(source->overlay, source->ino, buffer, size, offset, &got);
	return r == 0 && got != size ? -EAGAIN : r;
}

/* How many full chunks from OFFSET on no block was written to. */
static uint64_t untouched_chunks(struct source *source, uint64_t offset)
{
	uint64_t first = offset >> HD_BLOCK_SHIFT, full = source->view.size / HD_CHUNK_SIZE;
	uint64_t end = full * (HD_CHUNK_SIZE >> HD_BLOCK_SHIFT), next;

	if (first >= end)
		return 0;
	next = source->copy_fd >= 0 ? next_mapped_copy(source, first, end)
				    : next_mapped_live(source, first, end);
	return (next << HD_BLOCK_SHIFT) / HD_CHUNK_SIZE - offset / HD_CHUNK_SIZE;
}

/* Of up to LIMIT chunks of a file that lies in a directory, those from OFFSET on that are holes there. */
static int name_holes_of_base(struct source *source, struct hd_content_writer *writer, uint64_t offset,
	uint64_t limit, uint64_t *ret_count)
{
	uint64_t count = limit, data;
	int r = hd_base_set_seek(source->overlay->bases, &source->view.content, offset, true, &data);

	if (r < 0)
		return r;
	if (data != UINT64_MAX && (data - offset) / HD_CHUNK_SIZE < limit)
		count = (data - offset) / HD_CHUNK_SIZE;
	*ret_count = count;
	return count > 0 ? hd_content_writer_append_zeros(writer, count) : 0;
}

/* Names chunks whose bytes nobody needs to read: holes, and what the old content has; *RET_COUNT of them, or 0. */
static int name_untouched(
	struct source *source, struct hd_content_writer *writer, uint64_t offset, uint64_t *ret_count)
{
	uint64_t count = untouched_chunks(source, offset), in_content;
	int r;

	*ret_count = 0;
	if (count == 0)
		return 0;
	if (offset >= source->view.backed) {
		*ret_count = count;
		return hd_content_writer_append_zeros(writer, count);
	}
	in_content = (source->view.backed - offset) / HD_CHUNK_SIZE;
	if (in_content == 0)
		return 0;
	if (count > in_content)
		count = in_content;
	r = hd_content_writer_reuse(writer, &source->view.content, offset / HD_CHUNK_SIZE, count, ret_count);
	return r == -ENOENT ? name_holes_of_base(source, writer, offset, count, ret_count) : r;
}

static int store_pieces(struct source *source, struct hd_content_writer *writer)
{
	HD_AUTO_FREE uint8_t *buffer = NULL;
	uint64_t offset = 0, total = source->view.size;
	size_t capacity = total < HD_CHUNK_SIZE ? (size_t)total : HD_CHUNK_SIZE;
	int r = 0;

	buffer = malloc(capacity + 1);
	if (!buffer)
		return -ENOMEM;
	while (r == 0 && offset < total) {
		size_t size = total - offset < HD_CHUNK_SIZE ? (size_t)(total - offset) : HD_CHUNK_SIZE;
		uint64_t count = 0;

		r = hd_work_advance(0);
		if (r == 0)
			r = name_untouched(source, writer, offset, &count);
		if (r == 0 && count > 0) {
			offset += count * HD_CHUNK_SIZE;
			continue;
		}
		if (r == 0)
			r = read_piece(source, buffer, size, offset);
		if (r == 0)
			r = hd_content_writer_append(writer, buffer, size);
		offset += size;
	}
	return r;
}

/* BATCH may be NULL. */
static int store_source(struct source *source, struct hd_object_batch *batch, struct stored *ret)
{
	struct hd_content_writer *writer;
	int r = hd_content_writer_new(source->overlay->store->objects, source->view.size, &writer);

	if (r < 0)
		return r;
	hd_content_writer_use_batch(writer, batch);
	r = store_pieces(source, writer);
	if (r < 0) {
		hd_content_writer_free(writer);
		return r;
	}
	ret->hole_blocks = ((source->view.size + HD_BLOCK_SIZE - 1) - hd_content_writer_data_bytes(writer)) >>
			   HD_BLOCK_SHIFT;
	return hd_content_writer_finish(writer, &ret->content);
}

/*
 * The blocks may go now, and they say which chunks are holes and which are the old content's. So to whoever settles the
 * same file at the same time this is a change like any other.
 */
static int name_content(struct hd_overlay *overlay, uint32_t index, const struct stored *stored)
{
	struct hd_transaction transaction;
	struct hd_inode *inode;

	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, index);
	inode->content = stored->content;
	if (hd_inode_is_file(inode)) {
		inode->part.file.hole_blocks = stored->hole_blocks;
		inode->backed = inode->size;
		inode->part.file.version++;
	}
	inode->flags &= (uint8_t)~HD_INODE_UNSETTLED;
	return hd_overlay_commit(overlay, &transaction);
}

/* The blocks say the same as the content now, so they can go; if that fails they merely stay. */
static uint32_t free_blocks_locked(struct hd_overlay *overlay, uint32_t index)
{
	struct hd_transaction transaction;
	struct hd_inode *inode;
	uint32_t slot = 0;

	if (hd_unmap_all_locked(overlay, index) < 0)
		return 0;
	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, index);
	inode->flags &= (uint8_t)~HD_INODE_OVERHANG;
	if (inode->flags & HD_INODE_LARGE) {
		slot = inode->part.file.large_slot;
		inode->part.file.large_slot = 0;
		inode->flags &= (uint8_t)~HD_INODE_LARGE;
	}
	return hd_overlay_commit(overlay, &transaction) < 0 ? 0 : slot;
}

/* -EAGAIN when the file was written since VERSION. */
static int install(struct hd_overlay *overlay, hd_ino ino, uint64_t version, const struct stored *stored)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	const struct hd_inode *inode;
	uint32_t slot = 0;
	int r;

	hd_rwlock_write(file_lock);
	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && inode->part.file.version != version)
		r = -EAGAIN;
	if (r == 0)
		r = name_content(overlay, hd_ino_index(ino), stored);
	if (r == 0)
		slot = free_blocks_locked(overlay, hd_ino_index(ino));
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(file_lock);
	if (slot)
		hd_hot_large_drop(overlay->hot, slot);
	return r;
}

static int copy_block(struct source *source, uint64_t block, uint32_t value, uint8_t *bytes)
{
	struct hd_segment segment = {.kind = value >= HD_BLOCK_FIRST ? HD_SEGMENT_HOT : HD_SEGMENT_LARGE,
		.offset = block << HD_BLOCK_SHIFT,
		.size = HD_BLOCK_SIZE,
		.block = value};
	uint64_t *blocks = reallocarray(source->mapped_blocks, source->n_mapped + 1, sizeof(*blocks));
	int r;

	if (!blocks)
		return -ENOMEM;
	source->mapped_blocks = blocks;
	blocks[source->n_mapped++] = block;
	if (value == HD_BLOCK_HOLE)
		return 0; /* the copy reads as zeros there */
	if (segment.offset + segment.size > source->view.size)
		segment.size = source->view.size - segment.offset;
	r = hd_file_read_segment(source->overlay, &source->view, &segment, bytes);
	return r < 0 ? r : hd_memory_file_write(source->copy_fd, bytes, segment.size, segment.offset);
}

/* Copies all mapped blocks while the file's lock keeps its writers away. */
static int copy_locked(struct source *source)
{
	struct hd_overlay *overlay = source->overlay;
	HD_AUTO_FREE uint8_t *bytes = malloc(HD_BLOCK_SIZE);
	uint64_t block = 0;
	uint32_t value;
	bool found = true;
	int r = bytes ? 0 : -ENOMEM;

	while (r == 0) {
		hd_rwlock_read(&overlay->lock);
		found = hd_block_next(overlay->arena,
			hd_record_inode(overlay->arena, hd_ino_index(source->ino)), block, &block, &value);
		hd_rwlock_unlock(&overlay->lock);
		if (!found || block << HD_BLOCK_SHIFT >= source->view.size)
			break;
		r = copy_block(source, block++, value, bytes);
	}
	return r;
}

static int take_copy(struct source *source)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(source->overlay, hd_ino_index(source->ino));
	int r;

	source->copy_fd = hd_memory_file_create("heddle-settle", (uint64_t)INT64_MAX & ~(uint64_t)4095);
	if (source->copy_fd < 0)
		return source->copy_fd;
	hd_rwlock_read(file_lock);
	r = hd_file_view(source->overlay, source->ino, &source->view);
	if (r == 0) {
		hd_rwlock_read(&source->overlay->lock);
		hd_inode_attributes(source->overlay->arena, hd_ino_index(source->ino), &source->attributes);
		hd_rwlock_unlock(&source->overlay->lock);
		r = copy_locked(source);
	}
	hd_rwlock_unlock(file_lock);
	return r;
}

static int settle_once(struct source *source, bool sure, struct hd_settled *ret)
{
	struct stored stored;
	int r = sure ? take_copy(source) : look(source);

	if (r < 0)
		return r;
	if (!(source->view.flags & HD_INODE_UNSETTLED)) {
		*ret = (struct hd_settled){.content = source->view.content, .attributes = source->attributes};
		return 0;
	}
	r = store_source(source, NULL, &stored);
	if (r < 0)
		return r;
	HD_KILL_POINT(content_stored);
	r = install(source->overlay, source->ino, source->view.version, &stored);
	if (r == -EAGAIN && sure)
		r = 0; /* the bytes of that instant are stored; the inode goes on with newer ones */
	if (r == 0)
		*ret = (struct hd_settled){.content = stored.content, .attributes = source->attributes};
	return r;
}

static int settle_link(
	struct hd_overlay *overlay, hd_ino ino, const struct hd_inode *inode, struct hd_settled *ret)
{
	char target[4096];
	size_t size = hd_cells_load(overlay->arena, inode->part.link.target, target, sizeof(target));
	bool is_settled = !(inode->flags & HD_INODE_UNSETTLED);
	int r;

	ret->content = inode->content;
	hd_inode_attributes(overlay->arena, hd_ino_index(ino), &ret->attributes);
	hd_rwlock_unlock(&overlay->lock);
	if (is_settled)
		return 0;
	r = hd_object_store_put(overlay->store->objects, target, size, &ret->content);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0)
		r = name_content(overlay, hd_ino_index(ino), &(struct stored){.content = ret->content});
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_file_settle(struct hd_overlay *overlay, hd_ino ino, struct hd_settled *ret)
{
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && hd_inode_is_symlink(inode))
		return settle_link(overlay, ino, inode, ret); /* unlocks */
	hd_rwlock_unlock(&overlay->lock);
	for (int i = 0; r == 0 && i <= TRIES; i++) {
		struct source source = {.overlay = overlay, .ino = ino, .copy_fd = -1};

		r = settle_once(&source, i == TRIES, ret);
		source_clear(&source);
		if (r != -EAGAIN)
			break;
		r = 0;
	}
	return r;
}

int hd_file_settle_begin(
	struct hd_overlay *overlay, hd_ino ino, struct hd_object_batch *batch, struct hd_settling *ret)
{
	struct source source = {.overlay = overlay, .ino = ino, .copy_fd = -1};
	const struct hd_inode *inode;
	struct stored stored;
	bool is_file;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	is_file = r == 0 && hd_inode_is_file(inode);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && is_file)
		r = look(&source);
	if (r < 0 || !is_file || !(source.view.flags & HD_INODE_UNSETTLED) ||
		source.view.size > HD_SETTLE_TOGETHER_LIMIT)
		return r < 0 ? r : 0;
	r = store_source(&source, batch, &stored);
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	*ret = (struct hd_settling){.ino = ino,
		.version = source.view.version,
		.hole_blocks = stored.hole_blocks,
		.settled = {.content = stored.content, .attributes = source.attributes}};
	return 1;
}

int hd_file_settle_end(struct hd_overlay *overlay, const struct hd_settling *settling)
{
	const struct stored stored = {
		.content = settling->settled.content, .hole_blocks = settling->hole_blocks};

	HD_KILL_POINT(content_stored);
	return install(overlay, settling->ino, settling->version, &stored);
}
