/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_notes.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/export/export_commit.h"
#include "capture/git/export/note_text.h"
#include "capture/git/export/note_tree.h"
#include "capture/merge/conflicts.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * What is remembered is a row of the export map at the repository's name with HD_INDEX_NOTES_SUFFIX behind: all of the history of that
 * state has been noted there. It says where the reference was then, and is believed while that is part of its history; or no
 * commit, if there was nothing to be noted, which is true for ever.
 *
 * A walk ends at such states, and at bases: what an imported commit was made of has facts only where it is a state that was
 * exported before it could be imported.
 */

#define ATTEMPTS 10

int hd_export_notes_begin(struct hd_export_notes *notes, struct hd_export_history *history, bool is_forgotten)
{
	*notes = (struct hd_export_notes){
		.history = history, .is_forgotten = is_forgotten, .seen = {.key_size = HD_STATE_ID_SIZE}};
	if (asprintf(&notes->place, "%s" HD_INDEX_NOTES_SUFFIX, history->objects->location) < 0) {
		notes->place = NULL;
		return -ENOMEM;
	}
	return 0;
}

void hd_export_notes_clear(struct hd_export_notes *notes)
{
	free(notes->place);
	hd_export_map_clear(&notes->seen);
	hd_buffer_clear(&notes->heads);
	hd_buffer_clear(&notes->notes);
	hd_state_clear(&notes->newest);
	*notes = (struct hd_export_notes){0};
}

size_t hd_export_notes_count(const struct hd_export_notes *notes)
{
	return notes->notes.size / sizeof(struct hd_note);
}

/* ---- the reference ---- */

