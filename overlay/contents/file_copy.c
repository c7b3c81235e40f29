/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <unistd.h>

#include "overlay/contents/file_data.h"
#include "overlay/contents/file_space.h"
#include "overlay/contents/kept_files.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * copy_file_range(2). What the source shows of its content, the copy shows of the same content, without a look at a
 * byte; what was written over it is then copied over it. A content has no offset in a file, so that goes for bytes that
 * stay where they are, as when a file is copied as a whole. Other bytes are copied through memory, and holes stay holes.
 */

#define COPY_PIECE (128u << 10)

struct run {
	uint64_t offset, end;
};

struct copying {
	struct hd_overlay *overlay;
	hd_ino from, to;
	uint64_t offset, end; /* in the source */
	uint64_t shift;       /* what an offset in the target is more, modulo 2^64 */
	uint8_t *bytes;       /* owned: COPY_PIECE */
	struct run *written;  /* owned: where the source does not show its content */
	size_t count, capacity;
};

/* ---- through memory ---- */

/* -ENODATA when the source became shorter; *OFFSET goes as far as the copy got. */
static int copy_bytes(struct copying *copying, uint64_t *offset, uint64_t end)
{
	int r = 0;

	while (r == 0 && *offset < end) {
		size_t piece = end - *offset < COPY_PIECE ? (size_t)(end - *offset) : COPY_PIECE;
		size_t got = 0, written = 0;

		r = hd_overlay_read(copying->overlay, copying->from, copying->bytes, piece, *offset, &got);
		if (r == 0 && got == 0)
			return -ENODATA;
		if (r == 0)
			r = hd_overlay_write(copying->overlay, copying->to, copying->bytes, got,
				*offset + copying->shift, &written);
		*offset += written;
	}
	return r;
}

static int copy_hole(struct copying *copying, uint64_t *offset, uint64_t end)
{
	uint64_t target = *offset + copying->shift, target_end = end + copying->shift;
	int r = hd_file_punch(copying->overlay, copying->to, target, target_end);

	if (r == 0)
		r = hd_file_grow_to(copying->overlay, copying->to, target_end);
	if (r == 0)
		*offset = end;
	return r;
}

static int copy_part(struct copying *copying, uint64_t *offset, uint64_t end)
{
	int r = 0;

	while (r == 0 && *offset < end) {
		uint64_t data = end, hole = end;

		r = hd_overlay_lseek(copying->overlay, copying->from, *offset, SEEK_DATA, &data);
		if (r < 0 && r != -ENXIO)
			return r;
		if (data > *offset) {
			r = copy_hole(copying, offset, data < end ? data : end);
			continue;
		}
		r = hd_overlay_lseek(copying->overlay, copying->from, *offset, SEEK_HOLE, &hole);
		if (r == 0)
			r = copy_bytes(copying, offset, hole < end ? hole : end);
	}
	return r;
}

/* ---- sharing ---- */

static bool next_mapped(
	const struct copying *copying, hd_ino ino, uint64_t from, uint64_t end, uint64_t *ret_block)
{
	const struct hd_arena *arena = copying->overlay->arena;
	uint32_t value;

	return hd_block_next_before(
		arena, hd_record_inode(arena, hd_ino_index(ino)), from, end, ret_block, &value);
}

static uint64_t block_end(uint64_t size)
{
	return (size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;
}

static int add_written(struct copying *copying, uint64_t block, uint64_t end)
{
	struct run run = {.offset = block << HD_BLOCK_SHIFT, .end = (block + 1) << HD_BLOCK_SHIFT};

	if (run.offset < copying->offset)
		run.offset = copying->offset;
	if (run.end > end)
		run.end = end;
	if (copying->count > 0 && copying->written[copying->count - 1].end == run.offset) {
		copying->written[copying->count - 1].end = run.end;
		return 0;
	}
	if (HD_ARRAY_RESERVE(copying->written, copying->count, copying->capacity) < 0)
		return -ENOMEM;
	copying->written[copying->count++] = run;
	return 0;
}

/* What the source shows of its content: the view, its end, and the blocks that were written over it. */
static int look_at_source(struct copying *copying, struct hd_file_view *ret, uint64_t *ret_end)
{
	struct hd_overlay *overlay = copying->overlay;
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(copying->from));
	uint64_t block = copying->offset >> HD_BLOCK_SHIFT;
	int r;

	hd_rwlock_read(file_lock);
	r = hd_file_view(overlay, copying->from, ret);
	*ret_end = copying->end < ret->backed ? copying->end : ret->backed;
	hd_rwlock_read(&overlay->lock);
	while (r == 0 && next_mapped(copying, copying->from, block, block_end(*ret_end), &block))
		r = add_written(copying, block++, *ret_end);
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(file_lock);
	return r;
}

