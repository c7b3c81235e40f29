/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_history.h"

#include <errno.h>
#include <git2.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/export/export_commit.h"
#include "capture/git/export/export_copy.h"
#include "capture/history/state_log.h"
#include "capture/merge/conflicts.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * The table of exports in the index is a cache: what it says counts only if the commit and its tree are in
 * the repository. It is written when all is on the disk, in one transaction.
 *
 * The walk backwards is depth first on a stack of our own (a history may be long), and stops at what is
 * exported.
 */

void hd_export_history_begin(struct hd_export_history *history, struct hd_store *store,
	struct hd_export_objects *objects, struct hd_export_tree *tree)
{
	*history = (struct hd_export_history){.store = store,
		.objects = objects,
		.tree = tree,
		.commits = {.key_size = HD_STATE_ID_SIZE},
		.unresolved = {.key_size = HD_STATE_ID_SIZE}};
}

void hd_export_history_clear(struct hd_export_history *history)
{
	hd_export_map_clear(&history->commits);
	hd_export_map_clear(&history->unresolved);
	hd_buffer_clear(&history->written);
}

struct pending {
	struct hd_state state; /* owned */
	size_t next_parent;
};

struct pending_stack {
	struct pending *items; /* owned array */
	size_t count, capacity;
};

static void stack_clear(struct pending_stack *stack)
{
	for (size_t i = 0; i < stack->count; i++)
		hd_state_clear(&stack->items[i].state);
	free(stack->items);
}

static int stack_push(struct pending_stack *stack, struct hd_index *index, const struct hd_state_id *id)
{
	if (HD_ARRAY_RESERVE(stack->items, stack->count, stack->capacity) < 0)
		return -ENOMEM;
	stack->items[stack->count] = (struct pending){0};
	int r = hd_index_get_state(index, id, &stack->items[stack->count].state);
	if (r < 0)
		return r;
	stack->count++;
	return 0;
}

/* Whether HEX is a commit of the repository with its tree; then it goes to the map. */
static int take_commit(
	struct hd_export_history *history, const struct hd_state_id *id, const char *hex, bool *ret_taken)
{
	git_oid oid, tree;
	int r = 0;

	*ret_taken = git_oid_fromstr(&oid, hex) == 0 && git_odb_exists(history->objects->odb, &oid) &&
		     hd_commit_object_tree(history->objects->odb, &oid, &tree) == 0 &&
		     git_odb_exists(history->objects->odb, &tree);
	if (*ret_taken)
		r = hd_export_map_put(&history->commits, id->bytes, &oid);
	else
		hd_error_clear();
	return r;
}

/* Looks for the commit of STATE in what is known: this export, earlier ones, the base itself. */
static int find_commit(struct hd_export_history *history, const struct hd_state *state, bool *ret_found)
{
	HD_AUTO_FREE char *hex = NULL;
	int r;

	*ret_found = hd_export_map_get(&history->commits, state->id.bytes) != NULL;
	if (*ret_found)
		return 0;
	if (state->git_commit) {
		r = take_commit(history, &state->id, state->git_commit, ret_found);
		if (r < 0 || *ret_found)
			return r;
	}
	r = hd_index_get_export(history->store->index, history->objects->location, &state->id, &hex);
	if (r < 0)
		return r == -HD_E_STATE_MISSING || r == -ENOENT ? 0 : r;
	return take_commit(history, &state->id, hex, ret_found);
}

/* Adds the commit PARENT; or, if that is a merge with conflicts, its parents, as if it had been solved at once. */
static int add_parent(
	struct hd_export_history *history, const struct hd_state_id *parent, struct hd_buffer *parents)
{
	const git_oid *id = hd_export_map_get(&history->unresolved, parent->bytes);
	git_commit *commit = NULL;

	if (!id) {
		hd_buffer_put(parents, hd_export_map_get(&history->commits, parent->bytes), sizeof(*id));
		return hd_buffer_status(parents);
	}
	if (git_commit_lookup(&commit, history->objects->repository, id) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "read commit %s", git_oid_tostr_s(id));
	for (unsigned i = 0; i < git_commit_parentcount(commit); i++)
		hd_buffer_put(parents, git_commit_parent_id(commit, i), sizeof(*id));
	git_commit_free(commit);
	return hd_buffer_status(parents);
}

/* Takes the commit that STATE was imported as over from where it was imported from. */
static int copy_commit(struct hd_export_history *history, const struct hd_state *state, bool *ret_found)
{
	git_oid commit;
	int r = hd_export_copy_is_whole(history->objects, state, ret_found);

	if (r < 0 || !*ret_found)
		return r;
	if (git_oid_fromstr(&commit, state->git_commit) < 0)
		return hd_fail(HD_E_STORE_CORRUPT, "'%s' is no commit", state->git_commit);
	r = hd_export_copy_commits(history->objects, hd_state_git_tree(state)->base, &commit, 1);
	return r < 0 ? r : take_commit(history, &state->id, state->git_commit, ret_found);
}

static int write_object(struct hd_export_history *history, const struct hd_state *state, const git_oid *tree,
	git_oid *ret_commit)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	HD_AUTO_BUFFER struct hd_buffer parents = {0};
	int r = 0;

	for (size_t i = 0; i < state->n_parents && r >= 0; i++)
		r = add_parent(history, &state->parents[i], &parents);
	if (r >= 0)
		r = hd_export_commit_format(state, tree, (const git_oid *)(void *)parents.data,
			parents.size / sizeof(git_oid), &text);
	if (r < 0)
		return r;
	return hd_export_objects_put(history->objects, GIT_OBJECT_COMMIT, text.data, text.size, ret_commit);
}

