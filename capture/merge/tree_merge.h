/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_TREE_MERGE_H
#define HEDDLE_CAPTURE_MERGE_TREE_MERGE_H

/*
 * Tree merge: the tree of one state with what another one changed in a third, all of them of one store.
 *
 * It knows what git does not: ignored files, empty directories, devices, permissions, owners and times stay those of OURS
 * wherever THEIRS has what BASE has. Files that both changed are merged by lines. There is no search for renames.
 *
 * Ownership   Borrows everything; the caller clears the results. Threads: one.
 * Cost        Directories that BASE and THEIRS have alike are not entered.
 * Durability  None before hd_object_store_sync.
 * Errors      Those of store and bases, -ELOOP below a few hundred directories.
 */

#include "capture/merge/conflicts.h"
#include "overlay/bases/base.h"

struct hd_tree_merge {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* borrowed */
	const struct hd_state *ours, *base, *theirs;
	const struct hd_state_id *history; /* whose first state names contents (canonical_content.h) */
	/* BASE and THEIRS are git's, which knows no times: what THEIRS brings in has this one. Else NULL. */
	const struct timespec *time;
};

/*
 * Sets tree, attributes and root mode of RESULT. At the path of a conflict that is what OURS has.
 */
int hd_tree_merge_run(
	const struct hd_tree_merge *merge, struct hd_state *result, struct hd_conflicts *ret_conflicts);

#endif
