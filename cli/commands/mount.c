/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/history/state_spec.h"
#include "capture/initialize.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/steps/mount_all.h"
#include "cli/steps/mountpoint.h"
#include "cli/steps/take_commits.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/threads/thread_command.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_json.h"
#include "mount/git_link.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/threads/work.h"
#include "overlay/store/index/index_operations.h"

/*
 * A thread is a line of work with an overlay of its own. Naming a new one is how it comes to be: it begins at
 * the head of "main", or at the state that --from names.
 */

static const char *open_mode, *git_mode, *fsmonitor_mode;
static bool allow_other, foreground, is_volatile, records, all;
static struct hd_text_list mount_options;
static const char *from;

static const char *const open_modes[] = {"untracked", "tracked", NULL};
static const char *const git_modes[] = {"none", "worktree", "branch", "auto", NULL};
static const char *const fsmonitor_modes[] = {"auto", "yes", "no", NULL};

static const struct hd_option options[] = {
	{.long_name = "all",
		.short_name = 'a',
		.help = "mount every thread, each at DIR/<thread>; with --foreground also those that come",
		.flag = &all},
	{.long_name = "from",
		.argument = "STATE",
		.help = "begin a new thread at STATE instead of the head of main",
		.text = &from},
	{.long_name = "foreground",
		.short_name = 'f',
		.help = "serve until unmounted, instead of returning when the mount is ready",
		.flag = &foreground},
	{.long_name = "open",
		.argument = "MODE",
		.help = "untracked: the kernel opens files without asking, which is faster; tracked: each "
			"open and "
			"close is seen",
		.text = &open_mode,
		.choices = open_modes},
	{.long_name = "git",
		.argument = "MODE",
		.help = "worktree: make the mount a git worktree of the base's repository; branch: likewise, "
			"on a branch of its own, heddle/THREAD; auto, the default: a worktree where the base "
			"is "
			"a git commit and there can be one; none: change nothing in the repository",
		.text = &git_mode,
		.choices = git_modes},
	{.long_name = "git-fsmonitor",
		.argument = "MODE",
		.help = "with --git: yes: have git ask what changed instead of looking at every file; where "
			"the "
			"repository does not have it yet, this sets extensions.worktreeConfig in its "
			"configuration; auto, the default: likewise, but not in a repository of format 1, "
			"which some programs could not read then; no: do not",
		.text = &fsmonitor_mode,
		.choices = fsmonitor_modes},
	{.long_name = "allow-other",
		.help = "let other users in; permissions are checked",
		.flag = &allow_other},
	{.long_name = "volatile",
		.help = "for throw-away work: fsync does nothing, and what is written reaches the disk only "
			"by a "
			"capture or the unmount",
		.flag = &is_volatile},
	{.long_name = "record",
		.help = "note which process changes what, for 'heddle log --by-actor'",
		.flag = &records},
	{.long_name = "options",
		.short_name = 'o',
		.argument = "NAME[=VALUE],...",
		.help = "mount options, listed below",
		.list = &mount_options},
	{0},
};

static int collect_options(struct hd_mount_options *ret_options)
{
	struct hd_mount_options collected;
	int r = 0;

	hd_mount_options_default(&collected);
	collected.git = HD_GIT_AUTO;
	for (size_t i = 0; i < mount_options.count && r >= 0; i++)
		r = hd_mount_options_parse(&collected, mount_options.items[i]);
	if (r < 0)
		return r;
	if (open_mode)
		collected.open = strcmp(open_mode, "tracked") == 0 ? HD_OPEN_TRACKED : HD_OPEN_UNTRACKED;
	for (uint64_t mode = 0; git_mode && git_modes[mode]; mode++)
		if (strcmp(git_mode, git_modes[mode]) == 0)
			collected.git = mode;
	for (uint64_t mode = 0; fsmonitor_mode && fsmonitor_modes[mode]; mode++)
		if (strcmp(fsmonitor_mode, fsmonitor_modes[mode]) == 0)
			collected.git_fsmonitor = mode;
	collected.allow_other = collected.allow_other || allow_other;
	collected.is_volatile = collected.is_volatile || is_volatile;
	collected.record = collected.record || records;
	if (collected.is_private)
		return hd_fail(HD_E_USAGE, "mount option 'private' is for 'heddle run'");
	r = hd_mount_options_settle(&collected);
	if (r >= 0)
		*ret_options = collected;
	return r;
}

