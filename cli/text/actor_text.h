/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_ACTOR_TEXT_H
#define HEDDLE_CLI_TEXT_ACTOR_TEXT_H

/*
 * Actors: who changed what in a state, grouped by who it was (capture/provenance_groups.h), as people and programs read it.
 *
 * Threads     The main thread. Errors: those of hd_provenance_of_state but -ENOENT, and of memory.
 */

#include <jansson.h>
#include <stdio.h>

#include "overlay/store/store.h"

/* Behind a state's text: a line for each group, and its paths. */
int hd_actors_print(struct hd_store *store, const struct hd_state *state, FILE *stream);

/*
 * Sets "actors" of OBJECT, the state's JSON: [{"actor", "tool_call", "program", "pids": [N], "paths": [path]}], the
 * unknown as a group without all but paths; null where nothing was recorded. "actors_incomplete": something was changed that was not
 * noted.
 */
int hd_actors_json(struct hd_store *store, const struct hd_state *state, json_t *object);

/*
 * Sets "actors" of OBJECT to those that changed PATH in STATE, the last one first: [{"actor", "tool_call", "program", "pid"}],
 * empty where nobody knows; null where nothing was recorded; and "actors_incomplete" likewise. STATE is an id.
 */
int hd_actors_of_path_json(
	struct hd_store *store, const struct hd_state_id *state, const char *path, json_t *object);

#endif