/*
 * Whether the target may name the source's content up to END and keep what it shows elsewhere: nothing is mapped from
 * the offset on, and its own content is the same and goes up to there, or ends before END and would be covered whole.
 */
static bool can_share(struct copying *copying, const struct hd_file_view *view,
	const struct hd_file_view *source, uint64_t end)
{
	uint64_t block;
	bool is_mapped;

	hd_rwlock_read(&copying->overlay->lock);
	is_mapped =
		next_mapped(copying, copying->to, copying->offset >> HD_BLOCK_SHIFT, block_end(end), &block);
	hd_rwlock_unlock(&copying->overlay->lock);
	if (is_mapped)
		return false;
	if (hd_content_equal(&view->content, &source->content) && view->backed >= copying->offset)
		return true;
	return copying->offset == 0 && view->backed <= end;
}

static int name_shared(struct copying *copying, const struct hd_file_view *source, uint64_t end)
{
	struct hd_overlay *overlay = copying->overlay;
	uint32_t index = hd_ino_index(copying->to);
	struct hd_transaction transaction;
	struct hd_inode *inode;
	bool is_mapped;
	uint64_t block;
	int r;

	hd_rwlock_write(&overlay->lock);
	is_mapped = next_mapped(copying, copying->to, 0, HD_BLOCK_COUNT_LIMIT, &block);
	hd_transaction_begin(overlay->arena, &transaction);
	hd_file_touch(&transaction, index);
	inode = hd_edit_inode(&transaction, index);
	if (inode->size < end)
		inode->size = end;
	if (!hd_content_equal(&inode->content, &source->content) || inode->backed < end) {
		inode->content = source->content;
		inode->backed = end;
		inode->part.file.hole_blocks = end == source->backed ? source->hole_blocks : 0;
	}
	/* As its source, it needs no storing. */
	if (!is_mapped && inode->backed == inode->size)
		inode->flags &= (uint8_t)~HD_INODE_UNSETTLED;
	r = hd_overlay_commit(overlay, &transaction);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

/* Moves the copying's offset behind what the source's content has, if it can be shared. */
static int share(struct copying *copying)
{
	struct hd_overlay *overlay = copying->overlay;
	struct hd_file_view source, view;
	bool is_shared = false;
	uint64_t end;
	int r = look_at_source(copying, &source, &end);

	if (r < 0 || end <= copying->offset)
		return r;
	hd_file_lock_to_change(overlay, copying->to);
	r = hd_file_view(overlay, copying->to, &view);
	if (r == 0 && view.flags & HD_INODE_OVERHANG)
		r = hd_file_cut_overhang_locked(overlay, copying->to, &view);
	if (r == 0 && can_share(copying, &view, &source, end)) {
		hd_keep_before_change(overlay, copying->to, copying->offset, end);
		r = name_shared(copying, &source, end);
		is_shared = r == 0;
	}
	hd_file_unlock_changed(overlay, copying->to);
	for (size_t i = 0; r == 0 && is_shared && i < copying->count; i++) {
		copying->offset = copying->written[i].offset;
		r = copy_part(copying, &copying->offset, copying->written[i].end);
	}
	if (r == 0 && is_shared)
		copying->offset = end;
	return r;
}

int hd_overlay_copy_file_range(struct hd_overlay *overlay, hd_ino from, uint64_t from_offset, hd_ino to,
	uint64_t to_offset, size_t size, size_t *ret_size)
{
	struct copying copying = {.overlay = overlay,
		.from = from,
		.to = to,
		.offset = from_offset,
		.end = from_offset,
		.shift = to_offset - from_offset};
	struct hd_file_view source;
	int r = hd_file_view(overlay, from, &source);

	if (r < 0)
		return r;
	if (to_offset > (uint64_t)INT64_MAX || size > (uint64_t)INT64_MAX - to_offset)
		return -EFBIG;
	if (from_offset < source.size)
		copying.end += size < source.size - from_offset ? size : source.size - from_offset;
	copying.bytes = malloc(COPY_PIECE);
	if (!copying.bytes)
		return -ENOMEM;
	if (from_offset == to_offset && from != to)
		r = share(&copying);
	if (r == 0)
		r = copy_part(&copying, &copying.offset, copying.end);
	free(copying.bytes);
	free(copying.written);
	/* What was copied counts, also before an error and when the source became shorter meanwhile. */
	if (copying.offset == from_offset && r < 0 && r != -ENODATA && r != -ENXIO)
		return r;
	*ret_size = (size_t)(copying.offset - from_offset);
	return 0;
}