static int read_tip(struct hd_export_notes *notes)
{
	git_reference *reference = NULL;
	const git_oid *target;
	int g = git_reference_lookup(
		&reference, notes->history->objects->repository, HD_EXPORT_NOTES_REFERENCE);
	int r = 0;

	notes->has_tip = g == 0;
	if (g == GIT_ENOTFOUND)
		return 0;
	if (g < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read " HD_EXPORT_NOTES_REFERENCE);
	target = git_reference_target(reference);
	if (target)
		notes->tip = *target;
	else
		r = hd_fail(HD_E_REFERENCE_ELSEWHERE,
			HD_EXPORT_NOTES_REFERENCE " is a symbolic reference: --no-notes leaves it alone");
	git_reference_free(reference);
	return r;
}

static int has_note(const struct hd_export_notes *notes, const git_oid *commit, bool *ret_has)
{
	const struct hd_export_objects *objects = notes->history->objects;
	git_oid tree;
	int r;

	*ret_has = false;
	if (!notes->has_tip)
		return 0;
	r = hd_commit_object_tree(objects->odb, &notes->tip, &tree);
	return r < 0 ? r : hd_note_tree_has(objects->repository, &tree, commit, ret_has);
}

/* ---- which states ---- */

/* Whether the commit HEX is where the reference is, or was before it came there. */
static bool is_part(const struct hd_export_notes *notes, const char *hex)
{
	git_oid commit;

	return notes->has_tip && git_oid_fromstr(&commit, hex) == 0 &&
	       (git_oid_equal(&commit, &notes->tip) ||
		       git_graph_descendant_of(notes->history->objects->repository, &notes->tip, &commit) ==
			       1);
}

static int is_remembered(struct hd_export_notes *notes, const struct hd_state_id *id, bool *ret_is)
{
	HD_AUTO_FREE char *commit = NULL;
	int r;

	*ret_is = false;
	if (notes->is_forgotten)
		return 0;
	r = hd_index_get_export(notes->history->store->index, notes->place, id, &commit);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	*ret_is = !*commit || is_part(notes, commit);
	notes->has_any = notes->has_any || (*ret_is && *commit);
	return 0;
}

static bool is_newer(const struct hd_state *state, const struct hd_state *other)
{
	if (hd_state_id_is_zero(&other->id) || state->time_s != other->time_s)
		return hd_state_id_is_zero(&other->id) || state->time_s > other->time_s;
	if (state->time_ns != other->time_ns)
		return state->time_ns > other->time_ns;
	return memcmp(&state->id, &other->id, sizeof(state->id)) > 0;
}

/* Takes STATE over if it is the newest. */
static int add_note(struct hd_export_notes *notes, struct hd_state *state, const git_oid *commit)
{
	struct hd_note note = {.commit = *commit};
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	bool has = false;
	int r = has_note(notes, commit, &has);

	notes->has_any = true;
	if (r < 0 || has)
		return r;
	r = hd_note_text_put(notes->history->store, state, &text);
	if (r >= 0)
		r = hd_export_objects_put(
			notes->history->objects, GIT_OBJECT_BLOB, text.data, text.size, &note.blob);
	if (r < 0)
		return r;
	hd_buffer_put(&notes->notes, &note, sizeof(note));
	if (is_newer(state, &notes->newest)) {
		struct hd_state other = notes->newest;

		notes->newest = *state;
		*state = other;
	}
	return hd_buffer_status(&notes->notes);
}

/* Looks at one state; adds those of its parents that are to be looked at to NEXT. */
static int visit(
	struct hd_export_notes *notes, const struct hd_state_id *id, bool leave_out, struct hd_buffer *next)
{
	static const git_oid none;
	const git_oid *commit = NULL;
	struct hd_state state = {0};
	bool remembered = false;
	int r = 0;

	if (hd_export_map_get(&notes->seen, id->bytes))
		return 0;
	r = hd_export_map_put(&notes->seen, id->bytes, &none);
	if (r >= 0)
		r = is_remembered(notes, id, &remembered);
	if (r < 0 || remembered)
		return r;
	r = hd_index_get_state(notes->history->store->index, id, &state);
	if (r >= 0 && !state.is_base)
		hd_buffer_put(next, state.parents, state.n_parents * sizeof(*state.parents));
	if (r >= 0 && !leave_out && state.n_facts > 0 && !hd_state_is_unresolved(&state)) {
		r = hd_export_history_find(notes->history, &state, &commit);
		if (r >= 0 && commit)
			r = add_note(notes, &state, commit);
	}
	hd_state_clear(&state);
	return r < 0 ? r : hd_buffer_status(next);
}

int hd_export_notes_add(struct hd_export_notes *notes, const struct hd_state_id *head, bool leave_out)
{
	HD_AUTO_BUFFER struct hd_buffer next = {0};
	int r = notes->heads.size == 0 ? read_tip(notes) : 0;

	hd_buffer_put(&next, head, sizeof(*head));
	hd_buffer_put(&notes->heads, head, sizeof(*head));
	if (r >= 0)
		r = hd_buffer_status(&next);
	while (r >= 0 && next.size > 0) {
		struct hd_state_id id;

		next.size -= sizeof(id);
		memcpy(&id, next.data + next.size, sizeof(id));
		r = hd_work_advance(0);
		if (r >= 0)
			r = visit(notes, &id, leave_out, &next);
	}
	return r < 0 ? r : hd_buffer_status(&notes->heads);
}

/* ---- writing ---- */

int hd_export_notes_write(struct hd_export_notes *notes)
{
	struct hd_export_objects *objects = notes->history->objects;
	const struct hd_note *list = (const struct hd_note *)(void *)notes->notes.data;
	size_t count = hd_export_notes_count(notes);
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	struct hd_state words = {.author = notes->newest.author,
		.time_s = notes->newest.time_s,
		.zone_minutes = notes->newest.zone_minutes};
	char message[64];
	git_oid root, tree;
	int r = 0;

	if (count == 0)
		return 0;
	(void)snprintf(
		message, sizeof(message), "heddle: notes of %zu state%s", count, count == 1 ? "" : "s");
	words.message = message;
	if (notes->has_tip)
		r = hd_commit_object_tree(objects->odb, &notes->tip, &root);
	if (r >= 0)
		r = hd_note_tree_add(objects, notes->has_tip ? &root : NULL, list, count, &tree);
	if (r >= 0)
		r = hd_export_commit_format(&words, &tree, &notes->tip, notes->has_tip, &text);
	return r < 0 ? r
		     : hd_export_objects_put(
			       objects, GIT_OBJECT_COMMIT, text.data, text.size, &notes->commit);
}

static int remember(struct hd_export_notes *notes)
{
	const struct hd_state_id *heads = (const struct hd_state_id *)(void *)notes->heads.data;
	size_t n_heads = notes->heads.size / sizeof(*heads), count = 0;
	HD_AUTO_FREE struct hd_export_row *rows = calloc(n_heads + 1, sizeof(*rows));
	bool has_any = notes->has_any;

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < n_heads; i++) {
		bool remembered = false;
		int r = is_remembered(notes, &heads[i], &remembered);

		if (r < 0)
			return r;
		if (remembered)
			continue;
		rows[count].state = heads[i];
		if (has_any)
			(void)git_oid_tostr(rows[count].commit, sizeof(rows[count].commit),
				hd_export_notes_count(notes) > 0 ? &notes->commit : &notes->tip);
		count++;
	}
	return hd_index_put_exports(notes->history->store->index, notes->place, rows, count);
}

/* What has come meanwhile stays. */
static int write_again(struct hd_export_notes *notes)
{
	int r = read_tip(notes);

	if (r >= 0)
		r = hd_export_notes_write(notes);
	return r < 0 ? r : hd_export_objects_finish(notes->history->objects);
}

static int move(struct hd_export_notes *notes)
{
	for (int attempt = 0; attempt < ATTEMPTS; attempt++) {
		int g = hd_git_reference_set(notes->history->objects->repository, HD_EXPORT_NOTES_REFERENCE,
			&notes->commit, notes->has_tip, notes->has_tip ? &notes->tip : NULL,
			"heddle: export");
		int r;

		if (g == 0)
			return 0;
		if (g != GIT_EMODIFIED && g != GIT_EEXISTS && g != GIT_ENOTFOUND)
			return hd_git_library_fail(HD_E_REPOSITORY, "move " HD_EXPORT_NOTES_REFERENCE);
		r = write_again(notes);
		if (r < 0)
			return r;
	}
	return hd_fail(HD_E_REFERENCE_MOVED, HD_EXPORT_NOTES_REFERENCE " goes on changing");
}

int hd_export_notes_move(struct hd_export_notes *notes)
{
	int r = hd_export_notes_count(notes) > 0 ? move(notes) : 0;

	return r < 0 || notes->is_forgotten ? r : remember(notes);
}
