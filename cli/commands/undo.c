/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "capture/git/land/land.h"
#include "capture/threads/operation_undo.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/live_move.h"
#include "cli/threads/thread_hold.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * The last operation of the store, or of one thread: of the one that is named, or in whose mount the command is typed.
 * Others who work in the same store are not to be undone by accident.
 */

static const char *thread;

static const struct hd_option options[] = {
	{.long_name = "thread",
		.argument = "NAME",
		.help = "the last operation on this thread",
		.text = &thread},
	{0},
};

/* "12" or "#12". */
static int parse_number(const char *text, uint64_t *ret_number)
{
	const char *digits = *text == '#' ? text + 1 : text;
	char *end;

	errno = 0;
	*ret_number = strtoull(digits, &end, 10);
	if (*digits < '0' || *digits > '9' || *end || errno)
		return hd_fail(
			HD_E_USAGE, "'%s' is no number of an operation; 'heddle op log' shows them", text);
	return 0;
}

static int choose(const struct hd_invocation *invocation, const struct hd_location *location,
	enum hd_operation_kind kind, uint64_t *ret_number)
{
	const char *about = thread ? thread : location->in_mount ? location->thread : NULL;
	struct hd_index *index = location->store->index;
	int r;

	if (invocation->n_arguments > 0)
		return parse_number(invocation->arguments[0], ret_number);
	r = kind == HD_OPERATION_UNDO ? hd_index_find_undoable(index, about, ret_number)
				      : hd_index_find_redoable(index, about, ret_number);
	if (r != -HD_E_OPERATION_MISSING)
		return r;
	return about ? hd_fail(HD_E_OPERATION_MISSING, "nothing of thread '%s' to %s", about,
			       hd_operation_kind_name(kind))
		     : hd_fail(HD_E_OPERATION_MISSING, "nothing to %s", hd_operation_kind_name(kind));
}

static void print_result(const struct hd_location *location, const struct hd_undo_plan *plan,
	const struct hd_operation *operation)
{
	const struct hd_operation_side *after = &operation->after;
	char id[HD_STATE_ID_TEXT_SIZE];

	printf("%s #%llu (%s)", plan->kind == HD_OPERATION_UNDO ? "Undid" : "Did again",
		(unsigned long long)plan->operation.number, hd_operation_kind_name(plan->operation.kind));
	if (after->name)
		printf(": %s is at %s%s%s\n", after->name, hd_output_color(stdout, HD_COLOR_IDENTIFIER),
			hd_state_short(location->store->index, &after->head, id),
			hd_output_color(stdout, HD_COLOR_NONE));
	else
		printf(": %s is gone\n", operation->before.name);
	if (!hd_state_id_is_zero(&operation->kept))
		printf("What was not captured is kept in %s\n",
			hd_state_short(location->store->index, &operation->kept, id));
}

/* Its worker does it. */
static int move_there(const struct hd_location *location, const struct hd_undo_plan *plan, const char *actor,
	struct hd_operation *operation)
{
	bool redo = plan->kind == HD_OPERATION_REDO;
	bool nothing;

	return hd_live_move(location, plan->held,
		json_pack("{s:s, s:b, s:I, s:s}", "op", "undo", "redo", (int)redo, "number",
			(json_int_t)plan->operation.number, "actor", actor),
		redo ? "doing again" : "undoing", &nothing, operation);
}

/* The branch that a landing moved goes with the thread, if it is where that left it. */
static void move_branch(const struct hd_location *location, const struct hd_undo_plan *plan)
{
	bool again = plan->kind == HD_OPERATION_REDO;
	HD_AUTO_FREE char *reference = NULL;
	struct hd_state state = {0};
	int r;

	if (plan->operation.kind != HD_OPERATION_LAND)
		return;
	r = hd_index_get_state(location->store->index, &plan->operation.after.head, &state);
	if (r >= 0)
		r = hd_land_take_back(location->store, &state, again, &reference);
	hd_state_clear(&state);
	if (r < 0)
		hd_output_remark("%s stays where it is: %s", reference ? reference : "the branch",
			hd_error_message(r));
}

