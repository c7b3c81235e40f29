/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/tree_moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/tree_moves_types.h"

/* What the result's paths may take: beyond it nothing is told as moved, beyond half of it no file. */
#define PATHS_LIMIT (16u << 20)

static bool is_below_a_move(const struct hd_moves_side *side, size_t index)
{
	for (;;) {
		bool merged = side->candidates[index].merged;

		index = side->candidates[index].parent;
		if (index == HD_MOVES_NO_PARENT)
			return false;
		if (!merged && side->candidates[index].counterpart != HD_MOVES_NO_PARENT)
			return true;
	}
}

static int compare_targets(const void *a, const void *b)
{
	return strcmp(((const struct hd_tree_move *)a)->to, ((const struct hd_tree_move *)b)->to);
}

static int compare_origins(const void *a, const void *b)
{
	const struct hd_tree_move *const *left = a, *const *right = b;

	return strcmp((*left)->met, (*right)->met);
}

static int add_move(struct hd_tree_moves *moves, const struct hd_moves_candidate *from,
	const struct hd_moves_candidate *to, size_t *total)
{
	struct hd_tree_move *move = &moves->moves[moves->count];

	size_t wanted = hd_tree_place_length(from->path) + hd_tree_place_length(from->met) +
			hd_tree_place_length(to->path);

	/* Many files must not take the room of a directory's move, which says more. */
	if (!S_ISDIR(from->entry.mode) && *total + wanted > PATHS_LIMIT / 2)
		return 0;
	*total += wanted;
	if (*total > PATHS_LIMIT)
		return -EFBIG;
	*move = (struct hd_tree_move){.from = hd_tree_place_path(from->path),
		.met = hd_tree_place_path(from->met),
		.to = hd_tree_place_path(to->path),
		.from_length = hd_tree_place_length(from->path),
		.to_length = hd_tree_place_length(to->path),
		.old_entry = from->entry};
	moves->count++;
	return move->from && move->met && move->to ? 0 : -ENOMEM;
}

static int collect(struct hd_moves_search *search, struct hd_tree_moves *moves)
{
	struct hd_moves_side *old_side = &search->sides[0], *new_side = &search->sides[1];
	size_t total = 0;
	int r = 0;

	moves->moves = calloc(old_side->count + 1, sizeof(*moves->moves));
	moves->by_origin = calloc(old_side->count + 1, sizeof(struct hd_tree_move *));
	if (!moves->moves || !moves->by_origin)
		return -ENOMEM;
	for (size_t i = 0; i < old_side->count && r == 0; i++) {
		struct hd_moves_candidate *from = &old_side->candidates[i];

		if (from->counterpart != HD_MOVES_NO_PARENT && !is_below_a_move(old_side, i) &&
			!is_below_a_move(new_side, from->counterpart))
			r = add_move(moves, from, &new_side->candidates[from->counterpart], &total);
	}
	if (r == -EFBIG) {
		hd_tree_moves_clear(moves);
		return 0;
	}
	if (r < 0)
		return r;
	qsort(moves->moves, moves->count, sizeof(*moves->moves), compare_targets);
	for (size_t i = 0; i < moves->count; i++)
		moves->by_origin[i] = &moves->moves[i];
	qsort(moves->by_origin, moves->count, sizeof(struct hd_tree_move *), compare_origins);
	return 0;
}

static void clear_search(struct hd_moves_search *search)
{
	hd_tree_places_clear(&search->places);
	free(search->sides[0].candidates);
	free(search->sides[1].candidates);
	free(search->pairs);
	hd_known_moves_clear(&search->known.moves);
	free(search->known.by_origin);
	free(search->known.candidates);
}

int hd_tree_moves_find(struct hd_tree_view *old_view, struct hd_tree_view *new_view,
	const struct hd_moves_source *source, struct hd_tree_moves *ret_moves)
{
	struct hd_moves_search search = {
		.sides = {{.view = old_view}, {.view = new_view}}, .known = {.source = source}};
	struct hd_tree_moves moves = {0};
	int r = hd_moves_search(&search);

	if (r == 0)
		r = collect(&search, &moves);
	clear_search(&search);
	if (r < 0) {
		hd_tree_moves_clear(&moves);
		return r;
	}
	*ret_moves = moves;
	return 0;
}

void hd_tree_moves_clear(struct hd_tree_moves *moves)
{
	for (size_t i = 0; i < moves->count; i++) {
		free(moves->moves[i].from);
		free(moves->moves[i].to);
		free(moves->moves[i].met);
	}
	free(moves->moves);
	free(moves->by_origin);
	*moves = (struct hd_tree_moves){0};
}

const struct hd_tree_move *hd_tree_moves_to(const struct hd_tree_moves *moves, const char *path)
{
	struct hd_tree_move wanted = {.to = (char *)path};

	return moves->count == 0
		       ? NULL
		       : bsearch(&wanted, moves->moves, moves->count, sizeof(*moves->moves), compare_targets);
}

const struct hd_tree_move *hd_tree_moves_met(const struct hd_tree_moves *moves, const char *path)
{
	const struct hd_tree_move wanted = {.met = (char *)path}, *key = &wanted;
	const struct hd_tree_move *const *found =
		moves->count == 0 ? NULL
				  : bsearch(&key, moves->by_origin, moves->count,
					    sizeof(struct hd_tree_move *), compare_origins);

	return found ? *found : NULL;
}