/* Makes the thread if there is none of its name. *RET_CREATED says which it was. */
static int prepare_thread(const struct hd_location *location, bool *ret_created)
{
	struct hd_index *index = location->store->index;
	const char *spec = from ? from : HD_INITIALIZE_THREAD;
	struct hd_thread thread = {0};
	struct hd_state_id head;
	int r;

	r = hd_index_get_thread(index, location->thread, &thread);
	if (r >= 0) {
		hd_thread_clear(&thread);
		if (from)
			return hd_fail(
				HD_E_THREAD_EXISTS, "--from is for a new thread; '%s'", location->thread);
		*ret_created = false;
		return 0;
	}
	if (r != -HD_E_THREAD_MISSING)
		return r;
	r = hd_take_commits_of(location, spec, HD_INITIALIZE_THREAD);
	if (r >= 0)
		r = hd_state_spec_resolve(index, spec, HD_INITIALIZE_THREAD, &head);
	if (r < 0)
		return r;
	r = hd_index_create_thread(index, location->thread, &head);
	if (r < 0)
		return r;
	*ret_created = true;
	return 0;
}

/* Serves until somebody unmounts; an interrupt unmounts. */
static int wait_for_unmount(const struct hd_location *location)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	HD_AUTO_JSON json_t *reply = NULL;
	HD_AUTO_CLOSE int signal_fd = hd_process_signal_fd(signals, HD_ARRAY_SIZE(signals));
	HD_AUTO_CLOSE int server_fd = -1;
	unsigned ready = 0;
	int r;

	if (signal_fd < 0)
		return signal_fd;
	r = hd_thread_ask(location, json_pack("{s:s}", "op", "ping"), "asking", &reply, NULL);
	if (r < 0)
		return r;
	server_fd = hd_process_watch((pid_t)hd_reply_number(reply, "pid"));
	if (server_fd < 0)
		return server_fd;
	while (!(ready & 2u)) {
		const int fds[] = {signal_fd, server_fd};

		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), -1, &ready);
		if (r < 0)
			return r;
		if (!(ready & 1u) || hd_process_signal_read(signal_fd) <= 0)
			continue;
		r = hd_mount_stop(location->store, location->thread, false);
		if (r < 0 && r != -HD_E_NOT_MOUNTED)
			hd_output_remark("%s; still mounted", hd_error_message(r));
	}
	return HD_EXIT_OK;
}

static int report(const struct hd_location *location, const char *directory, bool created, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || json_object_set_new(object, "thread", hd_control_text(location->thread)) < 0 ||
			json_object_set_new(object, "created", json_boolean(created)) < 0 ||
			hd_json_set_path(object, "mountpoint", directory) < 0) {
			json_decref(object);
			return -ENOMEM;
		}
		return hd_output_json(object);
	}
	if (created)
		printf("Made thread %s at the head of %s\n", location->thread,
			from ? from : HD_INITIALIZE_THREAD);
	printf("Mounted %s at ", location->thread);
	hd_output_path(stdout, directory);
	fputc('\n', stdout);
	return 0;
}

static bool begins_with(const char *text, const char *beginning)
{
	return strncmp(text, beginning, strlen(beginning)) == 0;
}

/* There is no worktree. ASKED: somebody wants one. */
static void remark_git(const struct hd_location *location, bool asked)
{
	HD_AUTO_FREE char *text = NULL;
	const char *reason;
	struct hd_thread thread;

	if (hd_index_get_thread(location->store->index, location->thread, &thread) < 0)
		return;
	if (hd_run_file_read(location->store->path, thread.number, HD_RUN_GIT, &text) >= 0 &&
		begins_with(text, HD_GIT_LINK_NONE)) {
		reason = text + strlen(HD_GIT_LINK_NONE);
		if (asked || begins_with(reason, HD_GIT_LINK_UNREAD))
			hd_output_remark("%.*s", (int)strcspn(reason, "\n"), reason);
	}
	hd_thread_clear(&thread);
}

/* After a mount that ended badly people look whether everything is there, and should know what happened. */
static void remark_last_end(const struct hd_location *location)
{
	HD_AUTO_FREE char *last_end = NULL;
	struct hd_thread thread;

	if (hd_index_get_thread(location->store->index, location->thread, &thread) < 0)
		return;
	if (hd_run_file_read(location->store->path, thread.number, HD_RUN_LAST, &last_end) >= 0 && last_end)
		hd_output_remark(
			"the mount before this one ended badly ('heddle status' says more): %s", last_end);
	hd_thread_clear(&thread);
}

/* Who is interrupted while it is mounted has no mount, and none that comes later; a second interrupt ends the command at once. */
static int start_mount(
	const struct hd_location *location, const char *directory, const struct hd_mount_options *settings)
{
	struct hd_work work = {0};
	int r;

	hd_progress_begin("mounting", HD_PROGRESS_ENDS);
	hd_work_stop_at_interrupt(&work);
	r = hd_mount_start(location->store, location->thread, directory, settings);
	hd_progress_end();
	if (r < 0 || !work.stopped)
		return r;
	r = hd_mount_stop(location->store, location->thread, false);
	return r < 0 ? r : -HD_E_INTERRUPTED;
}

