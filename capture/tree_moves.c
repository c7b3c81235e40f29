/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/tree_moves.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/tree_comparison.h"
#include "capture/tree_place.h"
#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"

/*
 * First the directories that both trees have are merged; what one side alone has becomes a candidate. Then, in rounds:
 * candidates with equal keys are matched, and those that remain are listed for candidates one level below. So a
 * directory that was moved out of, or into, another one that was moved, removed or made is found as well, and nothing
 * that has a counterpart is listed.
 *
 * Two that were matched and differ are merged in turn: something may have been moved out of, or into, them. A candidate
 * may be matched after one below it was: then the one below is not told (is_below_a_move).
 *
 * A walk over both trees meets what is below a moved directory by its new path, in the old tree as well. So each
 * candidate has two paths: its own, and the one at which it is met.
 * Paths are written out for the result alone (tree_place.h).
 */

/* What the result's paths may take: beyond it nothing is told as moved. */
#define PATHS_LIMIT (16u << 20)

#define NO_PARENT SIZE_MAX

struct candidate {
	struct hd_tree_place *path, *met; /* the search's */
	size_t parent;                    /* candidate of the same side that it was found in */
	bool merged;                      /* found when the parent was merged with its counterpart */
	struct hd_tree_view_entry entry;
	struct hd_content key; /* NONE: has none */
	size_t counterpart;    /* of the other side, or NO_PARENT */
	bool listed;           /* or merged with its counterpart */
};

struct side {
	struct hd_tree_view *view;    /* borrowed */
	struct candidate *candidates; /* owned array */
	size_t count, capacity;
};

/* Two directories that stand for each other, still to be merged. */
struct pair {
	struct hd_tree_view_entry entries[2];
	struct hd_tree_place *paths[2]; /* the search's */
	size_t candidates[2];           /* what they are, or NO_PARENT */
};

struct search {
	struct side sides[2]; /* old, new */
	struct pair *pairs;   /* owned array, a stack */
	size_t n_pairs, pairs_capacity;
	struct hd_tree_places places;
};

/* Says at which directory R happened. */
static int fail_at(const struct hd_tree_place *place, int r)
{
	HD_AUTO_FREE char *path = hd_tree_place_path(place);

	return hd_fail_in(r, "directory '%s'", path && path[0] ? path : ".");
}

/* The entry without what belongs to its listing. */
static struct hd_tree_view_entry kept(const struct hd_tree_view_entry *entry)
{
	struct hd_tree_view_entry copy = *entry;

	copy.name = "";
	copy.name_length = 0;
	return copy;
}

/* What a directory is known by: what it is, or was before it changed. A git tree is the same in every repository. */
static struct hd_content key_of(const struct hd_tree_view_entry *entry)
{
	struct hd_content key = {0};

	if (entry->node && !hd_content_is_none(&entry->node->origin))
		key = entry->node->origin;
	else if (!entry->unreferenced)
		key = entry->content;
	if (key.kind == HD_CONTENT_GIT)
		key.base = 0;
	return key;
}

static int add_candidate(struct search *search, struct side *side, const struct candidate *found,
	const struct hd_tree_view_entry *entry)
{
	struct candidate *candidate;
	int r = HD_ARRAY_RESERVE(side->candidates, side->count, side->capacity);

	if (r < 0)
		return r;
	candidate = &side->candidates[side->count++];
	*candidate = (struct candidate){
		.path = hd_tree_place_new(&search->places, found->path, entry->name, entry->name_length),
		.parent = found->parent,
		.merged = found->merged,
		.entry = kept(entry),
		.key = key_of(entry),
		.counterpart = NO_PARENT};
	candidate->met = found->met == found->path ? candidate->path
						   : hd_tree_place_new(&search->places, found->met,
							     entry->name, entry->name_length);
	return candidate->path && candidate->met ? 0 : -ENOMEM;
}

static int push_pair(
	struct search *search, const struct pair *above, const struct hd_tree_view_entry *entries[2])
{
	struct pair *pair;
	int r = HD_ARRAY_RESERVE(search->pairs, search->n_pairs, search->pairs_capacity);

