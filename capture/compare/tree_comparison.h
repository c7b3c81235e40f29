/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_TREE_COMPARISON_H
#define HEDDLE_CAPTURE_COMPARE_TREE_COMPARISON_H

/*
 * Tree comparison: what differs between two tree views, path by path. Status, diff and the numbers of a state
 * are this one walk, so that they cannot disagree.
 *
 * What counts
 *     ADDED      a name that is only in the new tree; a directory, and then everything below it
 *     DELETED    a name that is only in the old tree, likewise
 *     MODIFIED   a file or link with other bytes, a device with another number, anything with other permission
 *                bits; not a directory because of what is in it
 *     MOVED      a directory or file of the old tree that the new one has at another path (tree_moves.h), as far as
 *                moves are asked for
 *     A name whose type changed is DELETED and then ADDED. Times, owners and extended attributes do not count.
 *
 * Cost Equal references are equal trees and are not entered. Only directories with unequal references are
 * listed; only files with unequal references and equal sizes are read, and no further than their first
 * difference.
 *
 * Ownership   Everything given to a callback is borrowed during the call.
 * Threads     One at a time per view.
 * Errors      Those of the views; a nonzero result of a callback ends the walk and becomes its result.
 */

#include "capture/compare/tree_moves.h"
#include "capture/trees/tree_view.h"

enum hd_change_kind {
	HD_CHANGE_ADDED,
	HD_CHANGE_MODIFIED,
	HD_CHANGE_DELETED,
	HD_CHANGE_MOVED,
	HD_CHANGE_KIND_COUNT
};

struct hd_change {
	enum hd_change_kind kind;
	const char *path; /* relative to the root, NUL-terminated, raw bytes; "." for the root itself */
	size_t path_length;
	const char *old_path;                       /* MOVED: where it was, NUL-terminated; else NULL */
	const struct hd_tree_view_entry *old_entry; /* NULL if ADDED */
	const struct hd_tree_view_entry *new_entry; /* NULL if DELETED */
	bool content_differs; /* MODIFIED, MOVED: bytes or device number, not the permission bits alone */
};

struct hd_change_counts {
	uint64_t added, modified, deleted, moved;
};

/* One more of KIND. */
void hd_change_count(struct hd_change_counts *counts, enum hd_change_kind kind);

enum hd_comparison_moves {
	HD_MOVES_IGNORED, /* what was moved is deleted and added */
	HD_MOVES_TOLD,    /* one MOVED; what changed of it and below it follows, by the new paths */
	/*
	 * As a patch needs it: each file and link below a moved directory is MOVED by itself, with `content_differs` set
	 * if it changed as well, and what was deleted there is told by its old path. The directory is not told.
	 */
	HD_MOVES_OF_FILES,
};

typedef int (*hd_change_emit)(const struct hd_change *change, void *payload);

/* EMIT, which may be NULL, sees every difference in the order of paths (a directory before what is in it). */
int hd_tree_comparison_run(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	enum hd_comparison_moves moves, hd_change_emit emit, void *payload,
	struct hd_change_counts *ret_counts);

/* What is compared, where more is known of the two trees than they tell. */
struct hd_comparison {
	struct hd_tree_view *old_view, *new_view; /* borrowed */
	enum hd_comparison_moves moves;
	const struct hd_moves_source *known; /* borrowed: of the moves; may be NULL */
};

/* The same. */
int hd_tree_comparison_run_knowing(const struct hd_comparison *comparison, hd_change_emit emit, void *payload,
	struct hd_change_counts *ret_counts);

/* Whether nothing differs in two directories (and in their own permission bits); stops at the first
 * difference. */
int hd_tree_comparison_same_tree(struct hd_tree_view *old_view,
	const struct hd_tree_view_entry *old_directory, struct hd_tree_view *new_view,
	const struct hd_tree_view_entry *new_directory, bool *ret_same);

/* Copies of the paths of CHANGE, which the caller frees; *RET_OLD_PATH is NULL where it has none. -ENOMEM: neither. */
int hd_change_copy_paths(const struct hd_change *change, char **ret_path, char **ret_old_path);

/* "A", "M", "D" or "R" (for renamed, as in git). */
const char *hd_change_kind_letter(enum hd_change_kind kind);

/* "file", "directory", "symlink" or "other", for the type bits of MODE. */
const char *hd_change_type_name(uint32_t mode);

#endif
