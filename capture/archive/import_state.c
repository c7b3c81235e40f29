/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/import_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/archive/archive_store.h"
#include "capture/capture.h"
#include "capture/capture_counts.h"
#include "capture/identity.h"
#include "capture/threads/thread_change.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

struct importing {
	struct hd_store *store;
	const struct hd_import_options *options;
	struct hd_base_set *bases;   /* owned */
	struct hd_archive_tree tree; /* owned */
	struct hd_state parent;      /* owned */
	struct hd_import_result result;
};

/* Everything that can be refused before anything is read. */
static int prepare(struct importing *importing)
{
	const struct hd_import_options *options = importing->options;
	struct hd_state *state = &importing->result.state;
	struct hd_capture_time now = hd_capture_time_now();
	int r = hd_identity_check(options->author);

	if (r == 0)
		r = hd_thread_name_check(options->thread);
	if (r < 0)
		return r;
	state->time_s = now.time_s;
	state->time_ns = now.time_ns;
	state->zone_minutes = now.zone_minutes;
	state->author = strdup(options->author);
	state->message = strdup(options->message);
	state->parents = malloc(sizeof(*state->parents));
	if (!state->author || !state->message || !state->parents)
		return -ENOMEM;
	state->parents[0] = *options->parent;
	state->n_parents = 1;
	r = hd_index_get_state(importing->store->index, options->parent, &importing->parent);
	return r < 0 ? r : hd_base_set_new(importing->store, 0, &importing->bases);
}

static int read_tree(struct importing *importing)
{
	const struct hd_import_options *options = importing->options;
	int r = hd_archive_tree_begin(&importing->tree, options->max_entries);

	if (r == 0)
		r = options->read(
			importing->store, options->source, &importing->tree, &importing->result.read);
	if (r == 0)
		r = hd_archive_store(&importing->tree, importing->store, importing->bases, &importing->parent,
			&importing->result.state);
	hd_archive_tree_clear(&importing->tree);
	return r;
}

static int count_changes(struct importing *importing)
{
	struct hd_tree_view *before = NULL, *after = NULL;
	int r;

	hd_work_step(HD_WORK_COMPARING, 0);
	r = hd_tree_view_of_state(importing->bases, &importing->parent, &before);
	if (r >= 0)
		r = hd_tree_view_of_state(importing->bases, &importing->result.state, &after);
	if (r >= 0)
		r = hd_capture_count(before, after, &importing->result.state);
	hd_tree_view_free(before);
	hd_tree_view_free(after);
	return r;
}

/* From here on there is a state, which a thread names at once. */
static int publish(struct importing *importing)
{
	int r;

	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_base_set_persist(importing->bases);
	if (r >= 0)
		r = hd_object_store_sync(importing->store->objects);
	if (r >= 0)
		r = hd_work_advance(0);
	return r < 0 ? r : hd_index_publish(importing->store->index, &importing->result.state, NULL, NULL);
}

static int begin_move(struct importing *importing)
{
	const struct hd_import_options *options = importing->options;
	struct hd_operation *operation = &importing->result.operation;
	int r;

	if (options->makes_thread) {
		*operation = (struct hd_operation){.kind = HD_OPERATION_CREATE,
			.actor = strdup(options->author),
			.after = {.name = strdup(options->thread), .base = *options->parent}};
		return operation->actor && operation->after.name ? 0 : -ENOMEM;
	}
	r = hd_thread_change_begin(importing->store, options->thread, HD_OPERATION_CAPTURE, options->author,
		true, NULL, operation);
	if (r == 0 && !hd_state_id_equal(&operation->before.head, options->parent))
		r = hd_fail(HD_E_THREAD_MOVED, "'%s' has another state by now", options->thread);
	return r;
}

static int import(struct importing *importing)
{
	struct hd_operation *operation = &importing->result.operation;
	int r = prepare(importing);

	if (r >= 0)
		r = read_tree(importing);
	if (r >= 0)
		r = count_changes(importing);
	if (r >= 0)
		r = begin_move(importing);
	if (r >= 0)
		r = publish(importing);
	if (r < 0)
		return r;
	operation->after.head = operation->after.tree = importing->result.state.id;
	operation->after.overlay = 0;
	return hd_thread_change_apply(importing->store, operation, NULL);
}

int hd_import_state(
	struct hd_store *store, const struct hd_import_options *options, struct hd_import_result *ret_result)
{
	struct importing importing = {.store = store, .options = options};
	int r = import(&importing);

	hd_state_clear(&importing.parent);
	hd_base_set_free(importing.bases);
	if (r < 0) {
		hd_import_result_clear(&importing.result);
		return r;
	}
	*ret_result = importing.result;
	return 0;
}

void hd_import_result_clear(struct hd_import_result *result)
{
	hd_state_clear(&result->state);
	hd_operation_clear(&result->operation);
}
