/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_STATE_WALK_H
#define HEDDLE_CAPTURE_ARCHIVE_STATE_WALK_H

/*
 * State walk: every name of a state with everything that is known of it, directories before what is in them, names in
 * the order of trees. For who copies a state out of the store.
 *
 * Memory      The listings of the directories from the root to where the walk is.
 * Ownership   Paths and nodes are borrowed during the call.
 * Threads     One. Errors: those of bases and of the index, -ENOMEM, -HD_E_INTERRUPTED.
 */

#include "overlay/bases/base.h"
#include "overlay/snapshot.h"

/* PATH is relative, and "." for the root. A negative result ends the walk; HD_STATE_WALK_PASS of a directory's entering
 * leaves out what is in it, and its leaving. */
#define HD_STATE_WALK_PASS 1
typedef int (*hd_state_walk_visit)(const char *path, const struct hd_snapshot_node *node, void *payload);

struct hd_state_walk {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* borrowed */
	hd_state_walk_visit enter; /* every name */
	hd_state_walk_visit leave; /* a directory, after what is in it; NULL: nobody asks */
	void *payload;
};

/* From the root of STATE on. */
int hd_state_walk(const struct hd_state_walk *walk, const struct hd_state *state);

#endif
