/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/advance_moves.h"

/* 1 when both trees have it at its new name now, and neither was changed otherwise. */
static int move_in_both(const struct hd_tree_compose *compose, const struct hd_state *ours,
	const struct hd_state_move *move, struct hd_state *base, struct hd_state *theirs)
{
	struct hd_state moved_base = *base, moved_theirs = *theirs;
	int r;

	/* Into itself, or out of itself: one after the other that would be another place. */
	if (hd_known_moves_rest(move->from, move->to) || hd_known_moves_rest(move->to, move->from))
		return 0;
	r = hd_tree_compose_move(compose, ours, move->from, move->to, &moved_base);
	if (r > 0)
		r = hd_tree_compose_move(compose, ours, move->from, move->to, &moved_theirs);
	if (r > 0) {
		*base = moved_base;
		*theirs = moved_theirs;
	}
	return r;
}

int hd_advance_moves_apply(const struct hd_tree_compose *compose, const struct hd_state *ours,
	struct hd_state *base, struct hd_state *theirs, struct hd_known_moves *ret_moves)
{
	struct hd_known_moves moves = {0};
	int r = 0;

	for (size_t i = 0; i < ours->n_moves && r >= 0; i++) {
		r = move_in_both(compose, ours, &ours->moves[i], base, theirs);
		if (r > 0)
			r = hd_known_moves_add(&moves, ours->moves[i].from, ours->moves[i].to);
	}
	if (r < 0) {
		hd_known_moves_clear(&moves);
		return r;
	}
	*ret_moves = moves;
	return 0;
}