/* Writes the tree of STATE against its first parent's, which became PARENT_COMMIT. */
static int write_tree(struct hd_export_history *history, const struct hd_state *state,
	const git_oid *parent_commit, git_oid *ret_tree)
{
	struct hd_state parent = {0};
	git_oid parent_tree;
	int r;

	/* What is shown of a commit is written as the commit has it. */
	if (state->git_tree.kind == HD_CONTENT_GIT)
		return hd_export_objects_put_git(history->objects, &state->git_tree, ret_tree);
	if (state->n_parents == 0)
		return hd_export_tree_write(history->tree, state, NULL, NULL, ret_tree);
	r = hd_index_get_state(history->store->index, &state->parents[0], &parent);
	if (r < 0)
		return r;
	r = hd_commit_object_tree(history->objects->odb, parent_commit, &parent_tree);
	if (r >= 0)
		r = hd_export_tree_write(history->tree, state, &parent, &parent_tree, ret_tree);
	hd_state_clear(&parent);
	return r;
}

/* Writes STATE, all of whose parents are in the map. */
static int write_state(struct hd_export_history *history, const struct hd_state *state)
{
	const git_oid *first = NULL;
	git_oid tree, commit;
	int r;

	if (state->n_parents > 0)
		first = hd_export_map_get(&history->commits, state->parents[0].bytes);
	r = write_tree(history, state, first, &tree);
	if (r >= 0)
		r = write_object(history, state, &tree, &commit);
	if (r >= 0)
		r = hd_export_map_put(&history->commits, state->id.bytes, &commit);
	if (r < 0)
		return r;
	hd_buffer_put(&history->written, &state->id, sizeof(state->id));
	return hd_buffer_status(&history->written);
}

/* One step of the walk: the state on top goes away, or its next parent comes on top of it. */
static int step(struct hd_export_history *history, struct pending_stack *stack)
{
	struct pending *top = &stack->items[stack->count - 1];
	bool found = false;
	int r = 0;

	if (top->next_parent == 0)
		r = find_commit(history, &top->state, &found);
	if (r >= 0 && !found && top->next_parent == 0)
		r = copy_commit(history, &top->state, &found);
	if (r < 0)
		return r;
	if (!found && top->next_parent < top->state.n_parents) {
		struct hd_state_id parent = top->state.parents[top->next_parent++];

		return stack_push(stack, history->store->index, &parent);
	}
	if (!found) {
		char id[HD_STATE_ID_TEXT_SIZE];

		/* A history without merges has as many more to write as wait on the stack. */
		if (history->written.size == 0)
			hd_work_step(HD_WORK_WRITING_COMMITS, stack->count);
		r = write_state(history, &top->state);
		if (r >= 0)
			r = hd_work_advance(1);
		if (r == -HD_E_INTERRUPTED)
			return r;
		hd_state_id_format(&top->state.id, id);
		if (r < 0)
			return hd_fail_in(r, "state %s", id);
	}
	if (hd_state_is_unresolved(&top->state))
		r = hd_export_map_put(&history->unresolved, top->state.id.bytes,
			hd_export_map_get(&history->commits, top->state.id.bytes));
	hd_state_clear(&top->state);
	stack->count--;
	return r;
}

int hd_export_history_write(
	struct hd_export_history *history, const struct hd_state_id *id, git_oid *ret_commit)
{
	struct pending_stack stack = {0};
	int r;

	r = stack_push(&stack, history->store->index, id);
	while (r >= 0 && stack.count > 0)
		r = step(history, &stack);
	stack_clear(&stack);
	if (r < 0)
		return r;
	*ret_commit = *hd_export_map_get(&history->commits, id->bytes);
	return 0;
}

int hd_export_history_find(
	struct hd_export_history *history, const struct hd_state *state, const git_oid **ret_commit)
{
	bool found;
	int r = find_commit(history, state, &found);

	if (r < 0)
		return r;
	*ret_commit = found ? hd_export_map_get(&history->commits, state->id.bytes) : NULL;
	return 0;
}

int hd_export_history_record(struct hd_export_history *history)
{
	const struct hd_state_id *ids = (const struct hd_state_id *)(void *)history->written.data;
	size_t count = history->written.size / sizeof(*ids);
	HD_AUTO_FREE struct hd_export_row *rows = calloc(count + 1, sizeof(*rows));

	if (!rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		rows[i].state = ids[i];
		(void)git_oid_tostr(rows[i].commit, sizeof(rows[i].commit),
			hd_export_map_get(&history->commits, ids[i].bytes));
	}
	return hd_index_put_exports(history->store->index, history->objects->location, rows, count);
}

struct search {
	struct hd_export_history *history;
	const git_oid *commit;
};

static int match_state(const struct hd_state *state, void *payload)
{
	struct search *search = payload;
	bool found;
	int r;

	r = find_commit(search->history, state, &found);
	if (r < 0 || !found)
		return r;
	return git_oid_equal(hd_export_map_get(&search->history->commits, state->id.bytes), search->commit);
}

int hd_export_history_contains(struct hd_export_history *history, const struct hd_state_id *head,
	const git_oid *commit, bool *ret_contains)
{
	struct search search = {.history = history, .commit = commit};
	int r;

	r = hd_state_log_walk(history->store->index, head, HD_STATE_LOG_ALL_PARENTS, match_state, &search);
	if (r < 0)
		return r;
	*ret_contains = r == 1;
	return 0;
}
