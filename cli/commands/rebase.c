/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/rebase.h"

#include <errno.h>
#include <stdio.h>

#include "capture/identity.h"
#include "cli/arguments/command.h"
#include "cli/steps/advance_thread.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The merge is made here, beside the mount; its worker only switches the tree, with what is written until then. */

static const char *outcome_name(enum hd_rebase_outcome outcome)
{
	static const char *const names[] = {[HD_REBASE_NOTHING] = "nothing",
		[HD_REBASE_FORWARDED] = "forwarded",
		[HD_REBASE_MERGED] = "merged",
		[HD_REBASE_CONFLICTS] = "conflicts"};

	return names[outcome];
}

static int print_json(const struct hd_rebase_result *result, const struct hd_operation *operation)
{
	return hd_output_json(
		json_pack("{s:s, s:s, s:I, s:I, s:o, s:o, s:o}", "outcome", outcome_name(result->outcome),
			"commit", result->commit, "commits", (json_int_t)result->commits, "behind",
			(json_int_t)result->behind, "state", hd_control_id_or_null(&result->state.id),
			"conflicts", hd_advance_conflicts_json(&result->conflicts), "operation",
			operation->number ? hd_operation_json(operation) : json_null()));
}

static void print_text(const struct hd_location *location, const struct hd_rebase_result *result,
	const struct hd_operation *operation)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	if (result->outcome == HD_REBASE_NOTHING) {
		printf("%s has all of %.*s already\n", location->thread, HD_STATE_SHORT, result->commit);
		return;
	}
	if (result->outcome == HD_REBASE_CONFLICTS) {
		printf("%s was not moved: %zu of what it changed, %.*s changed otherwise:\n",
			location->thread, result->conflicts.count, HD_STATE_SHORT, result->commit);
		(void)hd_advance_print_conflicts(location, &result->conflicts, &result->state);
		return;
	}
	printf("%s has %llu %s more, up to %.*s; 'heddle undo %llu' takes it back\n", location->thread,
		HD_COUNT((unsigned long long)result->behind, "commit"), HD_STATE_SHORT, result->commit,
		(unsigned long long)operation->number);
	if (!hd_state_id_is_zero(&operation->kept))
		printf("What is not captured was taken along; as it was it is kept in %s\n",
			hd_state_short(location->store->index, &operation->kept, id));
}

static int move(const struct hd_location *location, const struct hd_rebase_result *result, const char *author,
	struct hd_operation *operation)
{
	struct hd_advance_options advance = {.kind = HD_OPERATION_REBASE,
		.from = &result->head.id,
		.to = &result->state.id,
		.base = &result->base};
	int r;

	if (result->outcome != HD_REBASE_FORWARDED && result->outcome != HD_REBASE_MERGED)
		return 0;
	r = hd_advance_thread(location, &advance, author, "rebasing", operation);
	if (r >= 0)
		hd_bring_head(location, location->thread, &result->state.id);
	return r;
}

static int rebase(
	const struct hd_invocation *invocation, const struct hd_location *location, const char *author)
{
	HD_CLEANUP(hd_rebase_result_clear) struct hd_rebase_result result = {0};
	HD_CLEANUP(hd_operation_clear) struct hd_operation operation = {0};
	struct hd_rebase_options options = {.thread = location->thread,
		.onto = invocation->arguments[invocation->n_arguments - 1],
		.author = author};
	struct hd_base_set *bases = NULL;
	int r;

	r = hd_base_set_new(location->store, 0, &bases);
	if (r < 0)
		return r;
	hd_progress_begin("rebasing", HD_PROGRESS_STOPS);
	r = hd_rebase_run(location->store, bases, &options, &result);
	hd_progress_end();
	hd_base_set_free(bases);
	if (r >= 0)
		r = move(location, &result, author, &operation);
	if (r < 0)
		return r;
	if (invocation->json)
		r = print_json(&result, &operation);
	else
		print_text(location, &result, &operation);
	if (r < 0)
		return r;
	return result.outcome == HD_REBASE_NOTHING     ? HD_EXIT_DIFFERENT
	       : result.outcome == HD_REBASE_CONFLICTS ? HD_EXIT_CONFLICTS
						       : HD_EXIT_OK;
}

static int run_rebase(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_FREE char *author = NULL;
	int r;

	r = hd_locate_thread(
		invocation, invocation->n_arguments > 1 ? invocation->arguments[0] : NULL, &location);
	if (r >= 0)
		r = hd_identity_resolve(NULL, location.store->path, &author);
	if (r >= 0)
		r = hd_take_commits(&location);
	return r < 0 ? r : rebase(invocation, &location, author);
}

const struct hd_command hd_command_rebase = {
	.name = "rebase",
	.summary = "Bring a thread onto another commit of git",
	.usage = "[THREAD] REVISION",
	.description =
		"Gives THREAD (default: the thread in use, or main) what the commit REVISION of its "
		"repository "
		"has more than the commit that it began at, under the programs that use it if it is mounted. "
		"What is not captured is merged in as well, and stays uncaptured. Where the thread changed "
		"nothing the tree is the commit's.\n\n"
		"States are not written anew: the new head is the merge of the old one and the commit. So "
		"'heddle land' on a branch that is at the commit is a fast-forward.\n\n"
		"Where both changed the same, nothing is moved, and the exit status is 3: what is captured "
		"is "
		"kept as a state with the usual markers, as by 'heddle land'; what is not captured must be "
		"captured first. 'heddle undo' takes it back. Exits with 1 if the thread has all of "
		"REVISION.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run_rebase,
};
