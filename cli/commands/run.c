/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "capture/identity.h"
#include "cli/arguments/agent_facts.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/steps/run_thread.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/operation_text.h"
#include "cli/text/run_report.h"
#include "cli/threads/thread_command.h"
#include "mount/client/mount_start.h"
#include "mount/mount_options.h"
#include "mount/private/warden.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"

/*
 * The command's input and output are its own, so what this command has to say goes to standard error, or to a file.
 *
 * Everything that can fail for reasons of the caller's (an author, a thread, the right to mount) is looked for before the
 * command runs. Afterwards nothing ends the sequence but the failure of a step: the changes then stay in the thread.
 */

/* So often a worker that dies in a capture is followed by another. */
#define CAPTURE_RETRIES 5

static const char *thread_name, *new_name, *message, *author, *directory, *capture_when, *summary_file;
static bool forks, removes, is_volatile, records, without_network, quiet;
static struct hd_text_list mount_options;

static const char *const capture_choices[] = {"always", "success", "never", NULL};

static const struct hd_option options[] = {
	{.long_name = "thread",
		.short_name = 't',
		.argument = "THREAD",
		.help = "run in THREAD (default: the thread in use, or main)",
		.text = &thread_name},
	{.long_name = "fork",
		.help = "run in a new thread that begins at the head of that one",
		.flag = &forks},
	{.long_name = "name", .argument = "NAME", .help = "call the new thread NAME", .text = &new_name},
	{.long_name = "rm",
		.help = "run in a new thread and throw it away; nothing is captured unless --capture says "
			"so",
		.flag = &removes},
	{.long_name = "capture",
		.argument = "WHEN",
		.help = "when the tree becomes a state: always (the default), success (of the command) or "
			"never",
		.text = &capture_when,
		.choices = capture_choices},
	{.long_name = "message",
		.short_name = 'm',
		.argument = "TEXT",
		.help = "describe the state (default: the command line)",
		.text = &message},
	{.long_name = "author",
		.argument = "'NAME <MAIL>'",
		.help = "whose work it is (default: HEDDLE_AUTHOR, then heddle.author, then user.name and "
			"user.email of git's configuration)",
		.text = &author},
	{.long_name = "at",
		.argument = "DIR",
		.help = "mount at DIR, which must exist, instead of .heddle/mnt/THREAD",
		.text = &directory},
	{.long_name = "volatile", .help = "fsync does nothing, as with 'heddle mount'", .flag = &is_volatile},
	{.long_name = "record",
		.help = "note which process changes what, for 'heddle log --by-actor'",
		.flag = &records},
	{.long_name = "no-network",
		.help = "run the command with no network but a loopback interface of its own",
		.flag = &without_network},
	{.long_name = "options",
		.short_name = 'o',
		.argument = "NAME[=VALUE],...",
		.help = "mount options, see 'heddle mount --help'",
		.list = &mount_options},
	{.long_name = "summary",
		.argument = "FILE",
		.help = "write what happened to FILE as JSON; /dev/fd/3 is descriptor 3",
		.text = &summary_file},
	{.long_name = "quiet", .short_name = 'q', .help = "say nothing but errors", .flag = &quiet},
	{0},
};

static int settle_options(struct hd_mount_options *ret_options)
{
	HD_AUTO_JSON json_t *facts = json_object();
	struct hd_mount_options collected;
	int r = facts ? hd_agent_facts_add(facts) : -ENOMEM;

	if (r < 0)
		return r;
	if (message && !hd_utf8_is_valid(message, strlen(message)))
		return hd_fail(HD_E_USAGE, "the message is not UTF-8");
	forks = forks || removes || new_name;
	if (!capture_when)
		capture_when = removes ? "never" : "always";
	hd_mount_options_default(&collected);
	for (size_t i = 0; i < mount_options.count && r >= 0; i++)
		r = hd_mount_options_parse(&collected, mount_options.items[i]);
	collected.is_volatile = collected.is_volatile || is_volatile || removes;
	collected.record = collected.record || records;
	collected.is_private = true;
	if (r >= 0)
		r = hd_mount_options_settle(&collected);
	if (r >= 0)
		*ret_options = collected;
	return r;
}

