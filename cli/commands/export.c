/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "capture/git/export_git.h"
#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/store_locate.h"
#include "cli/text/state_text.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The export reads states, never the live overlay: what is to be exported is captured first. */

static const char *repository;
static const char *branch;
static bool with_ignored;

static const struct hd_option options[] = {
	{.long_name = "repo",
		.argument = "DIR",
		.help = "the repository to write to; made, bare, if there is none (default: the base's)",
		.text = &repository},
	{.long_name = "branch",
		.short_name = 'b',
		.argument = "NAME",
		.help = "the branch to move (default: heddle/<thread>)",
		.text = &branch},
	{.long_name = "ignored",
		.help = "also ignored files, which are left out otherwise",
		.flag = &with_ignored},
	{0},
};

static int print_result(const struct hd_export_git_result *result, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || hd_json_set_path(object, "repository", result->repository) < 0 ||
			json_object_set_new(object, "reference", hd_json_text(result->reference)) < 0 ||
			json_object_set_new(object, "commit", json_string(result->commit)) < 0 ||
			json_object_set_new(object, "commits", json_integer((json_int_t)result->commits)) <
				0 ||
			json_object_set_new(object, "skipped", json_integer((json_int_t)result->skipped)) <
				0 ||
			json_object_set_new(object, "ignored", json_integer((json_int_t)result->ignored)) <
				0 ||
			json_object_set_new(object, "unchanged", json_boolean(result->unchanged)) < 0) {
			json_decref(object);
			return -ENOMEM;
		}
		return hd_output_json(object);
	}
	if (result->unchanged)
		printf("%s is up to date at %.*s", result->reference, HD_STATE_SHORT, result->commit);
	else
		printf("%s is now %.*s, %llu %s more", result->reference, HD_STATE_SHORT, result->commit,
			HD_COUNT(result->commits, "commit"));
	fputs(", in ", stdout);
	hd_output_path(stdout, result->repository);
	fputc('\n', stdout);
	if (result->skipped > 0)
		hd_output_remark(
			"%llu %s that git cannot keep left out (empty directories, devices, sockets)",
			HD_COUNT(result->skipped, "name"));
	if (result->ignored > 0)
		hd_output_remark("%llu ignored %s left out; --ignored takes them along",
			HD_COUNT(result->ignored, "name"));
	return HD_EXIT_OK;
}

static int run_export(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	const char *thread = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	struct hd_export_git_options export_options = {
		.repository = repository, .branch = branch, .with_ignored = with_ignored};
	struct hd_export_git_result result = {0};
	struct hd_base_set *bases = NULL;
	int r;

	if (strcmp(invocation->arguments[0], "git") != 0)
		return hd_fail(
			HD_E_USAGE, "states are exported to 'git', not to '%s'", invocation->arguments[0]);
	r = hd_locate_thread(invocation, thread, &location);
	if (r < 0)
		return r;
	r = hd_base_set_new(location.store, 0, &bases);
	if (r < 0)
		return r;
	export_options.thread = location.thread;
	hd_progress_begin("exporting", HD_PROGRESS_STOPS);
	r = hd_export_git(location.store, bases, &export_options, &result);
	hd_progress_end();
	if (r >= 0)
		r = print_result(&result, invocation->json);
	hd_export_git_result_clear(&result);
	hd_base_set_free(bases);
	return r;
}

const struct hd_command hd_command_export = {
	.name = "export",
	.summary = "Write a thread's states to git as commits",
	.usage = "git [THREAD] [--repo DIR] [--branch NAME] [--ignored]",
	.description = "Writes each state of THREAD that was not exported before as one commit and moves the "
		       "branch to the last "
		       "one. Message, author, time and facts (as trailers) are the state's. A branch that "
		       "was moved by "
		       "anything but an export is left alone, with exit status 75.\n\n"
		       "What .gitignore, .heddleignore and info/exclude say is ignored is left out, unless "
		       "the branch has "
		       "it already.\n\n"
		       "Only captured states are exported: run 'heddle capture' first. git keeps no empty "
		       "directories, devices "
		       "and sockets; they are left out and counted.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run_export,
};
