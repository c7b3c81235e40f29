/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_CAPTURE_COUNTS_H
#define HEDDLE_CAPTURE_CAPTURE_COUNTS_H

/*
 * Capture counts: the numbers that a state keeps about its difference from its parent.
 *
 * Threads: one per view. Errors: those of the views, -ENOMEM.
 */

#include "capture/compare/tree_moves.h"
#include "capture/growth.h"
#include "capture/trees/tree_view.h"

struct hd_capture_trees {
	struct hd_tree_view *old_view, *new_view; /* borrowed */
	const struct hd_moves_source *known;      /* borrowed; may be NULL */
};

/* Sets added, modified, deleted, moved and the moves of STATE, which must have none. */
int hd_capture_count(struct hd_tree_view *old_view, struct hd_tree_view *new_view, struct hd_state *state);

/* The same of two trees of which KNOWN tells what was moved, and by how much the state grows the store, into GROWTH, which
 * is empty, or NULL. */
int hd_capture_count_growth(const struct hd_capture_trees *trees, struct hd_state *state,
	struct hd_object_store *objects, struct hd_growth *growth);

#endif
