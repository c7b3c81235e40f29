/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_MERGE_LINES_H
#define HEDDLE_CAPTURE_MERGE_MERGE_LINES_H

/*
 * Merge lines: a text with what two others made of it, by git's own algorithm.
 *
 * Ownership   Borrows the texts. Threads: any. Errors: -EFBIG for what is no text, -ENOMEM, -HD_E_REPOSITORY.
 */

#include <stddef.h>

struct hd_lines {
	const char *data; /* borrowed; NULL: empty */
	size_t size;
};

/* 1 with the merged text in fresh memory; 0 when both changed the same lines. */
int hd_merge_lines(const struct hd_lines *ours, const struct hd_lines *base, const struct hd_lines *theirs,
	char **ret_data, size_t *ret_size);

#endif