/* ---- the mount ---- */

static int mount_inside(struct hd_run *run, const struct hd_mount_options *settings, int *ret_device)
{
	const struct hd_location *location = &run->location;
	HD_AUTO_FREE char *source = NULL;
	struct hd_mount_request request = {.directory = run->directory,
		.allow_other = settings->allow_other,
		.default_permissions = settings->default_permissions,
		.read_only = settings->read_only,
		.suid = settings->suid,
		.dev = settings->dev};

	if (asprintf(&source, "heddle:%s#%s", location->store->path, location->thread) < 0) {
		source = NULL;
		return -ENOMEM;
	}
	request.source = source;
	return hd_warden_mount(&run->warden, &request, ret_device);
}

static int mount_workspace(struct hd_run *run, const struct hd_mount_options *settings)
{
	const struct hd_location *location = &run->location;
	HD_AUTO_FREE char *absolute = directory ? realpath(directory, NULL) : NULL;
	HD_AUTO_CLOSE int device = -1;
	int r;

	if (directory && !absolute)
		return hd_fail_errno("mountpoint '%s'", directory);
	r = hd_mount_prepare_private(location->store, location->thread, absolute, &run->directory);
	if (r >= 0)
		r = mount_inside(run, settings, &device);
	if (r >= 0)
		r = hd_mount_start_private(
			location->store, location->thread, run->directory, settings, device);
	run->mounted = r >= 0;
	return r;
}

/* ---- the sequence ---- */

static bool is_captured(const struct hd_run *run)
{
	if (strcmp(capture_when, "success") == 0)
		return WIFEXITED(run->status) && WEXITSTATUS(run->status) == 0;
	return strcmp(capture_when, "always") == 0;
}

static int ask_to_capture(struct hd_run *run)
{
	json_t *request = hd_run_capture_request(run, message);

	return hd_thread_ask(&run->location, request, "capturing", &run->captured, NULL);
}

/*
 * The command has ended, so a capture whose worker died may be asked for again: it finds the rest, or that there is none, and then
 * the head that moved meanwhile is what it had made.
 */
static int capture(struct hd_run *run)
{
	struct hd_thread before, after;
	int r = hd_index_get_thread(run->location.store->index, run->location.thread, &before);
	bool again = false;

	if (r < 0)
		return r;
	r = ask_to_capture(run);
	for (unsigned i = 0; i < CAPTURE_RETRIES && (r == -ECONNRESET || r == -EPIPE); i++, again = true)
		r = ask_to_capture(run);
	if (r >= 0 && again)
		r = hd_index_get_thread(run->location.store->index, run->location.thread, &after);
	if (r >= 0 && again) {
		if (!hd_state_id_equal(&before.head, &after.head))
			(void)json_object_set_new(run->captured, "nothing", json_false());
		hd_thread_clear(&after);
	}
	hd_thread_clear(&before);
	return r;
}

static int use_workspace(struct hd_run *run, const struct hd_mount_options *settings)
{
	int r;

	r = mount_workspace(run, settings);
	/* What a terminal sends to both has not reached a command that does not run yet. */
	if (r >= 0 && hd_run_signals_came(&run->signals))
		r = -HD_E_INTERRUPTED;
	if (r >= 0) {
		r = hd_warden_run(&run->warden, run->directory, run->location.store->path, &run->status);
		/* After other failures nobody knows how far the command came. */
		run->began = r != -HD_E_COMMAND_MISSING && r != -HD_E_COMMAND_REFUSED;
		run->ended = r >= 0;
	}
	return r >= 0 && is_captured(run) ? capture(run) : r;
}

/*
 * Also after a failure, whose detail is kept. A mount that has ended by itself did so after its namespace, because the command
 * did not end in order, or because all its processes were killed: then what is on disk is there, and that may not be all.
 */
static int end_workspace(struct hd_run *run)
{
	int r = 0;

	if (run->mounted)
		r = hd_mount_stop_private(run->location.store, run->number, run->location.thread);
	hd_warden_release(&run->warden);
	run->is_lost = run->ended && r == -HD_E_NOT_MOUNTED;
	return r == -HD_E_NOT_MOUNTED ? 0 : r;
}

