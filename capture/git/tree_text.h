/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_TREE_TEXT_H
#define HEDDLE_CAPTURE_GIT_TREE_TEXT_H

/*
 * Tree text: the bytes of a git tree, of entries in any order.
 *
 * libgit2's treebuilder, which does the same, asks the database for each object that an entry names.
 *
 * Ownership   The list borrows names; the caller clears it. Threads: one. Errors: -ENOMEM.
 */

#include <git2/oid.h>
#include <git2/types.h>
#include <stddef.h>

#include "overlay/platform/buffer.h"

struct hd_tree_text {
	struct hd_tree_text_entry *entries; /* owned array */
	size_t count, capacity;
};

/* Adds NAME, which no other entry has and a tree can have. */
int hd_tree_text_add(struct hd_tree_text *text, const char *name, git_filemode_t mode, const git_oid *id);
/* Appends the tree to OUT. */
int hd_tree_text_format(struct hd_tree_text *text, struct hd_buffer *out);
void hd_tree_text_clear(struct hd_tree_text *text);

#endif
