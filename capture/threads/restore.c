/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/restore.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/compare/same_tree.h"
#include "capture/link_counts.h"
#include "capture/threads/made_state.h"
#include "capture/threads/thread_change.h"
#include "capture/tree_compose.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

/*
 * With paths, the tree is a new one, and a thread begins at states: so it is made a state, beside the history like the
 * one that keeps what was not captured.
 */

struct restore_run {
	struct hd_store *store; /* borrowed */
	struct hd_base_set *bases;
	const struct hd_restore_options *options;
	struct hd_state source;  /* owned */
	struct hd_state current; /* owned: has the thread's tree as it is */
	struct hd_state result;  /* owned: is given the tree that is wanted */
};

static void run_clear(struct restore_run *run)
{
	hd_state_clear(&run->source);
	hd_state_clear(&run->current);
	hd_state_clear(&run->result);
	hd_base_set_free(run->bases);
}

static int compose(struct restore_run *run)
{
	const struct hd_restore_options *options = run->options;
	struct hd_tree_compose compose = {
		.store = run->store, .bases = run->bases, .thread = options->thread};
	int r;

	if (options->n_paths == 0)
		return hd_tree_compose_path(&compose, &run->source, "", &run->result);
	r = hd_tree_compose_paths(&compose, &run->source, options->paths, options->n_paths, &run->result);
	return r < 0 ? r : hd_link_counts_mend(run->store, run->bases, &run->current, &run->result);
}

/* Makes the result, of which tree, attributes and mode are right, a state of its own. */
static int publish(struct restore_run *run, const struct hd_state_id *head)
{
	const struct hd_made_state made = {.parent = head, .actor = run->options->actor};
	struct hd_state state = {.tree = run->result.tree,
		.attributes = run->result.attributes,
		.root_mode = run->result.root_mode};
	char source[HD_STATE_ID_TEXT_SIZE], *message;

	hd_state_id_format(run->options->source, source);
	if (asprintf(&message, "%s with paths of %s", run->options->thread, source) < 0)
		message = NULL;
	hd_state_clear(&run->result);
	run->result = state;
	return hd_made_state_publish(run->store, run->bases, &made, message, &run->result);
}

static int restore(struct restore_run *run, struct hd_operation *operation, bool *ret_nothing)
{
	struct hd_index *index = run->store->index;
	bool is_source;
	int r;

	r = hd_base_set_new(run->store, 0, &run->bases);
	if (r >= 0)
		r = hd_index_get_state(index, run->options->source, &run->source);
	if (r >= 0)
		r = hd_index_get_state(index, &operation->before.tree, &run->current);
	if (r >= 0)
		r = hd_index_get_state(index, &operation->before.tree, &run->result);
	if (r >= 0)
		r = compose(run);
	if (r < 0)
		return r;
	is_source = hd_made_state_is_same(&run->result, &run->source);
	r = hd_same_tree(run->store, run->bases, &run->current, is_source ? &run->source : &run->result,
		HD_SAME_ACCESS_IGNORED);
	*ret_nothing = r > 0;
	if (r != 0)
		return r < 0 ? r : 0;
	operation->after.tree = *run->options->source;
	if (!is_source) {
		r = publish(run, &operation->before.head);
		operation->after.tree = run->result.id;
	}
	operation->after.overlay = 0;
	return r < 0 ? r : hd_thread_change_apply(run->store, operation, run->options->live);
}

int hd_restore(struct hd_store *store, const struct hd_restore_options *options,
	struct hd_operation *ret_operation, bool *ret_nothing)
{
	struct restore_run run = {.store = store, .options = options};
	struct hd_operation operation = {0};
	bool nothing = false;
	int r;

	r = hd_thread_change_begin(store, options->thread, HD_OPERATION_RESTORE, options->actor, true,
		options->live, &operation);
	if (r >= 0)
		r = restore(&run, &operation, &nothing);
	run_clear(&run);
	if (r < 0 || nothing)
		hd_operation_clear(&operation);
	if (r < 0)
		return hd_fail_in(r, "restore '%s'", options->thread);
	*ret_operation = operation;
	*ret_nothing = nothing;
	return 0;
}
