/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/note_text.h"

#include <string.h>

#include "capture/compare/quoted_path.h"
#include "capture/provenance_groups.h"

static void put_fact(struct hd_buffer *out, const struct hd_state_fact *fact)
{
	hd_buffer_printf(out, "%s: ", fact->key);
	for (const char *byte = fact->value; *byte; byte++) {
		hd_buffer_put_u8(out, (uint8_t)*byte);
		if (*byte == '\n')
			hd_buffer_put_u8(out, ' ');
	}
	hd_buffer_put_u8(out, '\n');
}

/* What a process chose itself has quotes where it could be taken for something else. */
static void put_actor(struct hd_buffer *out, const struct hd_provenance_actor *actor)
{
	const char *separator = " ";

	if (*actor->actor) {
		hd_buffer_put_text(out, separator);
		hd_quoted_path_put(out, "", actor->actor);
		separator = ", ";
	}
	if (*actor->tool_call) {
		hd_buffer_printf(out, "%scall ", separator);
		hd_quoted_path_put(out, "", actor->tool_call);
		separator = ", ";
	}
	hd_buffer_put_text(out, separator);
	if (*actor->program)
		hd_quoted_path_put(out, "", actor->program);
	else if (actor->pid)
		hd_buffer_put_text(out, "a process of which no more is known");
	else
		hd_buffer_put_text(out, "an unknown process, or a restore");
}

static int put_group(const struct hd_provenance_group *group, void *payload)
{
	const struct hd_provenance *provenance = group->provenance;
	struct hd_buffer *out = payload;

	hd_buffer_put_text(out, "\nchanged by");
	if (group->actor)
		put_actor(out, group->actor);
	else
		hd_buffer_put_text(out, " nobody knows whom");
	hd_buffer_put_text(out, ":\n");
	for (size_t i = 0; i < group->n_paths && i < HD_NOTE_PATHS; i++) {
		hd_buffer_put_u8(out, '\t');
		hd_quoted_path_put(out, "", provenance->paths[group->paths[i]].path);
		hd_buffer_put_u8(out, '\n');
	}
	if (group->n_paths > HD_NOTE_PATHS)
		hd_buffer_printf(out, "\tand %zu more\n", group->n_paths - HD_NOTE_PATHS);
	return hd_buffer_status(out);
}

int hd_note_text_put(struct hd_store *store, const struct hd_state *state, struct hd_buffer *out)
{
	char id[HD_STATE_ID_TEXT_SIZE];
	bool incomplete = false;
	int r;

	hd_state_id_format(&state->id, id);
	hd_buffer_printf(out, "state %s\n", id);
	for (size_t i = 0; i < state->n_facts; i++)
		if (strcmp(state->facts[i].key, HD_PROVENANCE_FACT) != 0)
			put_fact(out, &state->facts[i]);
	r = hd_provenance_each_group(store, state, put_group, out, &incomplete);
	if (r == 0 && incomplete)
		hd_buffer_put_text(out, "\nmore was changed than could be noted\n");
	return r < 0 ? r : hd_buffer_status(out);
}
