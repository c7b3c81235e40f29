/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "capture/history/state_spec.h"
#include "capture/initialize.h"
#include "capture/threads/thread_change.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/subcommand.h"
#include "cli/steps/fork_thread.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "cli/threads/thread_hold.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/recovery/journal_repair.h"

/*
 * A new thread is a row that names states: a fork copies nothing, whatever the tree. With what is not captured of another
 * thread its directory begins with the files of that one's, which copies nothing either (capture/threads/thread_fork.h).
 */

static bool with_changes;

static const struct hd_option options[] = {
	{.long_name = "with-changes",
		.help = "fork: begin with what is not captured of thread FROM, too",
		.flag = &with_changes},
	{0},
};

static int report(const struct hd_invocation *invocation, const struct hd_location *location,
	const struct hd_operation *done)
{
	const struct hd_operation_side *before = &done->before, *after = &done->after;
	char id[HD_STATE_ID_TEXT_SIZE];

	if (invocation->json)
		return hd_output_json(json_pack("{s:o}", "operation", hd_operation_json(done)));
	if (before->name && after->name)
		printf("Renamed thread %s to %s\n", before->name, after->name);
	else if (before->name)
		printf("Dropped thread %s, which was at %s; 'heddle undo %llu' brings it back\n",
			before->name, hd_state_short(location->store->index, &before->head, id),
			(unsigned long long)done->number);
	else
		printf("Made thread %s at state %s\n", after->name,
			hd_state_short(location->store->index, &after->head, id));
	if (!hd_state_id_is_zero(&done->kept))
		printf("What was not captured is kept in %s\n",
			hd_state_short(location->store->index, &done->kept, id));
	return HD_EXIT_OK;
}

/* ---- new threads ---- */

static int make(const struct hd_invocation *invocation, const struct hd_location *location,
	const struct hd_state_id *head, const struct hd_state_id *tree)
{
	HD_CLEANUP(hd_operation_clear)
	struct hd_operation operation = {.kind = HD_OPERATION_CREATE,
		.actor = hd_operation_actor(location),
		.after = {.name = strdup(invocation->arguments[0]),
			.head = *head,
			.base = *head,
			.tree = *tree}};
	int r;

	if (!operation.actor || !operation.after.name)
		return -ENOMEM;
	hd_progress_begin("making the thread", HD_PROGRESS_STOPS);
	r = hd_thread_change_apply(location->store, &operation, NULL);
	hd_progress_end();
	return r < 0 ? r : report(invocation, location, &operation);
}

static int begin_at(const struct hd_invocation *invocation, const char *fallback)
{
	const char *spec = invocation->n_arguments > 1 ? invocation->arguments[1] : fallback;
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_state_id state;
	int r;

	r = hd_locate(invocation, NULL, &location);
	if (r >= 0)
		r = hd_take_commits_of(&location, spec, location.thread);
	if (r >= 0)
		r = hd_state_spec_resolve(location.store->index, spec, location.thread, &state);
	return r < 0 ? r : make(invocation, &location, &state, &state);
}

static int run_thread_create(const struct hd_invocation *invocation)
{
	if (with_changes)
		return hd_fail(HD_E_USAGE, "--with-changes goes with 'fork'");
	return begin_at(invocation, HD_INITIALIZE_THREAD);
}

static int run_thread_fork(const struct hd_invocation *invocation)
{
	const char *from = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_LOCATION struct hd_location location = {0};
	bool changes = false;
	int r;

	if (!with_changes)
		return begin_at(invocation, "@");
	r = hd_thread_name_check(invocation->arguments[0]);
	if (r >= 0)
		r = hd_locate_thread(invocation, from, &location);
	if (r >= 0)
		r = hd_take_commits(&location);
	if (r >= 0)
		r = hd_fork_thread(&location, invocation->arguments[0], &operation, &changes);
	if (r < 0)
		return r;
	r = report(invocation, &location, &operation);
	if (r == HD_EXIT_OK && changes && !invocation->json)
		printf("It begins with what is not captured of thread %s as well\n", location.thread);
	return r;
}

/* ---- existing threads ---- */

/*
 * What git committed in a thread that is dropped is of its history, so that an undo brings that back as well. The commits themselves
 * are kept in any case (worktree.h): a repository that cannot be read keeps nobody from dropping.
 */
static void take_commits_before_drop(const struct hd_location *location)
{
	int r = hd_take_commits_to_drop(location);

	if (r < 0)
		hd_output_remark(
			"what git committed in thread '%s' since its last state is not made states: %s",
			location->thread, hd_error_message(r));
	hd_error_clear();
}

/* NEW_NAME NULL: it is dropped. */
static int apply_name(struct hd_store *store, const char *name, const char *new_name, const char *actor,
	struct hd_operation *operation)
{
	int r;

	r = hd_thread_change_begin(store, name, new_name ? HD_OPERATION_RENAME : HD_OPERATION_DROP, actor,
		!new_name, NULL, operation);
	if (r < 0)
		return r;
	if (new_name) {
		free(operation->after.name);
		operation->after.name = strdup(new_name);
		if (!operation->after.name)
			return -ENOMEM;
	} else {
		hd_operation_side_clear(&operation->after);
	}
	return hd_thread_change_apply(store, operation, NULL);
}

