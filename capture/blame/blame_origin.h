/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_BLAME_BLAME_ORIGIN_H
#define HEDDLE_CAPTURE_BLAME_BLAME_ORIGIN_H

/*
 * Blame origin: the file of a parent's tree that a file was before.
 *
 * A file below a directory that was moved is looked for where that directory was. One that its parent does not have
 * there is, of the files that the parent has and the tree has not any more, the one with the same bytes, or, if there is
 * none, the one that is most similar, if half of it is the same.
 *
 * Cost        Where a directory above the file has the same reference in both trees nothing below it is read. The search
 *             for a file that was renamed compares the two trees, once.
 *
 * Ownership   hd_blame_file_clear frees what a file owns; views are borrowed. Threads: as the views.
 * Errors      Those of views and bases.
 */

#include "capture/trees/tree_view.h"

/* A file in one tree. */
struct hd_blame_file {
	char *path;                      /* owned: relative to the root */
	struct hd_tree_view_entry entry; /* its name is empty */
	struct hd_content *above; /* owned array: the references of the directories above, the root's first */
	size_t n_above;
	char *data; /* owned; NULL until hd_blame_file_load */
	size_t size;
	bool loaded;
	bool binary; /* or too large to be compared by lines: it has no data then */
};

/* The file or link at PATH of VIEW. -ENOENT, -ENOTDIR, -EISDIR, -EINVAL for what is neither. */
int hd_blame_file_find(struct hd_tree_view *view, const char *path, struct hd_blame_file *ret_file);
/* Reads it, unless it has been. */
int hd_blame_file_load(struct hd_tree_view *view, struct hd_blame_file *file);
void hd_blame_file_clear(struct hd_blame_file *file);

/* A tree, and what its parent's directories became in it. */
struct hd_blame_tree {
	struct hd_tree_view *view;         /* borrowed */
	const struct hd_state_move *moves; /* borrowed */
	size_t n_moves;
	bool knows_moves; /* what `moves` has is all; else they are looked for when they matter */
};

/* What FILE of TREE was in PARENT; 1, or 0 if it was not there. FILE is loaded if need be. */
int hd_blame_origin_find(const struct hd_blame_tree *tree, struct hd_blame_file *file,
	struct hd_tree_view *parent, struct hd_blame_file *ret_origin);

#endif
