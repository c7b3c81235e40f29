/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/actor_text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/provenance_groups.h"
#include "cli/terminal/output.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

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
		fprintf(stream, "process %u, of which no more is known", actor->pid);
	else
		fputs("an unknown process, or a restore", stream);
}

static int print_group(const struct hd_provenance_group *group, void *payload)
{
	FILE *stream = payload;

	fprintf(stream, "\n    %s", hd_output_color(stream, HD_COLOR_STRONG));
	if (group->actor)
		print_name(group->actor, stream);
	else
		fputs("unknown", stream);
	fprintf(stream, "%s:\n", hd_output_color(stream, HD_COLOR_NONE));
	for (size_t i = 0; i < group->n_paths; i++) {
		fputs("        ", stream);
		hd_output_path(stream, group->provenance->paths[group->paths[i]].path);
		fputc('\n', stream);
	}
	return 0;
}

int hd_actors_print(struct hd_store *store, const struct hd_state *state, FILE *stream)
{
	bool incomplete = false;
	int r = hd_provenance_each_group(store, state, print_group, stream, &incomplete);

	if (r == 0 && incomplete)
		fputs("\n    More was changed than could be noted.\n", stream);
	return r < 0 ? r : 0;
}

/* ---- JSON ---- */

static json_t *paths_json(const struct hd_provenance_group *group)
{
	const struct hd_provenance *provenance = group->provenance;
	json_t *paths = json_array();

	for (size_t i = 0; i < group->n_paths; i++) {
		json_t *path = json_object();

		if (!path || hd_json_set_path(path, "path", provenance->paths[group->paths[i]].path) < 0 ||
			json_array_append(paths, path) < 0) {
			json_decref(path);
			json_decref(paths);
			return NULL;
		}
		json_decref(path);
	}
	return paths;
}

static json_t *pids_json(const struct hd_provenance_group *group)
{
	const struct hd_provenance *provenance = group->provenance;
	json_t *pids = json_array();

	for (size_t i = 0; i < provenance->n_actors; i++)
		if (group->group_of[i] == group->number)
			(void)json_array_append_new(pids, json_integer(provenance->actors[i].pid));
	return pids;
}

static int append_group(const struct hd_provenance_group *group, void *payload)
{
	json_t *groups = payload;
	json_t *object = json_object();

	if (!object)
		return -ENOMEM;
	if (group->actor) {
		const struct hd_provenance_actor *actor = group->actor;

		(void)json_object_set_new(object, "actor", hd_control_text(actor->actor));
		(void)json_object_set_new(object, "tool_call", hd_control_text(actor->tool_call));
		(void)json_object_set_new(object, "program", hd_control_text(actor->program));
		(void)json_object_set_new(object, "pids", pids_json(group));
	}
	if (json_object_set_new(object, "paths", paths_json(group)) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return json_array_append_new(groups, object) < 0 ? -ENOMEM : 0;
}

int hd_actors_json(struct hd_store *store, const struct hd_state *state, json_t *object)
{
	json_t *groups = json_array();
	bool incomplete = false;
	int r = groups ? hd_provenance_each_group(store, state, append_group, groups, &incomplete) : -ENOMEM;

	if (r == 0) {
		(void)json_object_set_new(object, "actors_incomplete", json_boolean(incomplete));
		return json_object_set_new(object, "actors", groups) < 0 ? -ENOMEM : 0;
	}
	json_decref(groups);
	return r < 0 ? r : json_object_set_new(object, "actors", json_null()) < 0 ? -ENOMEM : 0;
}

static json_t *actor_json(const struct hd_provenance_actor *actor)
{
	json_t *object = json_object();

	(void)json_object_set_new(object, "actor", hd_control_text(actor->actor));
	(void)json_object_set_new(object, "tool_call", hd_control_text(actor->tool_call));
	(void)json_object_set_new(object, "program", hd_control_text(actor->program));
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
	if (r >= 0)
		(void)json_object_set_new(object, "actors_incomplete", json_boolean(provenance.incomplete));
	return json_object_set_new(object, "actors", actors) < 0 ? -ENOMEM : 0;
}
