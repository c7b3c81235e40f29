/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "overlay/contents/file_data.h"
#include "overlay/states/state_tree.h"

/*
 * SEEK_DATA and SEEK_HOLE. What the block map has is data, whatever its bytes are; what it does not have is what the
 * content says of itself below `backed`, and a hole above.
 */

/* Looks through one segment of a plan, where the question began at START; 1 when found, else *OFFSET is its end. */
static int seek_in(struct hd_overlay *overlay, const struct hd_file_view *view,
	const struct hd_segment *segment, bool want_data, uint64_t start, uint64_t *offset)
{
	uint64_t end = segment->offset + segment->size, found = 0;
	int r;

	if (segment->kind == HD_SEGMENT_BASE) {
		r = hd_base_set_seek(overlay->bases, &view->content, segment->offset, want_data, &found);
		if (r < 0)
			return r;
		*offset = found < end ? found : end;
		return found < end;
	}
	/* The content may end within a block; the block is data as a whole. */
	*offset = segment->offset;
	if (segment->kind == HD_SEGMENT_ZERO && !want_data && *offset != start)
		*offset = (*offset + HD_BLOCK_SIZE - 1) / HD_BLOCK_SIZE * HD_BLOCK_SIZE;
	if (*offset < end && (segment->kind != HD_SEGMENT_ZERO) == want_data)
		return 1;
	*offset = end;
	return 0;
}

int hd_overlay_lseek(
	struct hd_overlay *overlay, hd_ino ino, uint64_t offset, int whence, uint64_t *ret_offset)
{
	struct hd_segment segments[HD_SEGMENT_LIMIT];
	struct hd_rwlock *file_lock = hd_file_lock_of(overlay, hd_ino_index(ino));
	struct hd_file_view view = {0};
	uint64_t start = offset;
	int count, r = 0;

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_lseek(overlay, ino, offset, whence, ret_offset);
	if (whence != SEEK_DATA && whence != SEEK_HOLE)
		return -EINVAL;
	do {
		hd_rwlock_read(file_lock);
		count = hd_file_plan_locked(overlay, ino, offset, UINT64_MAX, segments, &view);
		hd_rwlock_unlock(file_lock);
		for (int i = 0; r == 0 && i < count; i++)
			r = seek_in(overlay, &view, &segments[i], whence == SEEK_DATA, start, &offset);
	} while (r == 0 && count > 0 && offset < view.size);
	if (count < 0 || r < 0)
		return count < 0 ? count : r;
	if (r == 0 && (whence == SEEK_DATA || start >= view.size))
		return -ENXIO;
	*ret_offset = r > 0 ? offset : view.size;
	return 0;
}