static int fail_for_what_is_lost(const struct hd_run *run)
{
	return hd_fail(EIO,
		"all that served the mount was killed: what had come to disk in thread '%s' is %s, the rest "
		"is lost",
		run->location.thread,
		run->captured    ? "captured"
		: run->discarded ? "dropped"
				 : "there");
}

/* Where the work of a command is whose run failed; NULL when nothing ran, or nothing was to be kept. */
static const char *where_it_is(const struct hd_run *run, bool kept)
{
	if (kept)
		return "stays, with what the command changed";
	return run->began && !removes ? "has what the command changed" : NULL;
}

static int run_in_thread(struct hd_run *run, const struct hd_mount_options *settings)
{
	HD_AUTO_FREE char *words = NULL;
	bool kept;
	int r, ended;

	r = use_workspace(run, settings);
	if (r < 0)
		words = strdup(hd_error_message(r));
	/* Without them it is as it was: a signal ends this process. */
	(void)hd_run_signals_hold(&run->signals);
	ended = end_workspace(run);
	/* What was to be captured and is not is in the thread alone. */
	kept = r < 0 && removes && run->began && strcmp(capture_when, "never") != 0;
	/* A fork in which nothing ever ran holds nothing. */
	if (ended >= 0 && !kept && (removes || (forks && !run->began)))
		ended = hd_run_discard_thread(run);
	if (ended >= 0 && run->is_lost)
		ended = fail_for_what_is_lost(run);
	if (r < 0 && ended < 0)
		hd_output_remark("%s", hd_error_message(ended));
	return r < 0 ? hd_run_fail_again(r, words, run->location.thread, where_it_is(run, kept)) : ended;
}

static int run_command(struct hd_run *run, const struct hd_invocation *invocation)
{
	struct hd_mount_options settings;
	struct hd_warden_settings warden = {.arguments = run->arguments, .without_network = without_network};
	int r;

	r = settle_options(&settings);
	run->removes = removes;
	/* First, while this process has one thread and nothing open: its namespaces are made meanwhile. */
	if (r >= 0)
		r = hd_warden_start(&warden, &run->warden);
	if (r >= 0)
		r = hd_locate_thread(invocation, thread_name, &run->location);
	if (r >= 0 && strcmp(capture_when, "never") != 0)
		r = hd_identity_resolve(author, run->location.store->path, &run->author);
	if (r >= 0)
		r = hd_run_signals_hold(&run->signals);
	if (r >= 0)
		r = hd_run_choose_thread(run, forks, new_name);
	return r < 0 ? r : run_in_thread(run, &settings);
}

static int run_run(const struct hd_invocation *invocation)
{
	struct hd_run run = {.arguments = hd_run_copy_arguments(invocation)};
	int r = run.arguments ? run_command(&run, invocation) : -ENOMEM;

	hd_warden_release(&run.warden);
	if (r >= 0)
		r = hd_run_report(&run, summary_file, invocation->json, quiet);
	if (r >= 0)
		r = WIFSIGNALED(run.status) ? 128 + WTERMSIG(run.status) : WEXITSTATUS(run.status);
	hd_run_signals_forget(&run.signals);
	hd_run_clear(&run);
	hd_text_list_clear(&mount_options);
	return r;
}

const struct hd_command hd_command_run = {
	.name = "run",
	.summary = "Run a command in a private mount of a thread",
	.usage = "[--fork|--rm] [-t THREAD] [OPTION]... [--] COMMAND [ARG]...",
	.description =
		"Mounts THREAD where only COMMAND and what it starts can see it, runs COMMAND in the root of "
		"that tree, captures what it changed, and unmounts. Neither root nor fusermount3 is needed "
		"where the system lets people make user namespaces. When COMMAND has ended, what it left "
		"running is killed.\n\n"
		"With --fork the work is done in a new thread, so that any number of commands can run at "
		"once "
		"on the same state.\n\n"
		"Exits with COMMAND's status, 128+N if signal N killed it, 125 if heddle failed, 126 if "
		"COMMAND cannot be executed, 127 if there is none. A line about what was captured goes to "
		"standard error; with --json it is a JSON object.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = (size_t)-1,
	.takes_command = true,
	.run = run_run,
};
