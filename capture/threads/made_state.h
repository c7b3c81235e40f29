/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_MADE_STATE_H
#define HEDDLE_CAPTURE_THREADS_MADE_STATE_H

/*
 * Made state: a tree that was put together from others, as a state beside the history, because a thread begins at states.
 *
 * Ownership   Everything is borrowed. Threads: one. Durability: when it returns 0 the state and all that it names survive a power cut.
 * Errors      -ENOMEM, those of comparisons and of the index.
 */

#include "capture/compare/known_moves.h"
#include "capture/compare/tree_moves.h"
#include "overlay/bases/base.h"

struct hd_made_state {
	const struct hd_state_id *parent;
	const char *actor;                   /* NULL or "" where nobody is known */
	const struct hd_moves_source *known; /* of the moves between the parent and the tree; may be NULL */
};

/* STATE has tree, attributes and root mode, and nothing else; it becomes the state, with MESSAGE, which is taken over. */
int hd_made_state_publish(struct hd_store *store, struct hd_base_set *bases, const struct hd_made_state *made,
	char *message, struct hd_state *state);

/* Whether two states have the same references for their trees: other ones may still be the same (same_tree.h). */
bool hd_made_state_is_same(const struct hd_state *a, const struct hd_state *b);

#endif
