/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CONTENTS_FILE_DATA_H
#define HEDDLE_CONTENTS_FILE_DATA_H

/*
 * File data: what reading, writing, truncation and promotion share about a file's bytes.
 *
 * A file's bytes at one instant are: mapped blocks from the hot tier, the content below `backed`, zeros
 * above. Whoever changes them holds the file's lock for writing, counts `version` up and marks the inode
 * UNSETTLED.
 *
 * Threads     Functions ending in _locked need the file's lock; they take the namespace lock themselves.
 */

#include "overlay/overlay_types.h"

enum hd_segment_kind { HD_SEGMENT_HOT, HD_SEGMENT_LARGE, HD_SEGMENT_BASE, HD_SEGMENT_ZERO };

/* A run of bytes that come from one place. */
struct hd_segment {
	enum hd_segment_kind kind;
	uint64_t offset; /* in the file */
	uint64_t size;
	uint32_t block; /* HOT: the first of consecutive hot blocks, at offset rounded down */
};

/* What a plan needs to know of the inode; copied under the namespace lock. */
struct hd_file_view {
	uint64_t size, backed, version;
	struct hd_content content;
	uint32_t large_slot; /* 0: none */
	uint8_t flags;
	uint32_t mapped;
	uint64_t hole_blocks;
};

/* Looks at a regular file: -ESTALE, -EISDIR, -EINVAL for others. */
int hd_file_view(struct hd_overlay *overlay, hd_ino ino, struct hd_file_view *ret);

#define HD_SEGMENT_LIMIT 64

/* Cuts up to SIZE bytes at OFFSET (within the file) into at most HD_SEGMENT_LIMIT segments. Returns their
 * number and sets *RET_VIEW; fewer bytes than asked are covered when the limit is reached. */
int hd_file_plan_locked(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t size,
	struct hd_segment segments[HD_SEGMENT_LIMIT], struct hd_file_view *ret_view);

/* Reads a segment of the hot tier (not BASE). */
int hd_file_read_segment(struct hd_overlay *overlay, const struct hd_file_view *view,
	const struct hd_segment *segment, void *buffer);

/* Unmaps what an unfinished truncation left beyond the end: whoever makes a file longer calls this first. Needs the
 * file's lock for writing. */
int hd_file_cut_overhang_locked(struct hd_overlay *overlay, hd_ino ino, const struct hd_file_view *view);

/* Within a transaction: times, version, marks of a change of the bytes. */
void hd_file_touch(struct hd_transaction *transaction, uint32_t index);

/* Has a block that shows the content lie in memory, with the same bytes. Takes the file's lock itself. */
int hd_file_map_block(struct hd_overlay *overlay, hd_ino ino, uint64_t block);

/* Makes [OFFSET, END) zeros as far as the file goes, and gives the blocks back. Takes the file's lock itself. */
int hd_file_punch(struct hd_overlay *overlay, hd_ino ino, uint64_t offset, uint64_t end);

/* Within a transaction: the content shows at the most below SIZE from now on. */
void hd_file_cut_backed(struct hd_inode *inode, uint64_t size);

/*
 * Moves the file's hot blocks into a memory file of its own, if it is about to have many. The caller holds no lock:
 * the new descriptor is handed to whoever outlives this process before anything is in it. Failure is no error: the
 * file stays where it is.
 */
void hd_file_make_large(struct hd_overlay *overlay, hd_ino ino);

#endif
