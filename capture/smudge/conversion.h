/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_CONVERSION_H
#define HEDDLE_CAPTURE_SMUDGE_CONVERSION_H

/*
 * Conversion: line ends and "$Id$" of a file, on the way from git to a worktree and back, byte for byte as git does it.
 *
 * Ownership   The caller clears OUT, which is empty at first. Threads: any.
 * Errors      -ENOMEM, those of base_git_identity.h.
 */

#include "capture/smudge/attribute_stack.h"
#include "overlay/platform/buffer.h"

/* 1 with the bytes for a worktree, which are others than the blob DATA has; 0: they are the blob's. */
int hd_convert_to_worktree(
	const struct hd_conversion *conversion, const char *data, size_t size, struct hd_buffer *out);

/*
 * 1 with the bytes for git, which are others; 0: they are the file's. HAS_CRLF: the blob that git has at the path has such line
 * ends (hd_convert_has_crlf): then what only looks like a text keeps its own.
 */
int hd_convert_to_git(const struct hd_conversion *conversion, const char *data, size_t size, bool has_crlf,
	struct hd_buffer *out);

/* Whether the blob looks like a text and has CRLF in it. */
bool hd_convert_has_crlf(const char *data, size_t size);

#endif
