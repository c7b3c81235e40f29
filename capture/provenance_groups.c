/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/provenance_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"

struct grouping {
	struct hd_provenance provenance; /* owned */
	size_t *group_of; /* owned: of each actor the first of its group; behind the last one: of the unknown, itself */
	size_t *first_path; /* owned: where those of each group begin in `paths`, and of one group more */
	size_t *paths;      /* owned */
};

static void clear_grouping(struct grouping *grouping)
{
	hd_provenance_clear(&grouping->provenance);
	free(grouping->group_of);
	free(grouping->first_path);
	free(grouping->paths);
}

/* ---- groups of actors ---- */

static int compare_actors(const void *a, const void *b)
{
	const struct hd_provenance_actor *left = *(const struct hd_provenance_actor *const *)a;
	const struct hd_provenance_actor *right = *(const struct hd_provenance_actor *const *)b;
	int order = strcmp(left->actor, right->actor);

	if (order == 0)
		order = strcmp(left->tool_call, right->tool_call);
	if (order == 0)
		order = strcmp(left->program, right->program);
	/* Of whom nothing but a number is known, that is who it is. */
	if (order == 0 && !*left->program && !*left->actor)
		order = (left->pid > right->pid) - (left->pid < right->pid);
	return order;
}

static int compare_actors_and_places(const void *a, const void *b)
{
	const struct hd_provenance_actor *left = *(const struct hd_provenance_actor *const *)a;
	const struct hd_provenance_actor *right = *(const struct hd_provenance_actor *const *)b;
	int order = compare_actors(a, b);

	return order ? order : (left > right) - (left < right);
}

static int find_groups(struct grouping *grouping)
{
	const struct hd_provenance *provenance = &grouping->provenance;
	size_t count = provenance->n_actors;
	HD_AUTO_FREE const struct hd_provenance_actor **sorted = calloc(count + 1, sizeof(*sorted));

	grouping->group_of = calloc(count + 1, sizeof(*grouping->group_of));
	if (!sorted || !grouping->group_of)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &provenance->actors[i];
	qsort(sorted, count, sizeof(*sorted), compare_actors_and_places);
	for (size_t i = 0, first = 0; i < count; i++) {
		if (i > 0 && compare_actors(&sorted[first], &sorted[i]) != 0)
			first = i;
		grouping->group_of[sorted[i] - provenance->actors] =
			(size_t)(sorted[first] - provenance->actors);
	}
	grouping->group_of[count] = count;
	return 0;
}

/* ---- paths of groups ---- */

/* The groups that changed PATH, each once; how many. */
static unsigned groups_of_path(const struct grouping *grouping, const struct hd_provenance_path *path,
	size_t groups[HD_PROVENANCE_LIMIT])
{
	unsigned count = 0;

	for (unsigned i = 0; i < path->n_actors; i++) {
		size_t group = grouping->group_of[path->actors[i]];
		unsigned before = 0;

		while (before < count && groups[before] != group)
			before++;
		if (before == count)
			groups[count++] = group;
	}
	if (count == 0)
		groups[count++] = grouping->provenance.n_actors;
	return count;
}

static int find_paths(struct grouping *grouping)
{
	const struct hd_provenance *provenance = &grouping->provenance;
	size_t groups[HD_PROVENANCE_LIMIT];
	/* Counted two places ahead and filled one place ahead: in the end each has where its group begins. */
	size_t *next = calloc(provenance->n_actors + 3, sizeof(*next));

	grouping->first_path = next;
	if (!next)
		return -ENOMEM;
	for (size_t i = 0; i < provenance->n_paths; i++)
		for (unsigned k = groups_of_path(grouping, &provenance->paths[i], groups); k > 0; k--)
			next[groups[k - 1] + 2]++;
	for (size_t group = 2; group < provenance->n_actors + 3; group++)
		next[group] += next[group - 1];
	grouping->paths = calloc(next[provenance->n_actors + 2] + 1, sizeof(*grouping->paths));
	if (!grouping->paths)
		return -ENOMEM;
	for (size_t i = 0; i < provenance->n_paths; i++)
		for (unsigned k = groups_of_path(grouping, &provenance->paths[i], groups); k > 0; k--)
			grouping->paths[next[groups[k - 1] + 1]++] = i;
	return 0;
}

int hd_provenance_each_group(struct hd_store *store, const struct hd_state *state,
	hd_provenance_group_emit emit, void *payload, bool *ret_incomplete)
{
	HD_CLEANUP(clear_grouping) struct grouping grouping = {0};
	const struct hd_provenance *provenance = &grouping.provenance;
	int r = hd_provenance_of_state(store, state, &grouping.provenance);

	if (r == -ENOENT)
		return 1;
	if (r >= 0)
		r = find_groups(&grouping);
	if (r >= 0)
		r = find_paths(&grouping);
	for (size_t i = 0; i <= provenance->n_actors && r >= 0; i++) {
		struct hd_provenance_group group = {.provenance = provenance,
			.actor = i < provenance->n_actors ? &provenance->actors[i] : NULL,
			.number = i,
			.group_of = grouping.group_of};

		group.paths = &grouping.paths[grouping.first_path[i]];
		group.n_paths = grouping.first_path[i + 1] - grouping.first_path[i];
		if (group.n_paths > 0)
			r = emit(&group, payload);
	}
	if (r >= 0)
		*ret_incomplete = provenance->incomplete;
	return r;
}
