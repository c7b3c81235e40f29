/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/provenance_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"

static bool same_group(const struct hd_provenance_actor *a, const struct hd_provenance_actor *b)
{
	return strcmp(a->actor, b->actor) == 0 && strcmp(a->tool_call, b->tool_call) == 0 &&
	       strcmp(a->program, b->program) == 0 && (*a->program != '\0' || *a->actor || a->pid == b->pid);
}

/* For each actor the first that is of its group, in fresh memory; behind the last one: that of the unknown, itself. */
static size_t *find_groups(const struct hd_provenance *provenance)
{
	size_t *group_of = calloc(provenance->n_actors + 1, sizeof(*group_of));

	for (size_t i = 0; group_of && i <= provenance->n_actors; i++) {
		group_of[i] = i;
		for (size_t k = 0; k < i && i < provenance->n_actors && group_of[i] == i; k++)
			if (same_group(&provenance->actors[k], &provenance->actors[i]))
				group_of[i] = k;
	}
	return group_of;
}

bool hd_provenance_group_has(const struct hd_provenance_group *group, const struct hd_provenance_path *path)
{
	bool found = path->n_actors == 0 && !group->actor;

	for (unsigned i = 0; i < path->n_actors; i++)
		found = found || group->group_of[path->actors[i]] == group->number;
	return found;
}

static bool has_paths(const struct hd_provenance_group *group)
{
	for (size_t i = 0; i < group->provenance->n_paths; i++)
		if (hd_provenance_group_has(group, &group->provenance->paths[i]))
			return true;
	return false;
}

int hd_provenance_each_group(
	struct hd_store *store, const struct hd_state *state, hd_provenance_group_emit emit, void *payload)
{
	HD_CLEANUP(hd_provenance_clear) struct hd_provenance provenance = {0};
	HD_AUTO_FREE size_t *group_of = NULL;
	int r = hd_provenance_of_state(store, state, &provenance);

	if (r == -ENOENT)
		return 1;
	if (r < 0)
		return r;
	group_of = find_groups(&provenance);
	if (!group_of)
		return -ENOMEM;
	for (size_t i = 0; i <= provenance.n_actors && r >= 0; i++) {
		struct hd_provenance_group group = {.provenance = &provenance,
			.actor = i < provenance.n_actors ? &provenance.actors[i] : NULL,
			.number = i,
			.group_of = group_of};

		if (group_of[i] == i && has_paths(&group))
			r = emit(&group, payload);
	}
	return r;
}
