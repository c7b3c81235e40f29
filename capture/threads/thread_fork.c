/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/thread_fork.h"

#include <errno.h>
#include <string.h>

#include "capture/threads/thread_change.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/recovery/journal_fork.h"
#include "overlay/snapshot.h"

/*
 * In this order: the parts of the journal get names that stay; the new thread's directory is made, and is on disk; one
 * transaction of the index adds the thread, and logs it. No capture and no restore of the first thread happens meanwhile,
 * so that head and journal are of one time.
 */

static int check_name(struct hd_store *store, const char *name)
{
	struct hd_thread thread = {0};
	int r = hd_thread_name_check(name);

	if (r < 0)
		return r;
	r = hd_index_get_thread(store->index, name, &thread);
	if (r == -HD_E_THREAD_MISSING) {
		hd_error_clear();
		return 0;
	}
	hd_thread_clear(&thread);
	return r < 0 ? r : hd_fail(HD_E_THREAD_EXISTS, "thread '%s'", name);
}

static int fill(
	const struct hd_thread_fork *fork, const struct hd_thread *from, struct hd_operation *operation)
{
	operation->kind = HD_OPERATION_CREATE;
	operation->actor = strdup(fork->actor);
	operation->after.name = strdup(fork->name);
	operation->after.head = operation->after.base = from->head;
	operation->after.tree = from->tree;
	return operation->actor && operation->after.name ? 0 : -ENOMEM;
}

/* FROM's uncaptured changes as a state of their own. */
static int begin_with_state(
	struct hd_store *store, const struct hd_thread_fork *fork, struct hd_operation *operation)
{
	struct hd_live_thread live = {.overlay = fork->overlay};

	return hd_thread_change_keep(store, fork->from, fork->actor,
		"what was not captured when this was forked", fork->overlay ? &live : NULL,
		&operation->after.tree);
}

/* What no thread has; of one that may be there after all, its directory stays. */
static void discard(struct hd_store *store, const struct hd_operation *operation)
{
	struct hd_thread thread = {0};

	if (hd_index_get_thread(store->index, operation->after.name, &thread) == -HD_E_THREAD_MISSING ||
		(thread.name && thread.number != operation->after.overlay))
		hd_fork_discard(store, operation->after.overlay);
	hd_thread_clear(&thread);
}

static int record(struct hd_store *store, const struct hd_fork *journal, struct hd_operation *operation)
{
	uint32_t number = 0;
	int r = hd_index_reserve_thread(store->index, &number);

	if (r == 0)
		r = hd_fork_make(store, journal, number);
	if (r < 0)
		return r;
	operation->after.overlay = number;
	r = hd_thread_change_apply(store, operation, NULL);
	HD_KILL_POINT(fork_recorded);
	if (r < 0)
		discard(store, operation);
	return r;
}

/* Nobody changes, captures or opens FROM. */
static int fork_held(struct hd_store *store, const struct hd_thread_fork *fork, const struct hd_thread *from,
	struct hd_operation *operation, bool *ret_changes)
{
	struct hd_fork journal;
	int r;

	*ret_changes = true;
	if (fork->overlay && hd_overlay_is_captured(fork->overlay)) {
		*ret_changes = false;
		operation->after.tree = from->head;
		return hd_thread_change_apply(store, operation, NULL);
	}
	r = fork->overlay ? hd_fork_begin(fork->overlay, &journal)
			  : hd_fork_begin_closed(store, from->number, &journal);
	if (r == 0) {
		r = record(store, &journal, operation);
		hd_fork_end(store, &journal);
	} else if (!fork->overlay && r == -ENOENT) {
		/* Its row says what it is. */
		*ret_changes = !hd_state_id_equal(&from->head, &from->tree);
		return hd_thread_change_apply(store, operation, NULL);
	}
	if (!hd_fork_is_impossible(r))
		return r;
	hd_error_clear();
	operation->after.overlay = 0;
	r = begin_with_state(store, fork, operation);
	return r < 0 ? r : hd_thread_change_apply(store, operation, NULL);
}

int hd_thread_fork(struct hd_store *store, const struct hd_thread_fork *fork,
	struct hd_operation *ret_operation, bool *ret_changes)
{
	struct hd_operation operation = {0};
	struct hd_thread from = {0};
	int r = check_name(store, fork->name);

	if (r < 0)
		return r;
	if (fork->overlay)
		hd_overlay_hold_captures(fork->overlay);
	r = hd_index_get_thread(store->index, fork->from, &from);
	if (r == 0)
		r = fill(fork, &from, &operation);
	if (r == 0)
		r = fork_held(store, fork, &from, &operation, ret_changes);
	if (fork->overlay)
		hd_overlay_unhold_captures(fork->overlay);
	hd_thread_clear(&from);
	if (r < 0) {
		hd_operation_clear(&operation);
		return r == -EUCLEAN || r == -HD_E_THREAD_BUSY
			       ? r
			       : hd_fail_in(r, "fork thread '%s'", fork->from);
	}
	*ret_operation = operation;
	return 0;
}
