/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/contents/file_data.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/orphan.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/threads/work.h"

/*
 * Settling: a file's bytes get a name in the CAS.
 *
 * The file is read and stored without stopping anybody, and its version is looked at again at the end. If somebody wrote
 * meanwhile, again. Of a snapshot's file whoever writes keeps what it was (kept_files.h), so that the second time this is
 * read, and who writes for ever is no matter; in the background such a file is left to a later time.
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
	struct hd_kept_files *files;     /* borrowed: of the snapshot; NULL: whatever it is now */
	const struct hd_kept_file *kept; /* what it was, if it was changed since; NULL: read the live file */
	struct hd_file_view view;
};

/* What there is to store; 1 if a snapshot's file was stored already, as *RET. */
static int look(struct source *source, struct hd_content *ret)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(source->overlay, hd_ino_index(source->ino));
	int r;

	hd_rwlock_read(file_lock);
	r = hd_kept_file_was_stored(source->files, source->ino, ret);
	if (r == 0)
		r = hd_kept_file_find(source->files, source->ino, &source->kept);
	if (r == 0 && source->kept)
		source->view = source->kept->view;
	else if (r == 0)
		r = hd_file_view(source->overlay, source->ino, &source->view);
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

/* The same of what was kept. */
static uint64_t next_mapped_kept(const struct source *source, uint64_t first, uint64_t end)
{
	size_t i = hd_kept_file_seek(source->kept, first);

	return i < source->kept->n_blocks && source->kept->blocks[i].block < end
		       ? source->kept->blocks[i].block
		       : end;
}

/* SIZE bytes of the source; -EAGAIN when the live file changed under us. */
static int read_piece(struct source *source, uint8_t *buffer, size_t size, uint64_t offset)
{
	size_t got = 0;
	int r;

	if (source->kept)
		return hd_kept_file_read(source->overlay, source->ino, source->kept, buffer, size, offset);
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
	next = source->kept ? next_mapped_kept(source, first, end) : next_mapped_live(source, first, end);
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

/*
 * -EAGAIN when the file was written since VERSION. Blocks that a snapshot needs where they lie are not freed: then the file
 * goes on with them, and whose snapshot has FILES knows all the same what it asked for.
 */
static int install(struct hd_overlay *overlay, hd_ino ino, const struct hd_kept_files *files,
	uint64_t version, const struct stored *stored)
{
	const struct hd_inode *inode;
	uint32_t slot = 0;
	int r;

	hd_file_lock_to_change(overlay, ino);
	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && inode->part.file.version != version)
		r = -EAGAIN;
	if (r == 0 && hd_file_is_kept_in_part(overlay, ino))
		r = files ? 1 : -EAGAIN;
	if (r == 0)
		r = name_content(overlay, hd_ino_index(ino), stored);
	if (r == 0)
		slot = free_blocks_locked(overlay, hd_ino_index(ino));
	hd_rwlock_unlock(&overlay->lock);
	hd_file_unlock_changed(overlay, ino);
	if (slot)
		hd_hot_large_drop(overlay->hot, slot);
	return r < 0 ? r : 0;
}

/* -EAGAIN: it was written meanwhile. */
static int settle_once(struct source *source, struct hd_content *ret)
{
	struct stored stored;
	int r = look(source, ret);

	if (r != 0)
		return r < 0 ? r : 0;
	if (!(source->view.flags & HD_INODE_UNSETTLED)) {
		*ret = source->view.content;
		return 0;
	}
	r = store_source(source, NULL, &stored);
	if (r < 0)
		return r;
	HD_KILL_POINT(content_stored);
	/* The inode goes on with newer bytes. */
	if (!source->kept)
		r = install(source->overlay, source->ino, source->files, source->view.version, &stored);
	if (r == 0)
		*ret = stored.content;
	return r;
}

static int settle_link(
	struct hd_overlay *overlay, hd_ino ino, const struct hd_inode *inode, struct hd_content *ret)
{
	char target[4096];
	size_t size = hd_cells_load(overlay->arena, inode->part.link.target, target, sizeof(target));
	bool is_settled = !(inode->flags & HD_INODE_UNSETTLED);
	int r;

	*ret = inode->content;
	hd_rwlock_unlock(&overlay->lock);
	if (is_settled)
		return 0;
	r = hd_object_store_put(overlay->store->objects, target, size, ret);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0)
		r = name_content(overlay, hd_ino_index(ino), &(struct stored){.content = *ret});
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_file_settle(
	struct hd_overlay *overlay, hd_ino ino, struct hd_kept_files *files, struct hd_content *ret)
{
	struct source source = {.overlay = overlay, .ino = ino, .files = files};
	const struct hd_inode *inode;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0 && hd_inode_is_symlink(inode))
		return settle_link(overlay, ino, inode, ret); /* unlocks */
	hd_rwlock_unlock(&overlay->lock);
	if (r < 0)
		return r;
	for (int i = 0; i < TRIES; i++) {
		r = settle_once(&source, ret);
		if (r != -EAGAIN)
			break;
	}
	if (r == 0)
		hd_kept_file_stored(overlay, files, ino, ret);
	return r;
}

int hd_file_settle_begin(struct hd_overlay *overlay, hd_ino ino, struct hd_kept_files *files,
	struct hd_object_batch *batch, struct hd_settling *ret)
{
	struct source source = {.overlay = overlay, .ino = ino, .files = files};
	const struct hd_inode *inode;
	struct stored stored;
	bool is_file;
	int r;

	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	is_file = r == 0 && hd_inode_is_file(inode);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && is_file)
		r = look(&source, &stored.content);
	if (r != 0 || !is_file || !(source.view.flags & HD_INODE_UNSETTLED) ||
		source.view.size > HD_SETTLE_TOGETHER_LIMIT)
		return r < 0 ? r : 0;
	r = store_source(&source, batch, &stored);
	if (r < 0)
		return r == -EAGAIN ? 0 : r;
	*ret = (struct hd_settling){.ino = ino,
		.version = source.view.version,
		.is_kept = source.kept != NULL,
		.hole_blocks = stored.hole_blocks,
		.content = stored.content};
	return 1;
}

int hd_file_settle_end(
	struct hd_overlay *overlay, struct hd_kept_files *files, const struct hd_settling *settling)
{
	const struct stored stored = {.content = settling->content, .hole_blocks = settling->hole_blocks};
	int r = 0;

	HD_KILL_POINT(content_stored);
	if (!settling->is_kept)
		r = install(overlay, settling->ino, files, settling->version, &stored);
	if (r == 0)
		hd_kept_file_stored(overlay, files, settling->ino, &settling->content);
	return r;
}
