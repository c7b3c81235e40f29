/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/tree_moves_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/cleanup.h"

/*
 * Each candidate is looked for once, when a round finds it new. A move whose two ends are both candidates is one, whatever
 * the references say: something else with the old one's reference is a copy.
 */

static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct hd_state_move *)a)->to, ((const struct hd_state_move *)b)->to);
}

static int compare_origins(const void *a, const void *b)
{
	const struct hd_state_move *const *left = a, *const *right = b;

	return strcmp((*left)->from, (*right)->from);
}

static bool has_open_directory(const struct hd_moves_side *side)
{
	for (size_t i = 0; i < side->count; i++)
		if (S_ISDIR(side->candidates[i].entry.mode) && hd_moves_is_open(&side->candidates[i]))
			return true;
	return false;
}

static int read_known(struct hd_moves_known *known)
{
	int r = known->source->read(known->source->payload, &known->moves);

	if (r < 0)
		return r;
	known->read = true;
	known->by_origin = calloc(known->moves.count + 1, sizeof(struct hd_state_move *));
	known->candidates = calloc(known->moves.count + 1, sizeof(*known->candidates));
	if (!known->by_origin || !known->candidates)
		return -ENOMEM;
	if (known->moves.count > 1)
		qsort(known->moves.items, known->moves.count, sizeof(*known->moves.items), compare_targets);
	for (size_t i = 0; i < known->moves.count; i++) {
		known->by_origin[i] = &known->moves.items[i];
		known->candidates[i][0] = known->candidates[i][1] = HD_MOVES_NO_PARENT;
	}
	qsort(known->by_origin, known->moves.count, sizeof(struct hd_state_move *), compare_origins);
	return 0;
}

/* The known move that ends, or with FROM begins, at PATH; NULL if there is none. */
static const struct hd_state_move *find_known(const struct hd_moves_known *known, char *path, bool from)
{
	const struct hd_state_move wanted = {.from = path, .to = path}, *key = &wanted;
	const struct hd_state_move *const *found;

	if (!from)
		return bsearch(
			&wanted, known->moves.items, known->moves.count, sizeof(wanted), compare_targets);
	found = bsearch(&key, known->by_origin, known->moves.count, sizeof(key), compare_origins);
	return found ? *found : NULL;
}

/* Notes the new candidates of side I at the moves that are theirs. */
static int look_for(struct hd_moves_search *search, int i)
{
	struct hd_moves_side *side = &search->sides[i];
	struct hd_moves_known *known = &search->known;

	for (; side->n_known < side->count; side->n_known++) {
		const struct hd_moves_candidate *candidate = &side->candidates[side->n_known];
		const struct hd_state_move *move;
		HD_AUTO_FREE char *path = NULL;

		if (!S_ISDIR(candidate->entry.mode))
			continue;
		path = hd_tree_place_path(candidate->path);
		if (!path)
			return -ENOMEM;
		move = find_known(known, path, i == 0);
		if (move)
			known->candidates[move - known->moves.items][i] = side->n_known;
	}
	return 0;
}

static void pair_known(struct hd_moves_search *search)
{
	struct hd_moves_known *known = &search->known;

	for (size_t i = 0; i < known->moves.count; i++) {
		size_t from = known->candidates[i][0], to = known->candidates[i][1];
		struct hd_moves_candidate *old_one, *new_one;

		if (from == HD_MOVES_NO_PARENT || to == HD_MOVES_NO_PARENT)
			continue;
		old_one = &search->sides[0].candidates[from];
		new_one = &search->sides[1].candidates[to];
		if (!hd_moves_is_open(old_one) || !hd_moves_is_open(new_one))
			continue;
		old_one->counterpart = to;
		new_one->counterpart = from;
	}
}

int hd_moves_match_known(struct hd_moves_search *search)
{
	int r = 0;

	if (!search->known.source || !has_open_directory(&search->sides[0]) ||
		!has_open_directory(&search->sides[1]))
		return 0;
	if (!search->known.read)
		r = read_known(&search->known);
	if (r < 0 || search->known.moves.count == 0)
		return r;
	for (int i = 0; i < 2 && r == 0; i++)
		r = look_for(search, i);
	if (r == 0)
		pair_known(search);
	return r;
}