static int mount_thread(const struct hd_location *location, const char *directory, bool json)
{
	HD_CLEANUP(hd_mountpoint_clear) struct hd_mountpoint mountpoint = {0};
	struct hd_mount_options collected;
	struct hd_mount_place place = {0};
	bool created = false;
	int r;

	r = collect_options(&collected);
	if (r < 0)
		return r;
	if (directory)
		r = hd_mountpoint_prepare(directory, &mountpoint);
	if (r >= 0)
		r = prepare_thread(location, &created);
	if (r >= 0)
		r = start_mount(location, mountpoint.path, &collected);
	if (r < 0)
		hd_mountpoint_give_up(&mountpoint);
	if (r < 0 && created)
		hd_output_remark("thread '%s' was made and stays, at the head of %s", location->thread,
			from ? from : HD_INITIALIZE_THREAD);
	if (r < 0)
		return r;
	r = hd_mount_find_thread(location->store->path, location->thread, &place);
	if (r >= 0)
		r = report(location, place.directory, created, json);
	hd_mount_place_clear(&place);
	if (r >= 0 && !json)
		remark_last_end(location);
	if (r >= 0 && collected.git != HD_GIT_NONE)
		remark_git(location, collected.git != HD_GIT_AUTO);
	if (r < 0 || !foreground)
		return r;
	r = hd_output_end();
	return r < 0 ? r : wait_for_unmount(location);
}

/* The one argument is a directory, whatever it looks like. */
static int run_mount_all(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_mountpoint_clear) struct hd_mountpoint mountpoint = {0};
	HD_AUTO_FREE char *own = NULL;
	struct hd_mount_options collected;
	int r;

	if (from || invocation->n_arguments > 1)
		return hd_fail(HD_E_USAGE, "--all takes no thread, and no --from");
	r = collect_options(&collected);
	if (r >= 0)
		r = hd_locate(invocation, NULL, &location);
	if (r >= 0 && asprintf(&own, "%s/mnt", location.store->path) < 0) {
		own = NULL;
		r = -ENOMEM;
	}
	if (r >= 0)
		r = hd_mountpoint_prepare(
			invocation->n_arguments > 0 ? invocation->arguments[0] : own, &mountpoint);
	if (r < 0)
		return r;
	r = hd_mount_all(&location, mountpoint.path, &collected, foreground, invocation->json);
	if (r < 0)
		hd_mountpoint_give_up(&mountpoint);
	return r;
}

static int run_mount(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	const char *thread = invocation->n_arguments > 0 ? invocation->arguments[0] : NULL;
	const char *directory = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	int r;

	if (all) {
		r = run_mount_all(invocation);
		hd_text_list_clear(&mount_options);
		return r;
	}
	if (thread && !directory && hd_word_is_path(thread)) {
		directory = thread;
		thread = NULL;
	}
	r = hd_locate(invocation, thread, &location);
	if (r >= 0)
		r = mount_thread(&location, directory, invocation->json);
	hd_text_list_clear(&mount_options);
	return r;
}

static void print_mount_option(const char *name, const char *values, const char *help, void *payload)
{
	char left[64];

	(void)payload;
	(void)snprintf(left, sizeof(left), "  %s%s%s", name, values ? "=" : "", values ? values : "");
	hd_print_help_row(stdout, left, help);
}

static void print_mount_options(void)
{
	hd_print_heading("Mount options (-o), a switch is turned off by 'no-' before it:");
	hd_mount_options_describe(print_mount_option, NULL);
}

const struct hd_command hd_command_mount = {
	.name = "mount",
	.summary = "Mount a thread as a writable tree",
	.usage = "[THREAD] [DIR] [--from STATE] [-o NAME[=VALUE],...]\n--all [DIR] [--foreground]",
	.description =
		"Mounts THREAD (default: main) at DIR (default: .heddle/mnt/THREAD), which is made if "
		"it is missing. What "
		"is written there stays in the thread until it is captured, over unmounting, crashes "
		"and power cuts.\n\n"
		"A thread is a line of work with its own tree. A THREAD that does not exist yet is "
		"made, at the head of "
		"main or at STATE. A single argument with a '/' is DIR. The mount is served by a "
		"process in the background unless "
		"--foreground is given.\n\n"
		"With --all every thread that is mounted nowhere is mounted at DIR/<thread> (default: "
		".heddle/mnt), each with processes of its own. With --foreground as well, threads that are "
		"made meanwhile are mounted and the places of those that were dropped or renamed are "
		"removed, until an interrupt unmounts all.",
	.options = options,
	.max_arguments = 2,
	.print_more_help = print_mount_options,
	.run = run_mount,
};
