/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_LINE_HUNKS_H
#define HEDDLE_CAPTURE_COMPARE_LINE_HUNKS_H

/*
 * Line hunks: where the lines of two texts differ, as numbers.
 *
 * Ownership   Texts are borrowed. Threads: any. Errors: -ENOMEM, -HD_E_REPOSITORY with libgit2's words.
 */

#include <stddef.h>

#include "overlay/platform/buffer.h"

/* OLD_COUNT lines from OLD_START on became NEW_COUNT lines from NEW_START on; the first line is 0. */
struct hd_line_hunk {
	size_t old_start, old_count;
	size_t new_start, new_count;
};

/* Puts a struct hd_line_hunk for each difference into HUNKS, in the order of lines. */
int hd_line_hunks_find(const char *old_data, size_t old_size, const char *new_data, size_t new_size,
	struct hd_buffer *hunks);

/* From 0 (nothing in common) to 100 (the same lines), in any order of lines, as git's detection of renames has it. */
int hd_line_hunks_similarity(
	const char *old_data, size_t old_size, const char *new_data, size_t new_size, unsigned *ret_percent);

#endif