/* What moved HEAD of a worktree, or followed it, is taken back there, too. */
static void bring_head(const struct hd_location *location, const struct hd_undo_plan *plan,
	const struct hd_operation *operation)
{
	enum hd_operation_kind kind = plan->operation.kind;

	if ((kind == HD_OPERATION_LAND || kind == HD_OPERATION_REBASE || kind == HD_OPERATION_COMMIT) &&
		operation->after.name)
		hd_bring_head(location, operation->after.name, &operation->after.head);
}

static int move(
	const struct hd_invocation *invocation, const struct hd_location *location, struct hd_undo_plan *plan)
{
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	HD_AUTO_FREE char *actor = hd_operation_actor(location);
	HD_AUTO_THREAD_HOLD struct hd_thread_hold hold = HD_THREAD_HOLD_NONE;
	int r = actor ? 0 : -ENOMEM;

	if (r >= 0 && plan->held) {
		r = hd_thread_hold_take(location, plan->held, &hold);
		if (r == -HD_E_THREAD_MISSING)
			r = 0; /* said better by the plan */
	}
	if (r >= 0) {
		hd_progress_begin(
			plan->kind == HD_OPERATION_REDO ? "doing again" : "undoing", HD_PROGRESS_STOPS);
		r = hd_undo_apply(location->store, plan, actor, NULL, &operation);
		hd_progress_end();
	} else if (r == -HD_E_MOUNTED)
		r = move_there(location, plan, actor, &operation);
	if (r < 0)
		return r;
	move_branch(location, plan);
	bring_head(location, plan, &operation);
	if (invocation->json)
		return hd_output_json(json_pack("{s:o}", "operation", hd_operation_json(&operation)));
	print_result(location, plan, &operation);
	return HD_EXIT_OK;
}

static int run(const struct hd_invocation *invocation, enum hd_operation_kind kind)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_undo_plan_clear) struct hd_undo_plan plan = {0};
	uint64_t number = 0;
	int r;

	r = hd_locate(invocation, thread, &location);
	if (r >= 0)
		r = choose(invocation, &location, kind, &number);
	if (r >= 0)
		r = hd_undo_prepare(location.store->index, kind, number, &plan);
	return r < 0 ? r : move(invocation, &location, &plan);
}

static int run_undo(const struct hd_invocation *invocation)
{
	return run(invocation, HD_OPERATION_UNDO);
}

static int run_redo(const struct hd_invocation *invocation)
{
	return run(invocation, HD_OPERATION_REDO);
}

const struct hd_command hd_command_undo = {
	.name = "undo",
	.summary = "Take back the last operation",
	.usage = "[--thread NAME] [OPERATION]",
	.description =
		"Takes back the last operation of the store that is not undone yet, of the thread in "
		"whose mount the command is typed, or OPERATION, a number that 'heddle op log' shows. "
		"After a capture, what was captured is uncaptured again; a dropped thread comes back with "
		"its changes; after a restore, the tree is what it was before. If changes that are not "
		"captured would be lost by that, they are kept in a state.\n\n"
		"What was done to the same thread later is undone first. A mounted thread goes back under "
		"the programs that use it, as with 'heddle restore'; to undo a rename, unmount it first. "
		"'heddle redo' does again what was undone.",
	.options = options,
	.max_arguments = 1,
	.run = run_undo,
};

const struct hd_command hd_command_redo = {
	.name = "redo",
	.summary = "Do again what was undone",
	.usage = "[--thread NAME] [OPERATION]",
	.description =
		"Does again what was undone last, or OPERATION, a number that 'heddle op log' shows as "
		"undone. Refused if something else happened to the thread or tag since.",
	.options = options,
	.max_arguments = 1,
	.run = run_redo,
};
