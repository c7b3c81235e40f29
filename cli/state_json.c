/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/state_json.h"

#include "cli/output.h"

static json_t *parents_json(const struct hd_state *state)
{
	json_t *parents = json_array();
	char id[HD_STATE_ID_TEXT_SIZE];

	for (size_t i = 0; i < state->n_parents; i++) {
		hd_state_id_format(&state->parents[i], id);
		(void)json_array_append_new(parents, json_string(id));
	}
	return parents;
}

static json_t *facts_json(const struct hd_state *state)
{
	json_t *facts = json_object();

	for (size_t i = 0; i < state->n_facts; i++)
		(void)json_object_set_new(facts, state->facts[i].key, hd_json_text(state->facts[i].value));
	return facts;
}

json_t *hd_state_json(const struct hd_state *state)
{
	char id[HD_STATE_ID_TEXT_SIZE];
	char tree[HD_CONTENT_TEXT_SIZE];

	hd_state_id_format(&state->id, id);
	return json_pack(
		"{s:s, s:s, s:o, s:o, s:o, s:{s:I, s:i, s:i}, s:o, s:{s:I, s:I, s:I, s:I}, s:b, s:o}", "id",
		id, "tree", hd_content_format(&state->tree, tree), "parents", parents_json(state), "message",
		hd_json_text(state->message ? state->message : ""), "author",
		hd_json_text(state->author ? state->author : ""), "time", "s", (json_int_t)state->time_s,
		"ns", (int)state->time_ns, "zone", (int)state->zone_minutes, "facts", facts_json(state),
		"changes", "added", (json_int_t)state->added, "modified", (json_int_t)state->modified,
		"deleted", (json_int_t)state->deleted, "moved", (json_int_t)state->moved, "is_base",
		(int)state->is_base, "git_commit",
		state->git_commit ? json_string(state->git_commit) : json_null());
}