	if (r < 0)
		return r;
	pair = &search->pairs[search->n_pairs++];
	*pair = (struct pair){.candidates = {above->candidates[0], above->candidates[1]}};
	for (int i = 0; i < 2; i++) {
		pair->entries[i] = kept(entries[i]);
		/* A candidate, whose entry has no name, is at its own place. */
		pair->paths[i] = above->paths[i] && entries[i]->name_length == 0
					 ? above->paths[i]
					 : hd_tree_place_new(&search->places, above->paths[i],
						   entries[i]->name, entries[i]->name_length);
	}
	return pair->paths[0] && pair->paths[1] ? 0 : -ENOMEM;
}

static bool is_directory(const struct hd_tree_view_entry *entry)
{
	return entry && S_ISDIR(entry->mode);
}

/* The next entries of both listings: the same name, or one of them NULL. */
static void next_of(const struct hd_tree_view_listing listings[2], size_t at[2],
	const struct hd_tree_view_entry *ret_entries[2])
{
	int order = 0;

	for (int i = 0; i < 2; i++)
		ret_entries[i] = at[i] < listings[i].count ? &listings[i].entries[at[i]] : NULL;
	if (ret_entries[0] && ret_entries[1])
		order = hd_tree_compare_names(ret_entries[0]->name, ret_entries[0]->name_length,
			ret_entries[1]->name, ret_entries[1]->name_length);
	if (order > 0)
		ret_entries[0] = NULL;
	if (order < 0)
		ret_entries[1] = NULL;
	for (int i = 0; i < 2; i++)
		at[i] += ret_entries[i] != NULL;
}

static int merge_listings(
	struct search *search, const struct pair *pair, const struct hd_tree_view_listing listings[2])
{
	const struct hd_tree_view_entry *entries[2];
	size_t at[2] = {0, 0};
	int r = 0;

	while (r == 0 && (at[0] < listings[0].count || at[1] < listings[1].count)) {
		next_of(listings, at, entries);
		if (is_directory(entries[0]) && is_directory(entries[1])) {
			if (!hd_tree_comparison_same_reference(entries[0], entries[1]))
				r = push_pair(search, pair, entries);
			continue;
		}
		for (int i = 0; i < 2 && r == 0; i++) {
			struct candidate found = {.path = pair->paths[i],
				.met = pair->paths[1],
				.parent = pair->candidates[i],
				.merged = true};

			if (is_directory(entries[i]))
				r = add_candidate(search, &search->sides[i], &found, entries[i]);
		}
	}
	return r;
}

static int merge_pair(struct search *search, const struct pair *pair)
{
	struct hd_tree_view_listing listings[2] = {0};
	int r = 0;

	for (int i = 0; i < 2 && r >= 0; i++)
		r = hd_tree_view_list(search->sides[i].view, &pair->entries[i], &listings[i]);
	if (r >= 0)
		r = merge_listings(search, pair, listings);
	for (int i = 0; i < 2; i++)
		hd_tree_view_listing_clear(&listings[i]);
	return r < 0 ? fail_at(pair->paths[1], r) : 0;
}

static int merge_pairs(struct search *search)
{
	int r = 0;

	while (r == 0 && search->n_pairs > 0) {
		struct pair pair = search->pairs[--search->n_pairs];

		r = merge_pair(search, &pair);
	}
	return r;
}

static int merge_roots(struct search *search)
{
	const struct pair nothing = {.candidates = {NO_PARENT, NO_PARENT}};
	const struct hd_tree_view_entry *entries[2];
	struct hd_tree_view_entry roots[2];
	int r;

	for (int i = 0; i < 2; i++) {
		hd_tree_view_root(search->sides[i].view, &roots[i]);
		entries[i] = &roots[i];
	}
	if (hd_tree_comparison_same_reference(&roots[0], &roots[1]))
		return 0;
	r = push_pair(search, &nothing, entries);
	return r < 0 ? r : merge_pairs(search);
}

