/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/thread_advance.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/merge/tree_merge.h"
#include "capture/threads/advance_moves.h"
#include "capture/threads/made_state.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * Where the new head has the old one's tree, only the head is moved, as by a capture. Else the thread gets another tree: the
 * new head's, or, if there is something uncaptured, a tree of both, which is a state of its own because threads begin at
 * states (restore.c).
 */

#define PATHS_SHOWN 3

struct advancing {
	struct hd_store *store; /* borrowed */
	const struct hd_advance_options *options;
	struct hd_base_set *bases;   /* owned */
	struct hd_state from, to;    /* owned */
	struct hd_state current;     /* owned: has what is not captured, too */
	struct hd_state merged;      /* owned */
	struct hd_known_moves moves; /* owned: from the new head's tree to the merged one */
};

static void advancing_clear(struct advancing *advancing)
{
	hd_state_clear(&advancing->from);
	hd_state_clear(&advancing->to);
	hd_state_clear(&advancing->current);
	hd_state_clear(&advancing->merged);
	hd_known_moves_clear(&advancing->moves);
	hd_base_set_free(advancing->bases);
}

static int refuse(const struct advancing *advancing, const struct hd_conflicts *conflicts)
{
	HD_AUTO_BUFFER struct hd_buffer paths = {0};

	for (size_t i = 0; i < conflicts->count && i < PATHS_SHOWN; i++)
		hd_buffer_printf(&paths, "%s'%s' (%s)", i > 0 ? ", " : "", conflicts->items[i].path,
			hd_conflict_kind_name(conflicts->items[i].kind));
	if (conflicts->count > PATHS_SHOWN)
		hd_buffer_printf(&paths, " and %zu more", conflicts->count - PATHS_SHOWN);
	hd_buffer_put_u8(&paths, '\0');
	if (hd_buffer_status(&paths) < 0)
		return -ENOMEM;
	return hd_fail(HD_E_CONFLICTS, "what is not captured of '%s': %s; capture it first",
		advancing->options->thread, (const char *)paths.data);
}

/* ---- what is not captured ---- */

static int merge_changes(struct advancing *advancing)
{
	struct hd_conflicts conflicts = {0};
	struct hd_state base = advancing->from, theirs = advancing->to; /* own nothing */
	struct hd_tree_compose compose = {
		.store = advancing->store, .bases = advancing->bases, .thread = advancing->options->thread};
	struct hd_tree_merge merge = {.store = advancing->store,
		.bases = advancing->bases,
		.ours = &advancing->current,
		.base = &base,
		.theirs = &theirs,
		.history = advancing->options->base ? advancing->options->base : &advancing->to.id};
	int r = hd_advance_moves_apply(&compose, &advancing->current, &base, &theirs, &advancing->moves);

	if (r >= 0)
		r = hd_tree_merge_run(&merge, &advancing->merged, &conflicts);
	if (r >= 0 && conflicts.count > 0)
		r = refuse(advancing, &conflicts);
	hd_conflicts_clear(&conflicts);
	return r;
}

static int read_moves(void *payload, struct hd_known_moves *ret_moves)
{
	const struct advancing *advancing = payload;
	struct hd_known_moves moves = {0};
	int r = 0;

	for (size_t i = 0; i < advancing->moves.count && r >= 0; i++)
		r = hd_known_moves_add(&moves, advancing->moves.items[i].from, advancing->moves.items[i].to);
	*ret_moves = moves;
	return r;
}

static int publish_merged(struct advancing *advancing)
{
	const struct hd_moves_source known = {.read = read_moves, .payload = advancing};
	const struct hd_made_state made = {
		.parent = &advancing->to.id, .actor = advancing->options->actor, .known = &known};
	char *message;

	if (asprintf(&message, "what is not captured of %s, on its new head", advancing->options->thread) < 0)
		message = NULL;
	return hd_made_state_publish(advancing->store, advancing->bases, &made, message, &advancing->merged);
}

/* The state whose tree the thread is to have. */
static int choose_tree(
	struct advancing *advancing, const struct hd_operation *operation, struct hd_state_id *ret_tree)
{
	int r;

	*ret_tree = advancing->to.id;
	if (hd_state_id_is_zero(&operation->kept))
		return 0;
	r = hd_index_get_state(advancing->store->index, &operation->before.tree, &advancing->current);
	if (r >= 0)
		r = merge_changes(advancing);
	if (r < 0 || hd_made_state_is_same(&advancing->merged, &advancing->to))
		return r;
	r = publish_merged(advancing);
	if (r >= 0)
		*ret_tree = advancing->merged.id;
	return r;
}

/* ---- the move ---- */

static int check_head(const struct advancing *advancing, const struct hd_operation *operation)
{
	if (hd_state_id_equal(&operation->before.head, advancing->options->from))
		return 0;
	return hd_fail(HD_E_THREAD_MOVED, "thread '%s'", advancing->options->thread);
}

static int advance(struct advancing *advancing, struct hd_operation *operation)
{
	const struct hd_advance_options *options = advancing->options;
	struct hd_index *index = advancing->store->index;
	bool replaces;
	int r;

	r = hd_base_set_new(advancing->store, 0, &advancing->bases);
	if (r >= 0)
		r = hd_index_get_state(index, options->from, &advancing->from);
	if (r >= 0)
		r = hd_index_get_state(index, options->to, &advancing->to);
	if (r < 0)
		return r;
	/* git committed what is in the tree: that stays. */
	replaces = options->kind != HD_OPERATION_COMMIT &&
		   !hd_made_state_is_same(&advancing->from, &advancing->to);
	r = hd_thread_change_begin(advancing->store, options->thread, options->kind, options->actor, replaces,
		options->live, operation);
	if (r >= 0)
		r = check_head(advancing, operation);
	if (r >= 0 && replaces) {
		r = choose_tree(advancing, operation, &operation->after.tree);
		operation->after.overlay = 0;
	}
	if (r < 0)
		return r;
	operation->after.head = *options->to;
	if (options->base)
		operation->after.base = *options->base;
	return hd_thread_change_apply(advancing->store, operation, options->live);
}

int hd_thread_advance(
	struct hd_store *store, const struct hd_advance_options *options, struct hd_operation *ret_operation)
{
	struct advancing advancing = {.store = store, .options = options};
	struct hd_operation operation = {0};
	int r = advance(&advancing, &operation);

	advancing_clear(&advancing);
	if (r < 0) {
		hd_operation_clear(&operation);
		return hd_fail_in(r, "move thread '%s'", options->thread);
	}
	*ret_operation = operation;
	return 0;
}
