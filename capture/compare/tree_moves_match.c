/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/tree_moves_types.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/store/tree_codec.h"

static int compare_place_names(const struct hd_moves_candidate *a, const struct hd_moves_candidate *b)
{
	return hd_tree_compare_names(
		a->path->name, a->path->name_length, b->path->name, b->path->name_length);
}

static int compare_keys(const struct hd_moves_candidate *a, const struct hd_moves_candidate *b)
{
	return memcmp(&a->key, &b->key, sizeof(a->key));
}

/* By key, then by name: of several with one key, those of one name belong together. Else as they were found. */
static int compare_candidates(const void *a, const void *b)
{
	const struct hd_moves_candidate *const *left = a, *const *right = b;
	int order = compare_keys(*left, *right);

	if (order == 0)
		order = compare_place_names(*left, *right);
	return order ? order : (*left > *right) - (*left < *right);
}

bool hd_moves_is_open(const struct hd_moves_candidate *candidate)
{
	return candidate->counterpart == HD_MOVES_NO_PARENT && !hd_content_is_none(&candidate->key);
}

/* The candidates that can still be matched, sorted. */
struct open_list {
	struct hd_moves_candidate **candidates; /* owned */
	size_t count;
};

static int compare_key_with(const void *key, const void *element)
{
	const struct hd_moves_candidate *const *candidate = element;

	return compare_keys(key, *candidate);
}

/* Those of SIDE; of these, what has a key that is in OTHERS, unless this is NULL. */
static int list_open(
	const struct hd_moves_side *side, const struct open_list *others, struct open_list *ret_list)
{
	struct hd_moves_candidate **candidates = calloc(side->count + 1, sizeof(struct hd_moves_candidate *));
	size_t count = 0;

	if (!candidates)
		return -ENOMEM;
	for (size_t i = 0; i < side->count; i++) {
		struct hd_moves_candidate *candidate = &side->candidates[i];

		if (hd_moves_is_open(candidate) &&
			(!others || bsearch(candidate, others->candidates, others->count,
					    sizeof(struct hd_moves_candidate *), compare_key_with)))
			candidates[count++] = candidate;
	}
	qsort(candidates, count, sizeof(struct hd_moves_candidate *), compare_candidates);
	*ret_list = (struct open_list){.candidates = candidates, .count = count};
	return 0;
}

/* Pairs what is equal in both lists; BY_NAME, only if the names are equal too. */
static void pair_up(struct hd_moves_search *search, const struct open_list lists[2], bool by_name)
{
	for (size_t i = 0, j = 0; i < lists[0].count && j < lists[1].count;) {
		struct hd_moves_candidate *old_one = lists[0].candidates[i],
					  *new_one = lists[1].candidates[j];
		int order = compare_keys(old_one, new_one);

		if (order == 0 && by_name)
			order = compare_place_names(old_one, new_one);
		if (old_one->counterpart != HD_MOVES_NO_PARENT)
			order = -1;
		else if (new_one->counterpart != HD_MOVES_NO_PARENT)
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
int hd_moves_match(struct hd_moves_search *search)
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