/* ---- matching ---- */

static int compare_place_names(const struct candidate *a, const struct candidate *b)
{
	return hd_tree_compare_names(
		a->path->name, a->path->name_length, b->path->name, b->path->name_length);
}

static int compare_keys(const struct candidate *a, const struct candidate *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

/* By key, then by name: of several with one key, those of one name belong together. Else as they were found. */
static int compare_candidates(const void *a, const void *b)
{
	const struct candidate *const *left = a, *const *right = b;
	int order = compare_keys(*left, *right);

	if (order == 0)
		order = compare_place_names(*left, *right);
	return order ? order : (*left > *right) - (*left < *right);
}

static bool is_open(const struct candidate *candidate)
{
	return candidate->counterpart == NO_PARENT && !hd_content_is_none(&candidate->key);
}

/* The candidates that can still be matched, sorted. */
struct open_list {
	struct candidate **candidates; /* owned */
	size_t count;
};

static int compare_key_with(const void *key, const void *element)
{
	const struct candidate *const *candidate = element;

	return compare_keys(key, *candidate);
}

/* Those of SIDE; of these, what has a key that is in OTHERS, unless this is NULL. */
static int list_open(const struct side *side, const struct open_list *others, struct open_list *ret_list)
{
	struct candidate **candidates = calloc(side->count + 1, sizeof(struct candidate *));
	size_t count = 0;

	if (!candidates)
		return -ENOMEM;
	for (size_t i = 0; i < side->count; i++) {
		struct candidate *candidate = &side->candidates[i];

		if (is_open(candidate) && (!others || bsearch(candidate, others->candidates, others->count,
							      sizeof(struct candidate *), compare_key_with)))
			candidates[count++] = candidate;
	}
	qsort(candidates, count, sizeof(struct candidate *), compare_candidates);
	*ret_list = (struct open_list){.candidates = candidates, .count = count};
	return 0;
}

/* Pairs what is equal in both lists; BY_NAME, only if the names are equal too. */
static void pair_up(struct search *search, const struct open_list lists[2], bool by_name)
{
	for (size_t i = 0, j = 0; i < lists[0].count && j < lists[1].count;) {
		struct candidate *old_one = lists[0].candidates[i], *new_one = lists[1].candidates[j];
		int order = compare_keys(old_one, new_one);

		if (order == 0 && by_name)
			order = compare_place_names(old_one, new_one);
		if (old_one->counterpart != NO_PARENT)
			order = -1;
		else if (new_one->counterpart != NO_PARENT)
			order = 1;
		if (order == 0) {
			old_one->counterpart = (size_t)(new_one - search->sides[1].candidates);
			new_one->counterpart = (size_t)(old_one - search->sides[0].candidates);
		}
		i += order <= 0;
		j += order >= 0;
	}
}

/* The side with fewer candidates says which of the other's are worth sorting: there may be a round for each level. */
static int match(struct search *search)
{
	struct open_list lists[2] = {0};
	int small = search->sides[1].count < search->sides[0].count;
	int r = list_open(&search->sides[small], NULL, &lists[small]);

	if (r == 0 && lists[small].count > 0)
		r = list_open(&search->sides[!small], &lists[small], &lists[!small]);
	if (r == 0) {
		pair_up(search, lists, true);
		pair_up(search, lists, false);
	}
	free(lists[0].candidates);
	free(lists[1].candidates);
	return r;
}

static bool has_open(const struct side *side)
{
	for (size_t i = 0; i < side->count; i++)
		if (is_open(&side->candidates[i]))
			return true;
	return false;
}

static int list_candidate(struct search *search, struct side *side, size_t index)
{
	struct hd_tree_view_listing listing = {0};
	struct candidate found = side->candidates[index];
	int r = hd_tree_view_list(side->view, &found.entry, &listing);

	side->candidates[index].listed = true;
	found.parent = index;
	found.merged = false;
	for (size_t i = 0; i < listing.count && r >= 0; i++)
		if (is_directory(&listing.entries[i]))
			r = add_candidate(search, side, &found, &listing.entries[i]);
	hd_tree_view_listing_clear(&listing);
	return r < 0 ? fail_at(found.path, r) : 0;
}

/* Lists what has no counterpart; *RET_ADDED is set when that gave candidates. */
static int list_level(struct search *search, struct side *side, bool *ret_added)
{
	size_t count = side->count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		if (side->candidates[i].counterpart == NO_PARENT && !side->candidates[i].listed)
			r = list_candidate(search, side, i);
	*ret_added |= side->count > count;
	return r;
}

/* Merges what has a counterpart that differs. */
static int merge_matched(struct search *search, bool *ret_added)
{
	struct side *old_side = &search->sides[0], *new_side = &search->sides[1];
	size_t count = old_side->count, others = new_side->count;
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++) {
		struct candidate old_found = old_side->candidates[i], new_found;
		const struct hd_tree_view_entry *entries[2] = {&old_found.entry, &new_found.entry};
		struct pair above = {.candidates = {i, old_found.counterpart}};

		if (old_found.counterpart == NO_PARENT || old_found.listed)
			continue;
		old_side->candidates[i].listed = true;
		new_found = new_side->candidates[old_found.counterpart];
		if (hd_tree_comparison_same_reference(entries[0], entries[1]))
			continue;
		above.paths[0] = old_found.path;
		above.paths[1] = new_found.path;
		r = push_pair(search, &above, entries);
		if (r == 0)
			r = merge_pairs(search);
	}
	*ret_added |= old_side->count > count || new_side->count > others;
	return r;
}

