/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/actor_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/terminal/output.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/provenance.h"

/* Called per group; ACTOR NULL: nobody knows who. */
typedef int (*group_emit)(
	const struct hd_provenance *provenance, size_t group, const size_t *group_of, void *payload);

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

static bool is_in_group(const struct hd_provenance *provenance, const struct hd_provenance_path *path,
	size_t group, const size_t *group_of)
{
	bool found = path->n_actors == 0 && group == provenance->n_actors;

	for (unsigned i = 0; i < path->n_actors; i++)
		found = found || group_of[path->actors[i]] == group;
	return found;
}

static bool has_paths(const struct hd_provenance *provenance, size_t group, const size_t *group_of)
{
	for (size_t i = 0; i < provenance->n_paths; i++)
		if (is_in_group(provenance, &provenance->paths[i], group, group_of))
			return true;
	return false;
}

/* 1 where nothing was recorded. */
static int each_group(struct hd_store *store, const struct hd_state *state, group_emit emit, void *payload)
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
	for (size_t i = 0; i <= provenance.n_actors && r >= 0; i++)
		if (group_of[i] == i && has_paths(&provenance, i, group_of))
			r = emit(&provenance, i, group_of, payload);
	return r;
}

/* ---- text ---- */

static void print_name(const struct hd_provenance_actor *actor, FILE *stream)
{
	const char *separator = "";

	if (*actor->actor) {
		hd_output_text(stream, actor->actor, strlen(actor->actor));
		separator = ", ";
	}
	if (*actor->tool_call) {
		fprintf(stream, "%scall ", separator);
		hd_output_text(stream, actor->tool_call, strlen(actor->tool_call));
		separator = ", ";
	}
	fputs(separator, stream);
	if (*actor->program)
		hd_output_path(stream, actor->program);
	else if (actor->pid)
		fprintf(stream, "process %u, which had ended", actor->pid);
	else
		fputs("the kernel, for an unknown process", stream);
}

static int print_group(
	const struct hd_provenance *provenance, size_t group, const size_t *group_of, void *payload)
{
	FILE *stream = payload;

	fprintf(stream, "\n    %s", hd_output_color(stream, HD_COLOR_STRONG));
	if (group < provenance->n_actors)
		print_name(&provenance->actors[group], stream);
	else
		fputs("unknown", stream);
	fprintf(stream, "%s:\n", hd_output_color(stream, HD_COLOR_NONE));
	for (size_t i = 0; i < provenance->n_paths; i++) {
		if (!is_in_group(provenance, &provenance->paths[i], group, group_of))
			continue;
		fputs("        ", stream);
		hd_output_path(stream, provenance->paths[i].path);
		fputc('\n', stream);
	}
	return 0;
}

int hd_actors_print(struct hd_store *store, const struct hd_state *state, FILE *stream)
{
	int r = each_group(store, state, print_group, stream);

	return r < 0 ? r : 0;
}

/* ---- JSON ---- */

static json_t *paths_json(const struct hd_provenance *provenance, size_t group, const size_t *group_of)
{
	json_t *paths = json_array();

	for (size_t i = 0; i < provenance->n_paths; i++) {
		json_t *path;

		if (!is_in_group(provenance, &provenance->paths[i], group, group_of))
			continue;
		path = json_object();
		if (!path || hd_json_set_path(path, "path", provenance->paths[i].path) < 0 ||
			json_array_append(paths, path) < 0) {
			json_decref(path);
			json_decref(paths);
			return NULL;
		}
		json_decref(path);
	}
	return paths;
}

static json_t *pids_json(const struct hd_provenance *provenance, size_t group, const size_t *group_of)
{
	json_t *pids = json_array();

	for (size_t i = 0; i < provenance->n_actors; i++)
		if (group_of[i] == group)
			(void)json_array_append_new(pids, json_integer(provenance->actors[i].pid));
	return pids;
}

static int append_group(
	const struct hd_provenance *provenance, size_t group, const size_t *group_of, void *payload)
{
	json_t *groups = payload;
	json_t *object = json_object();

	if (!object)
		return -ENOMEM;
	if (group < provenance->n_actors) {
		const struct hd_provenance_actor *actor = &provenance->actors[group];

		(void)json_object_set_new(object, "actor", hd_json_text(actor->actor));
		(void)json_object_set_new(object, "tool_call", hd_json_text(actor->tool_call));
		(void)json_object_set_new(object, "program", hd_json_text(actor->program));
		(void)json_object_set_new(object, "pids", pids_json(provenance, group, group_of));
	}
	if (json_object_set_new(object, "paths", paths_json(provenance, group, group_of)) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return json_array_append_new(groups, object) < 0 ? -ENOMEM : 0;
}

int hd_actors_json(struct hd_store *store, const struct hd_state *state, json_t *object)
{
	json_t *groups = json_array();
	int r = groups ? each_group(store, state, append_group, groups) : -ENOMEM;

	if (r == 0)
		return json_object_set_new(object, "actors", groups) < 0 ? -ENOMEM : 0;
	json_decref(groups);
	return r < 0 ? r : json_object_set_new(object, "actors", json_null()) < 0 ? -ENOMEM : 0;
}

static json_t *actor_json(const struct hd_provenance_actor *actor)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "actor", hd_json_text(actor->actor));
	(void)json_object_set_new(object, "tool_call", hd_json_text(actor->tool_call));
	(void)json_object_set_new(object, "program", hd_json_text(actor->program));
	(void)json_object_set_new(object, "pid", json_integer(actor->pid));
	return object;
}

int hd_actors_of_path_json(
	struct hd_store *store, const struct hd_state_id *id, const char *path, json_t *object)
{
	HD_CLEANUP(hd_provenance_clear) struct hd_provenance provenance = {0};
	const struct hd_provenance_path *found = NULL;
	struct hd_state state = {0};
	json_t *actors;
	int r;

	r = hd_index_get_state(store->index, id, &state);
	if (r >= 0)
		r = hd_provenance_of_state(store, &state, &provenance);
	hd_state_clear(&state);
	if (r < 0 && r != -ENOENT)
		return r;
	actors = r < 0 ? json_null() : json_array();
	found = r < 0 ? NULL : hd_provenance_find(&provenance, path);
	for (unsigned i = 0; found && i < found->n_actors; i++)
		(void)json_array_append_new(actors, actor_json(&provenance.actors[found->actors[i]]));
	return json_object_set_new(object, "actors", actors) < 0 ? -ENOMEM : 0;
}
