/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>

#include "capture/git/land/land.h"
#include "capture/identity.h"
#include "cli/arguments/agent_facts.h"
#include "cli/arguments/command.h"
#include "cli/steps/advance_thread.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"

/*
 * The branch moves first, then the thread. If somebody captures in between, the thread stays where it is, with all that the
 * branch has: nothing is lost, and a rebase brings it along.
 */

static const char *onto, *message;
static bool squash, capture_first, solved;

static const struct hd_option options[] = {
	{.long_name = "onto",
		.argument = "BRANCH",
		.help = "the branch to land on (default: the one that the repository's HEAD is on)",
		.text = &onto},
	{.long_name = "squash", .help = "land one commit instead of the thread's", .flag = &squash},
	{.long_name = "message",
		.short_name = 'm',
		.argument = "TEXT",
		.help = "the message of the commit that a merge, --squash or --capture makes",
		.text = &message},
	{.long_name = "solved",
		.help = "the head, a merge with conflicts, is right as it is",
		.flag = &solved},
	{.long_name = "capture", .help = "capture what is not captured first", .flag = &capture_first},
	{0},
};

static int capture(const struct hd_location *location, const char *author)
{
	HD_AUTO_JSON json_t *reply = NULL;
	HD_AUTO_JSON json_t *facts = json_object();
	HD_AUTO_FREE char *made_up = NULL;
	int r = facts ? hd_agent_facts_add(facts) : -ENOMEM;

	if (r < 0)
		return r;
	if (!message && asprintf(&made_up, "%s, before it is landed", location->thread) < 0) {
		made_up = NULL;
		return -ENOMEM;
	}
	return hd_thread_ask(location,
		json_pack("{s:s, s:s, s:s, s:O}", "op", "capture", "message", message ? message : made_up,
			"author", author, "facts", facts),
		"capturing", &reply, NULL);
}

static const char *outcome_name(enum hd_land_outcome outcome)
{
	static const char *const names[] = {[HD_LAND_NOTHING] = "nothing",
		[HD_LAND_FORWARDED] = "forwarded",
		[HD_LAND_MERGED] = "merged",
		[HD_LAND_SQUASHED] = "squashed",
		[HD_LAND_CONFLICTS] = "conflicts"};

	return names[outcome];
}

static int print_json(const struct hd_land_result *result, const struct hd_operation *operation)
{
	json_t *object = json_pack("{s:s, s:s, s:s, s:o, s:I, s:I, s:o, s:o, s:I, s:I, s:o}", "outcome",
		outcome_name(result->outcome), "before", result->before, "commit", result->after, "reference",
		hd_control_text(result->reference), "commits", (json_int_t)result->commits, "behind",
		(json_int_t)result->behind, "state", hd_control_id_or_null(&result->state.id), "conflicts",
		hd_advance_conflicts_json(&result->conflicts), "skipped", (json_int_t)result->skipped,
		"ignored", (json_int_t)result->ignored, "operation",
		operation->number ? hd_operation_json(operation) : json_null());

	if (!object || hd_json_set_path(object, "repository", result->repository) < 0) {
		json_decref(object);
		return -ENOMEM;
	}
	return hd_output_json(object);
}

/* "fast-forward", or that the branch went on. */
static void print_moved_on(const struct hd_land_result *result)
{
	if (result->behind > 0)
		printf("%s has %llu %s more than the thread began with\n", result->reference,
			HD_COUNT((unsigned long long)result->behind, "commit"));
}

static void print_text(const struct hd_location *location, const struct hd_land_result *result)
{
	const char *how = result->outcome == HD_LAND_FORWARDED ? "fast-forward"
			  : result->outcome == HD_LAND_MERGED  ? "merge"
							       : "one commit";

	if (result->outcome == HD_LAND_NOTHING) {
		printf("%s has all of %s already, at %.*s\n", result->reference, location->thread,
			HD_STATE_SHORT, result->before);
		return;
	}
	print_moved_on(result);
	if (result->outcome == HD_LAND_CONFLICTS) {
		printf("%s was not moved: %zu of what %s changed, it changed otherwise:\n", result->reference,
			result->conflicts.count, location->thread);
		(void)hd_advance_print_conflicts(location, &result->conflicts, &result->state);
		return;
	}
	printf("%s is now %.*s (%s): %llu %s of %s, in ", result->reference, HD_STATE_SHORT, result->after,
		how, HD_COUNT((unsigned long long)result->commits, "commit"), location->thread);
	hd_output_path(stdout, result->repository);
	fputc('\n', stdout);
	if (result->skipped > 0)
		hd_output_remark(
			"%llu %s that git cannot keep left out (empty directories, devices, sockets)",
			HD_COUNT(result->skipped, "name"));
	if (result->ignored > 0)
		hd_output_remark("%llu ignored %s left out", HD_COUNT(result->ignored, "name"));
}