static int match_levels(struct search *search)
{
	bool added = true;
	int r = 0;

	while (added && r == 0) {
		bool old_open, new_open;

		added = false;
		r = match(search);
		if (r == 0)
			r = merge_matched(search, &added);
		old_open = has_open(&search->sides[0]);
		new_open = has_open(&search->sides[1]);
		if (r == 0 && old_open)
			r = list_level(search, &search->sides[1], &added);
		if (r == 0 && new_open)
			r = list_level(search, &search->sides[0], &added);
	}
	return r;
}

/* ---- the result ---- */

static bool is_below_a_move(const struct side *side, size_t index)
{
	for (;;) {
		bool merged = side->candidates[index].merged;

		index = side->candidates[index].parent;
		if (index == NO_PARENT)
			return false;
		if (!merged && side->candidates[index].counterpart != NO_PARENT)
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

static int add_move(
	struct hd_tree_moves *moves, const struct candidate *from, const struct candidate *to, size_t *total)
{
	struct hd_tree_move *move = &moves->moves[moves->count];

	*total += hd_tree_place_length(from->path) + hd_tree_place_length(from->met) +
		  hd_tree_place_length(to->path);
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

static int collect(struct search *search, struct hd_tree_moves *moves)
{
	struct side *old_side = &search->sides[0], *new_side = &search->sides[1];
	size_t total = 0;
	int r = 0;

	moves->moves = calloc(old_side->count + 1, sizeof(*moves->moves));
	moves->by_origin = calloc(old_side->count + 1, sizeof(struct hd_tree_move *));
	if (!moves->moves || !moves->by_origin)
		return -ENOMEM;
	for (size_t i = 0; i < old_side->count && r == 0; i++) {
		struct candidate *from = &old_side->candidates[i];

		if (from->counterpart != NO_PARENT && !is_below_a_move(old_side, i) &&
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

static void clear_search(struct search *search)
{
	hd_tree_places_clear(&search->places);
	free(search->sides[0].candidates);
	free(search->sides[1].candidates);
	free(search->pairs);
}

int hd_tree_moves_find(
	struct hd_tree_view *old_view, struct hd_tree_view *new_view, struct hd_tree_moves *ret_moves)
{
	struct search search = {.sides = {{.view = old_view}, {.view = new_view}}};
	struct hd_tree_moves moves = {0};
	int r = merge_roots(&search);

	if (r == 0)
		r = match_levels(&search);
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