static int rename_or_drop(const struct hd_invocation *invocation, const char *new_name)
{
	const char *name = invocation->arguments[0];
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_FREE char *actor = NULL;
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	int r;

	r = hd_locate_thread(invocation, name, &location);
	if (r >= 0 && new_name && strcmp(name, new_name) == 0)
		r = hd_fail(HD_E_THREAD_EXISTS, "thread '%s'", name);
	if (r >= 0 && !new_name)
		take_commits_before_drop(&location);
	if (r >= 0)
		r = hd_thread_hold_take(&location, name, &hold);
	if (r < 0)
		return r;
	actor = hd_operation_actor(&location);
	if (!actor)
		return -ENOMEM;
	hd_progress_begin(new_name ? "renaming" : "dropping", HD_PROGRESS_STOPS);
	r = apply_name(location.store, name, new_name, actor, &operation);
	hd_progress_end();
	return r < 0 ? r : report(invocation, &location, &operation);
}

static int run_thread_rename(const struct hd_invocation *invocation)
{
	return rename_or_drop(invocation, invocation->arguments[1]);
}

static int run_thread_drop(const struct hd_invocation *invocation)
{
	return rename_or_drop(invocation, NULL);
}

static int report_repair(const struct hd_invocation *invocation, const struct hd_location *location,
	uint32_t number, const struct hd_journal_repair *repair)
{
	const char *name = invocation->arguments[0];

	if (invocation->json)
		return hd_output_json(json_pack("{s:o, s:b, s:I, s:I, s:I, s:s}", "thread",
			hd_control_text(name), "was_damaged", (int)repair->was_damaged, "epochs",
			(json_int_t)repair->epochs, "kept_bytes", (json_int_t)repair->kept, "set_aside_bytes",
			(json_int_t)repair->set_aside, "aside", repair->aside));
	if (!repair->was_damaged) {
		printf("The journal of thread %s is not damaged; nothing was done\n", name);
		return HD_EXIT_OK;
	}
	if (repair->epochs)
		printf("Thread %s goes on with the first %llu %s of its journal; what was written later and "
		       "is in "
		       "no state is not in the thread any more\n",
			name, HD_COUNT(repair->epochs, "epoch"));
	else
		printf("Nothing of the journal of thread %s is whole; the thread begins with its last state "
		       "again\n",
			name);
	if (repair->aside[0])
		printf("The damaged journal is kept: %s/threads/%" PRIu32 "/%s\n", location->store->path,
			number, repair->aside);
	return HD_EXIT_OK;
}

static int run_thread_repair(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_journal_repair repair = {0};
	struct hd_thread thread = {0};
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	int r;

	r = hd_locate_thread(invocation, invocation->arguments[0], &location);
	if (r >= 0)
		r = hd_thread_hold_take(&location, invocation->arguments[0], &hold);
	if (r >= 0)
		r = hd_index_get_thread(location.store->index, invocation->arguments[0], &thread);
	if (r >= 0)
		r = hd_journal_repair(location.store, &thread, &repair);
	if (r >= 0)
		r = report_repair(invocation, &location, thread.number, &repair);
	hd_thread_clear(&thread);
	return r;
}

static int run_thread_list(const struct hd_invocation *invocation)
{
	return hd_command_threads.run(invocation);
}

static const struct hd_subcommand verbs[] = {
	{.name = "list", .run = run_thread_list},
	{.name = "create", .min_arguments = 1, .max_arguments = 2, .run = run_thread_create},
	{.name = "fork", .min_arguments = 1, .max_arguments = 2, .run = run_thread_fork},
	{.name = "rename", .min_arguments = 2, .max_arguments = 2, .run = run_thread_rename},
	{.name = "drop", .min_arguments = 1, .max_arguments = 1, .run = run_thread_drop},
	{.name = "repair", .min_arguments = 1, .max_arguments = 1, .run = run_thread_repair},
	{0},
};

static int run_thread(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(verbs, invocation);
}

const struct hd_command hd_command_thread = {
	.name = "thread",
	.summary = "List, make, fork, rename, drop and repair threads",
	.usage = "list\ncreate NAME [STATE]\nfork [--with-changes] NAME [FROM]\nrename NAME NEW\ndrop "
		 "NAME\nrepair NAME",
	.description =
		"'create' makes a thread at STATE (default: the head of main), 'fork' at FROM, a state or "
		"a thread (default: @, the head of the thread in use). With --with-changes FROM is a "
		"thread, and the new one begins with its head and with what is not captured of it, as it "
		"is now; FROM may be mounted. Nothing is copied.\n\n"
		"'rename' gives a thread another name, 'drop' takes it away; what is not captured of it is "
		"kept in a state. Both refuse a mounted thread. All can be undone: 'heddle undo' brings a "
		"dropped thread back with its changes.\n\n"
		"'repair' is for a thread whose journal is damaged on disk, which heddle refuses to open: it "
		"goes "
		"on with what is whole in front of the damage, and keeps the damaged file beside it. This "
		"cannot "
		"be undone. A thread that is not damaged is left as it is.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 3,
	.run = run_thread,
};