/* The branch has moved: whatever is wrong here is told and no failure of the landing. */
static void follow(const struct hd_location *location, const struct hd_land_result *result, const char *actor,
	struct hd_operation *operation)
{
	struct hd_advance_options advance = {
		.kind = HD_OPERATION_LAND, .from = &result->head.id, .to = &result->state.id};
	int r = hd_advance_thread(location, &advance, actor, "landing", operation);

	if (r < 0)
		hd_output_remark("the thread stays where it was: %s; 'heddle rebase %s %s' brings it along",
			hd_error_message(r), location->thread, result->reference);
	else
		hd_bring_head(location, location->thread, &result->state.id);
}

static int land(
	const struct hd_invocation *invocation, const struct hd_location *location, const char *author)
{
	HD_CLEANUP(hd_land_result_clear) struct hd_land_result result = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_land_options land_options = {.thread = location->thread,
		.onto = onto,
		.message = message,
		.squash = squash,
		.solved = solved,
		.author = author};
	struct hd_base_set *bases = NULL;
	int r;

	r = hd_base_set_new(location->store, 0, &bases);
	if (r < 0)
		return r;
	hd_progress_begin("landing", HD_PROGRESS_STOPS);
	r = hd_land_run(location->store, bases, &land_options, &result);
	hd_progress_end();
	hd_base_set_free(bases);
	if (r < 0)
		return r;
	if (result.outcome != HD_LAND_NOTHING && result.outcome != HD_LAND_CONFLICTS)
		follow(location, &result, author, &operation);
	r = 0;
	if (invocation->json)
		r = print_json(&result, &operation);
	else
		print_text(location, &result);
	if (r < 0)
		return r;
	return result.outcome == HD_LAND_NOTHING     ? HD_EXIT_DIFFERENT
	       : result.outcome == HD_LAND_CONFLICTS ? HD_EXIT_CONFLICTS
						     : HD_EXIT_OK;
}

static int run_land(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_FREE char *author = NULL;
	struct hd_taken_commits taken = {0};
	int r;

	if (message && !hd_utf8_is_valid(message, strlen(message)))
		return hd_fail(HD_E_USAGE, "the message is not UTF-8");
	r = hd_locate_thread(
		invocation, invocation->n_arguments > 0 ? invocation->arguments[0] : NULL, &location);
	if (r >= 0)
		r = hd_identity_resolve(NULL, location.store->path, &author);
	if (r >= 0)
		r = hd_take_commits_to_capture(&location, &taken);
	if (r >= 0)
		r = capture_first ? capture(&location, author) : hd_advance_check_captured(&location);
	return r < 0 ? r : land(invocation, &location, author);
}

const struct hd_command hd_command_land = {
	.name = "land",
	.summary = "Bring a thread's states into a branch of git",
	.usage = "[THREAD] [--onto BRANCH] [--squash] [--capture] [-m TEXT]",
	.description =
		"Makes the states of THREAD (default: the thread in use, or main) commits, as 'heddle export "
		"git' "
		"does, and moves BRANCH to the last one. If BRANCH has commits that the thread did not begin "
		"with, the two are merged, and BRANCH goes to the merge; with --squash it gets one commit. "
		"The "
		"thread goes on from there, with what BRANCH had more.\n\n"
		"Where both changed the same, nothing is moved, and the exit status is 3. The merge with the "
		"usual markers is kept as a state: make a thread at it, solve the conflicts, capture, and "
		"land "
		"that thread.\n\n"
		"Where BRANCH is checked out, its files follow if nothing is changed there; else it is not "
		"moved. "
		"Changes that are not captured are refused without --capture, those of ignored files aside. "
		"'heddle undo' takes the thread back, and BRANCH, if nobody moved it since. Exits with 1 if "
		"BRANCH has everything already.",
	.options = options,
	.max_arguments = 1,
	.run = run_land,
};
