/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_CAPTURE_COUNTS_H
#define HEDDLE_CAPTURE_CAPTURE_COUNTS_H

/*
 * Capture counts: the numbers that a state keeps about its difference from its parent.
 *
 * Threads: one per view. Errors: those of the views, -ENOMEM.
 */

#include "capture/growth.h"
#include "capture/trees/tree_view.h"

/* Sets added, modified, deleted, moved and the moves of STATE, which must have none. */
int hd_capture_count(struct hd_tree_view *old_view, struct hd_tree_view *new_view, struct hd_state *state);

/* The same, and by how much the state grows the store, into GROWTH, which is empty. */
int hd_capture_count_growth(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	struct hd_state *state, struct hd_object_store *objects, struct hd_growth *growth);

#endif
