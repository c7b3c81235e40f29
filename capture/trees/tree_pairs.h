/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_PAIRS_H
#define HEDDLE_CAPTURE_TREES_TREE_PAIRS_H

/*
 * Tree pairs: what differs in two directories, one of them a snapshot's, that were compared once. A capture compares each
 * changed directory with the head's when it stores it, then looks for what moved, counts, and asks who did it; most entries
 * are the same each time.
 *
 * Inside tree_view.c, which says when.
 *
 * Ownership   Pairs own copies of entries and of the names of the old ones; those of the new ones are the snapshot's.
 * Threads     One at a time. Errors: -ENOMEM.
 */

#include "capture/trees/tree_view.h"

struct hd_tree_pairs;

/* *PAIRS, NULL at first, is made. OLD_VIEW is only compared with others. */
int hd_tree_pairs_note(struct hd_tree_pairs **pairs, const struct hd_tree_view *old_view,
	const struct hd_content *old_content, const struct hd_tree_view_listing *old_listing,
	struct hd_snapshot_node *node);

/* Whether the pair was noted; the listings belong to the pairs, and clearing them does nothing. */
bool hd_tree_pairs_find(const struct hd_tree_pairs *pairs, const struct hd_tree_view *old_view,
	const struct hd_content *old_content, const struct hd_snapshot_node *node,
	struct hd_tree_view_listing *ret_old, struct hd_tree_view_listing *ret_new);

/* NULL is fine. */
void hd_tree_pairs_free(struct hd_tree_pairs *pairs);

#endif
