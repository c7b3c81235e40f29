/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/import/import_walk.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/commit_object.h"
#include "capture/git/import/import_commit.h"
#include "capture/git/walk/commit_range.h"
#include "capture/import_base.h"
#include "overlay/bases/base.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/index/state_codec.h"

/*
 * The walk is depth first on a stack of our own. A commit is on it twice: below its parents, to be put into the order when they
 * are, and before that to be read. git_revwalk would do for a whole history, but knows nothing of what the store has.
 */

#define BATCH 500

struct pending {
	git_oid id;
	bool parents_done;
};

struct pending_stack {
	struct pending *items; /* owned array */
	size_t count, capacity;
};

static int stack_push(struct pending_stack *stack, const git_oid *id, bool parents_done)
{
	if (HD_ARRAY_RESERVE(stack->items, stack->count, stack->capacity) < 0)
		return -ENOMEM;
	stack->items[stack->count++] = (struct pending){*id, parents_done};
	return 0;
}

/* ---- the map of states; its values are ids of states, which are shorter than git's ---- */

_Static_assert(HD_STATE_ID_SIZE <= GIT_OID_RAWSZ, "a state's id fits into a value");

static int put_state(struct hd_import_walk *walk, const git_oid *commit, const struct hd_state_id *state)
{
	git_oid value = {{0}};

	memcpy(value.id, state->bytes, sizeof(state->bytes));
	return hd_export_map_put(&walk->states, commit->id, &value);
}

struct hd_state_id hd_import_walk_state(const struct hd_import_walk *walk, const git_oid *commit)
{
	const git_oid *value = hd_export_map_get(&walk->states, commit->id);
	struct hd_state_id id = {{0}};

	if (value)
		memcpy(id.bytes, value->id, sizeof(id.bytes));
	return id;
}

/* 1 when the store has a state of COMMIT. */
static int find_known(const struct hd_import_walk *walk, const git_oid *commit, struct hd_state_id *ret_id)
{
	char hex[GIT_OID_HEXSZ + 1];
	int r;

	(void)git_oid_tostr(hex, sizeof(hex), commit);
	r = hd_index_find_commit(walk->index, walk->location, hex, ret_id);
	if (r == -HD_E_STATE_MISSING && walk->part)
		r = hd_index_find_commit(walk->index, walk->part, hex, ret_id);
	if (r == -HD_E_STATE_MISSING)
		return 0;
	return r < 0 ? r : 1;
}

/* ---- which commits ---- */

/* A range's own commits. */
static int collect_range(struct hd_import_walk *walk, const struct hd_import_tips *tips)
{
	HD_AUTO_FREE git_oid *commits = calloc(tips->count + 1, sizeof(*commits));
	HD_AUTO_FREE git_oid *found = NULL;
	struct hd_commit_range range = {.repository = walk->repository,
		.odb = walk->odb,
		.tips = commits,
		.n_tips = tips->count,
		.excluded = tips->excluded,
		.n_excluded = tips->n_excluded};
	size_t count = 0;
	int r;

	if (!commits)
		return -ENOMEM;
	for (size_t i = 0; i < tips->count; i++)
		commits[i] = tips->items[i].commit;
	r = hd_commit_range_collect(&range, &found, &count);
	for (size_t i = 0; i < count && r >= 0; i++)
		r = hd_export_map_put(&walk->included, found[i].id, &found[i]);
	return r;
}

/* Whether the walk goes on to PARENT: it is not cut off before it. */
static bool is_in(const struct hd_import_walk *walk, const git_oid *parent)
{
	if (walk->is_range)
		return hd_export_map_get(&walk->included, parent->id) != NULL;
	return !walk->part || git_odb_exists(walk->odb, parent);
}

static int push_parents(struct hd_import_walk *walk, struct pending_stack *stack, const git_oid *id,
	const struct hd_export_map *tip_numbers)
{
	git_odb_object *object = NULL;
	struct hd_commit_text text;
	int r = hd_commit_object_read(walk->odb, id, &object, &text);

	if (r < 0)
		return r;
	for (size_t i = text.n_parents; i-- > 0 && r >= 0;) {
		const git_oid *number = hd_export_map_get(tip_numbers, text.parents[i].id);

		if (number) {
			size_t tip;

			memcpy(&tip, number->id, sizeof(tip));
			walk->covered[tip] = true;
		}
		if (!hd_export_map_get(&walk->states, text.parents[i].id) && is_in(walk, &text.parents[i]))
			r = stack_push(stack, &text.parents[i], false);
	}
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	return r;
}

