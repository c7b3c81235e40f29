/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_FILE_MERGE_H
#define HEDDLE_CAPTURE_MERGE_FILE_MERGE_H

/*
 * File merge: three versions of a file to one, by lines. Where files are converted for worktrees (capture/smudge/), it is what git has of
 * them that is merged, and the result is converted: else a "$Id$" would be changed by everybody, and each line where line ends are.
 *
 * Ownership   Borrows everything. Threads: one.
 * Durability  None before hd_object_store_sync.
 * Errors      -EFBIG for what is no text, those of views and of the store, -ENOMEM.
 */

#include "capture/smudge/attribute_stack.h"
#include "capture/trees/tree_view.h"
#include "overlay/store/store.h"

struct hd_file_version {
	struct hd_tree_view *view;
	struct hd_tree_view_entry entry;
	const struct hd_attribute_level *rules; /* of its own tree; NULL: none */
};

struct hd_file_merge {
	struct hd_store *store;
	const struct hd_attribute_names *names; /* of all rules */
	const char *path;
	struct hd_file_version ours, base, theirs;
	const struct hd_attribute_level *rules; /* of the tree that the result is for */
};

/* 1 with the result, in the store; 0 when both changed the same lines. */
int hd_file_merge_run(const struct hd_file_merge *merge, struct hd_content *ret_content, uint64_t *ret_size);

/* Whether git has the same of our version as of the base's; false without conversions. */
int hd_file_merge_is_untouched(const struct hd_file_merge *merge, bool *ret_untouched);

#endif
