/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "capture/history/state_spec.h"
#include "capture/threads/restore.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/live_move.h"
#include "cli/threads/thread_hold.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* If the thread is mounted, its worker does the work. */

#define MOST_PATHS 100000

static const char *thread;

static const struct hd_option options[] = {
	{.long_name = "thread",
		.argument = "NAME",
		.help = "the thread to restore, and what @ means (default: the thread in use)",
		.text = &thread},
	{0},
};

static int report(const struct hd_invocation *invocation, const struct hd_location *location,
	const struct hd_state_id *source, const struct hd_operation *operation, bool nothing)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	if (invocation->json)
		return hd_output_json(json_pack("{s:b, s:o}", "nothing", (int)nothing, "operation",
			nothing ? json_null() : hd_operation_json(operation)));
	(void)hd_state_short(location->store->index, source, id);
	if (nothing) {
		printf("%s is as in %s already\n", location->thread, id);
		return HD_EXIT_OK;
	}
	if (invocation->n_arguments > 1)
		printf("Restored %llu %s of %s from %s; 'heddle undo %llu' takes it back\n",
			HD_COUNT(invocation->n_arguments - 1, "path"), location->thread, id,
			(unsigned long long)operation->number);
	else
		printf("Restored the tree of %s from %s; 'heddle undo %llu' takes it back\n",
			location->thread, id, (unsigned long long)operation->number);
	if (!hd_state_id_is_zero(&operation->kept))
		printf("What was not captured is kept in %s\n",
			hd_state_short(location->store->index, &operation->kept, id));
	return HD_EXIT_OK;
}

static int restore_here(const struct hd_location *location, const struct hd_restore_options *restore,
	struct hd_operation *operation, bool *nothing)
{
	int r;

	hd_progress_begin("restoring", HD_PROGRESS_STOPS);
	r = hd_restore(location->store, restore, operation, nothing);
	hd_progress_end();
	return r;
}

static int restore_there(const struct hd_location *location, const struct hd_restore_options *restore,
	struct hd_operation *operation, bool *nothing)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	hd_state_id_format(restore->source, id);
	return hd_live_move(location, location->thread,
		json_pack("{s:s, s:s, s:s, s:o}", "op", "restore", "source", id, "actor", restore->actor,
			"paths", hd_control_paths(restore->paths, restore->n_paths)),
		"restoring", nothing, operation);
}

static int run_restore(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_TREE_PATHS struct hd_tree_paths paths = {0};
	HD_AUTO_FREE char *actor = NULL;
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	struct hd_restore_options restore = {0};
	struct hd_state_id source;
	bool nothing = false;
	int r;

	r = hd_locate_thread(invocation, thread, &location);
	if (r >= 0)
		r = hd_tree_paths_add(&location, location.thread, invocation->arguments + 1,
			invocation->n_arguments - 1, &paths);
	if (r >= 0)
		r = hd_state_spec_resolve(
			location.store->index, invocation->arguments[0], location.thread, &source);
	if (r < 0)
		return r;
	actor = hd_operation_actor(&location);
	if (!actor)
		return -ENOMEM;
	restore = (struct hd_restore_options){.thread = location.thread,
		.source = &source,
		.paths = paths.items,
		.n_paths = paths.count,
		.actor = actor};
	r = hd_thread_hold_take(&location, location.thread, &hold);
	if (r >= 0)
		r = restore_here(&location, &restore, &operation, &nothing);
	else if (r == -HD_E_MOUNTED)
		r = restore_there(&location, &restore, &operation, &nothing);
	return r < 0 ? r : report(invocation, &location, &source, &operation, nothing);
}

const struct hd_command hd_command_restore = {
	.name = "restore",
	.summary = "Give a thread the tree, or paths, of a state",
	.usage = "[--thread NAME] STATE [--] [PATH]...",
	.description =
		"Makes the tree of a thread (default: the thread in use, or main) that of STATE; with "
		"PATHs, only these and what is below them. A "
		"PATH that STATE does not have is deleted.\n\n"
		"The head stays: 'heddle diff' shows what going back changes, 'heddle capture' records it. "
		"Changes that were not captured are kept in a state, and 'heddle undo' brings them back. "
		"Nothing is copied. Where the thread is mounted, every system call that begins after the "
		"command has returned sees the restored tree; files and directories that stay under their "
		"names stay open, and show what was restored.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 1 + MOST_PATHS,
	.run = run_restore,
};
