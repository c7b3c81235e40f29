/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_MOVES_WAY_H
#define HEDDLE_CAPTURE_COMPARE_MOVES_WAY_H

/*
 * Moves way: what is known of the directories that were moved on the way from a state's tree to another tree. That one is a
 * state's as well, or what a live overlay became since it was last exactly a state's: captured, restored, or made.
 *
 * Calling sequence
 *     fill a struct hd_moves_way → hd_moves_way_source → compare → done; it owns nothing
 *
 * Threads: those of the views. Errors: those of the index and of the views.
 */

#include "capture/compare/tree_moves.h"
#include "overlay/overlay.h"

struct hd_moves_way {
	struct hd_index *index;         /* borrowed, as all of it */
	const struct hd_state_id *from; /* the old tree */
	const struct hd_state_id *to;   /* the new tree; NULL: it is `view` */
	struct hd_overlay *overlay;     /* with `view` */
	struct hd_tree_view *view;      /* of a snapshot of `overlay` */
};

/* Reads the way when it is asked; WAY is borrowed for as long as that may be. */
struct hd_moves_source hd_moves_way_source(struct hd_moves_way *way);

#endif
