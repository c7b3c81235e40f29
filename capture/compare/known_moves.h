/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_KNOWN_MOVES_H
#define HEDDLE_CAPTURE_COMPARE_KNOWN_MOVES_H

/*
 * Known moves: the directories that the states between two trees say were moved. Each state says so of itself and its
 * first parent; put together they lead from any tree to a later one, and turned round to an earlier one.
 *
 * Ownership   The caller clears the list. Threads: one at a time per list.
 * Errors      Those of the index; -ENOMEM, with the list in any state that can be cleared.
 */

#include "overlay/store/index/index.h"

/* Of states that a walk looks at. */
#define HD_KNOWN_MOVES_HISTORY 10000

struct hd_known_moves {
	struct hd_state_move *items; /* owned array: from the old tree's paths to the new tree's */
	size_t count, capacity;
};

/* Frees what it owns; of none, does nothing. */
void hd_known_moves_clear(struct hd_known_moves *moves);

/* One more, which the list says nothing of yet. */
int hd_known_moves_add(struct hd_known_moves *moves, const char *from, const char *to);

/* What N earlier moves, all of one step, make of the list, which begins where they end: it begins where they begin. */
int hd_known_moves_put_before(
	struct hd_known_moves *moves, const struct hd_state_move *earlier, size_t n_earlier);

/* From the tree of state FROM to that of state TO, by way of the last state that is in the lines of first parents of
 * both; without one, or beyond HD_KNOWN_MOVES_HISTORY states, nothing is known. */
int hd_known_moves_between(struct hd_index *index, const struct hd_state_id *from,
	const struct hd_state_id *to, struct hd_known_moves *ret_moves);

/* What is behind the directory ABOVE in PATH, from its '/' on; NULL if PATH is neither that nor below it. */
const char *hd_known_moves_rest(const char *above, const char *path);

#endif