static int step(
	struct hd_import_walk *walk, struct pending_stack *stack, const struct hd_export_map *tip_numbers)
{
	struct pending top = stack->items[--stack->count];
	struct hd_state_id known = {{0}};
	int r;

	if (top.parents_done) {
		if (HD_ARRAY_RESERVE(walk->order, walk->n_order, walk->order_capacity) < 0)
			return -ENOMEM;
		walk->order[walk->n_order++] = top.id;
		return 0;
	}
	if (hd_export_map_get(&walk->states, top.id.id))
		return 0;
	r = find_known(walk, &top.id, &known);
	if (r < 0)
		return r;
	if (r == 0) {
		r = stack_push(stack, &top.id, true);
		if (r >= 0)
			r = push_parents(walk, stack, &top.id, tip_numbers);
	}
	if (r >= 0)
		r = put_state(walk, &top.id, &known);
	return r < 0 ? r : hd_work_advance(1);
}

static int number_tips(const struct hd_import_tips *tips, struct hd_export_map *tip_numbers)
{
	int r = 0;

	for (size_t i = 0; i < tips->count && r >= 0; i++) {
		git_oid value = {{0}};

		memcpy(value.id, &i, sizeof(i));
		r = hd_export_map_put(tip_numbers, tips->items[i].commit.id, &value);
	}
	return r;
}

static int collect_all(struct hd_import_walk *walk, const struct hd_import_tips *tips)
{
	struct hd_export_map tip_numbers = {.key_size = GIT_OID_RAWSZ};
	struct pending_stack stack = {0};
	int r = number_tips(tips, &tip_numbers);

	/* One after the other: what the first one leads to is in the order before the second is looked at. */
	for (size_t i = 0; i < tips->count && r >= 0; i++) {
		if (walk->is_range && !is_in(walk, &tips->items[i].commit))
			continue;
		r = stack_push(&stack, &tips->items[i].commit, false);
		while (r >= 0 && stack.count > 0)
			r = step(walk, &stack, &tip_numbers);
	}
	free(stack.items);
	hd_export_map_clear(&tip_numbers);
	return r;
}

int hd_import_walk_collect(struct hd_import_walk *walk, const struct hd_import_tips *tips)
{
	int r = 0;

	walk->states.key_size = walk->included.key_size = GIT_OID_RAWSZ;
	walk->is_range = tips->n_excluded > 0;
	walk->covered = calloc(tips->count + 1, sizeof(*walk->covered));
	if (!walk->covered)
		return -ENOMEM;
	if ((walk->is_range || git_repository_is_shallow(walk->repository) == 1) &&
		asprintf(&walk->part, "%s#part", walk->location) < 0) {
		walk->part = NULL;
		return -ENOMEM;
	}
	if (git_repository_odb(&walk->odb, walk->repository) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open the objects of %s", walk->location);
	hd_work_step(HD_WORK_READING_COMMITS, 0);
	if (walk->is_range)
		r = collect_range(walk, tips);
	return r < 0 ? r : collect_all(walk, tips);
}

/* ---- their states ---- */

struct batch {
	struct hd_state states[BATCH]; /* owned */
	size_t count;
};

static void batch_clear(struct batch *batch)
{
	for (size_t i = 0; i < batch->count; i++)
		hd_state_clear(&batch->states[i]);
	batch->count = 0;
}

static int batch_flush(struct hd_import_walk *walk, struct batch *batch)
{
	size_t count = batch->count;
	int r = walk->store->smudges ? hd_object_store_sync(walk->store->objects) : 0;

	if (r >= 0)
		r = hd_index_publish_imported(
			walk->index, walk->part ? walk->part : walk->location, batch->states, count);

	batch_clear(batch);
	return r < 0 ? r : hd_work_advance(count);
}

/* Takes STATE over, in every case. */
static int batch_add(
	struct hd_import_walk *walk, struct batch *batch, const git_oid *commit, struct hd_state *state)
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	struct hd_state *mine;
	int r = batch->count == BATCH ? batch_flush(walk, batch) : 0;

	if (r < 0) {
		hd_state_clear(state);
		return r;
	}
	mine = &batch->states[batch->count++];
	*mine = *state;
	r = hd_state_encode(mine, &record);
	if (r < 0)
		return r;
	mine->id = hd_state_id_compute(record.data, record.size);
	return put_state(walk, commit, &mine->id);
}

