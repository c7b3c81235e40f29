/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_GIT_PATCH_H
#define HEDDLE_CAPTURE_COMPARE_GIT_PATCH_H

/*
 * Git patch: the text of one file's difference as `git diff` prints it (git-diff-format, "Generating patch
 * text with -p").
 *
 * Ownership   Everything given in is borrowed during the call. Threads: any, one buffer each.
 * Errors      -ENOMEM, -HD_E_REPOSITORY with libgit2's words.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

/* One side of a difference. */
struct hd_git_patch_side {
	const char *path; /* relative, NUL-terminated; of a side where the file is not, the other side's */
	uint32_t mode;    /* git's: 0100644, 0100755, 0120000; 0 when the file is not on this side */
	const char *data; /* NULL when the bytes are not known or not wanted */
	size_t size;
};

struct hd_git_patch_counts {
	uint64_t added_lines, deleted_lines;
};

/* The first bytes that decide, as in git, whether a file is binary: a NUL among them. */
#define HD_GIT_BINARY_PREFIX 8000
bool hd_git_patch_is_binary(const char *data, size_t size);

/* git's mode of a file or link of MODE; 0 for what git does not keep as a blob. */
uint32_t hd_git_patch_mode(uint32_t mode);

/* What the header says besides the names. */
struct hd_git_patch_facts {
	bool binary; /* the bytes differ, and one line says so in place of them */
	bool changed; /* the bytes differ; of unequal paths, those of equal bytes are renamed by 100 per cent */
};

/* 'diff --git', modes, from where to where of unequal paths, and what FACTS tell. Quotes paths where git does. */
void hd_git_patch_put_header(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side, const struct hd_git_patch_facts *facts);

/*
 * The bytes of both sides as git's binary patch, with the 'index' line that git apply wants before it. Both are known.
 */
int hd_git_patch_put_binary(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side);

/*
 * The hunks between two texts, with '---' and '+++' before the first, and their line counts. OUT may be NULL
 * for the counts alone.
 */
int hd_git_patch_put_hunks(struct hd_buffer *out, const struct hd_git_patch_side *old_side,
	const struct hd_git_patch_side *new_side, unsigned context_lines,
	struct hd_git_patch_counts *ret_counts);

#endif
