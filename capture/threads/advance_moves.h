/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_ADVANCE_MOVES_H
#define HEDDLE_CAPTURE_THREADS_ADVANCE_MOVES_H

/*
 * Advance moves: directories that were moved in a thread and not captured, when it gets another head. Old and new head are merged
 * with what is not captured as if these had always had their new names, so that both sides' changes below them meet.
 *
 * A move is left alone where anything is in doubt: the old name is there again, the new one in a head as well, or the new head
 * has no such directory any more.
 *
 * Threads: one. Errors: those of tree_compose_move.h.
 */

#include "capture/compare/known_moves.h"
#include "capture/tree_compose_move.h"

/*
 * Changes the trees of BASE and THEIRS, which are copies that own nothing, by the moves of OURS, a state of what is there now.
 * *RET_MOVES, which the caller clears, has those that were made.
 */
int hd_advance_moves_apply(const struct hd_tree_compose *compose, const struct hd_state *ours,
	struct hd_state *base, struct hd_state *theirs, struct hd_known_moves *ret_moves);

#endif