/* What a range begins after. */
static int make_boundary(struct hd_import_walk *walk, struct batch *batch, const git_oid *id)
{
	struct hd_base_description description = {0};
	struct hd_state_id known;
	struct hd_state state = {0};
	char hex[GIT_OID_HEXSZ + 1];
	int r = find_known(walk, id, &known);

	if (r != 0)
		return r < 0 ? r : put_state(walk, id, &known);
	r = hd_base_git_describe(
		git_repository_path(walk->repository), git_oid_tostr(hex, sizeof(hex), id), &description);
	if (r >= 0)
		r = hd_import_base_fill(walk->store, walk->bases, &description, walk->base, &state);
	hd_base_description_clear(&description);
	if (r < 0) {
		hd_state_clear(&state);
		return r;
	}
	return batch_add(walk, batch, id, &state);
}

static int fill_parents(struct hd_import_walk *walk, struct batch *batch, const struct hd_commit_text *text,
	struct hd_state *state)
{
	state->parents = calloc(text->n_parents + 1, sizeof(*state->parents));
	if (!state->parents)
		return -ENOMEM;
	for (size_t i = 0; i < text->n_parents; i++) {
		bool there = hd_export_map_get(&walk->states, text->parents[i].id) != NULL;
		int r = there || !walk->is_range ? 0 : make_boundary(walk, batch, &text->parents[i]);

		if (r < 0)
			return r;
		/* In a shallow repository the history ends here. */
		if (there || walk->is_range)
			state->parents[state->n_parents++] = hd_import_walk_state(walk, &text->parents[i]);
	}
	return 0;
}

/* One after the other: what a commit has in common with another one is converted once. */
static int smudge(struct hd_import_walk *walk, struct hd_state *state)
{
	const struct hd_smudge_place place = {.store = walk->store, .odb = walk->odb, .base = walk->base};
	int r = walk->smudge ? 0 : hd_smudge_new(&place, &walk->smudge);

	return r < 0 ? r : hd_smudge_tree_of(walk->smudge, state);
}

static int publish_commit(struct hd_import_walk *walk, struct batch *batch, const git_oid *id)
{
	git_odb_object *object = NULL;
	struct hd_commit_text text;
	struct hd_state state = {0};
	int r = hd_commit_object_read(walk->odb, id, &object, &text);

	if (r < 0)
		return r;
	r = hd_import_commit(id, &text, walk->base, &state);
	if (r >= 0 && walk->store->smudges)
		r = smudge(walk, &state);
	if (r >= 0)
		r = fill_parents(walk, batch, &text, &state);
	hd_commit_text_clear(&text);
	git_odb_object_free(object);
	if (r < 0) {
		hd_state_clear(&state);
		return r;
	}
	return batch_add(walk, batch, id, &state);
}

int hd_import_walk_publish(struct hd_import_walk *walk)
{
	struct batch *batch = calloc(1, sizeof(*batch));
	int r = 0;

	if (!batch)
		return -ENOMEM;
	hd_work_step(HD_WORK_MAKING_STATES, walk->n_order);
	for (size_t i = 0; i < walk->n_order && r >= 0; i++)
		r = publish_commit(walk, batch, &walk->order[i]);
	if (r >= 0 && batch->count > 0)
		r = batch_flush(walk, batch);
	batch_clear(batch);
	free(batch);
	return r;
}

void hd_import_walk_clear(struct hd_import_walk *walk)
{
	hd_export_map_clear(&walk->states);
	hd_export_map_clear(&walk->included);
	hd_smudge_free(walk->smudge);
	git_odb_free(walk->odb);
	free(walk->order);
	free(walk->covered);
	free(walk->part);
	*walk = (struct hd_import_walk){0};
}
