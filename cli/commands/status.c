/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/import/worktree_commits.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/tree_paths.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_command.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/mount_place.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* Everything but the layout is the reply of the thread, mounted or not; --json prints that reply. */

#define TEXT_LIMIT 200
#define SHORT_LIMIT 100000

static bool short_form, nul_ends, exit_code, with_ignored, without_ignored;
static unsigned long limit;

static const struct hd_option options[] = {
	{.long_name = "short",
		.short_name = 's',
		.help = "one line per change: A, M, D or R (moved), and the path",
		.flag = &short_form},
	{.short_name = 'z',
		.long_name = "null",
		.help = "with -s: end lines with a NUL and do not quote paths",
		.flag = &nul_ends},
	{.long_name = "limit", .argument = "N", .help = "list at most N changes", .number = &limit},
	{.long_name = "ignored",
		.help = "mark changes of ignored files; with -s by a ! behind the letter",
		.flag = &with_ignored},
	{.long_name = "no-ignored", .help = "leave changes of ignored files out", .flag = &without_ignored},
	{.long_name = "exit-code", .help = "exit with 1 if there are changes", .flag = &exit_code},
	{0},
};

static enum hd_color color_of(const char *kind)
{
	return kind[0] == 'A' ? HD_COLOR_ADDED : kind[0] == 'D' ? HD_COLOR_DELETED : HD_COLOR_MODIFIED;
}

static int print_entry(const struct hd_location *location, const json_t *entry)
{
	const char *kind = hd_reply_text(entry, "kind");
	bool ignored = json_is_true(json_object_get(entry, "ignored"));
	const char *mark = ignored ? "!" : "";
	HD_AUTO_FREE char *path = hd_reply_entry_path(entry);
	HD_AUTO_FREE char *origin = hd_reply_entry_origin(entry);
	HD_AUTO_FREE char *shown = path ? hd_tree_path_shown(location, path) : NULL;
	HD_AUTO_FREE char *shown_origin = origin ? hd_tree_path_shown(location, origin) : NULL;

	if (!shown || (origin && !shown_origin))
		return -ENOMEM;
	if (short_form && nul_ends) {
		printf("%s%s %s%c", kind, mark, origin ? origin : path, '\0');
		if (origin)
			printf("%s%c", path, '\0');
		return 0;
	}
	if (short_form)
		printf("%s%s%s%s ", hd_output_color(stdout, color_of(kind)), kind, mark,
			hd_output_color(stdout, HD_COLOR_NONE));
	else
		printf("    %s%-10s", hd_output_color(stdout, color_of(kind)),
			kind[0] == 'A'   ? "added:"
			: kind[0] == 'D' ? "deleted:"
			: kind[0] == 'R' ? "moved:"
					 : "modified:");
	if (origin) {
		hd_output_path(stdout, shown_origin);
		fputs(" -> ", stdout);
	}
	hd_output_path(stdout, shown);
	printf("%s%s\n", short_form ? "" : hd_output_color(stdout, HD_COLOR_NONE),
		ignored && !short_form ? " (ignored)" : "");
	return 0;
}

static int print_entries(const struct hd_location *location, const json_t *reply)
{
	const json_t *entries = json_object_get(reply, "entries");
	int r = 0;

	for (size_t i = 0; i < json_array_size(entries) && r >= 0; i++)
		r = print_entry(location, json_array_get(entries, i));
	return r;
}

static void print_mount(const json_t *reply)
{
	const json_t *worker = json_object_get(reply, "worker");
	HD_AUTO_FREE char *mountpoint = hd_control_get_name(reply, "mountpoint");

	if (!json_is_true(json_object_get(reply, "mounted")) || !mountpoint) {
		HD_AUTO_FREE char *dead = hd_control_get_name(reply, "dead_mountpoint");

		fputs("Not mounted; 'heddle mount' mounts it\n", stdout);
		if (dead) {
			fputs("At ", stdout);
			hd_output_path(stdout, dead);
			fputs(" is what processes that died left: every access fails until that or 'heddle "
			      "doctor --repair'\n",
				stdout);
		}
		return;
	}
	fputs("Mounted at ", stdout);
	hd_output_path(stdout, mountpoint);
	if (json_is_true(json_object_get(worker, "alive")))
		printf(", worker %llu up for %llu s\n", hd_reply_number(worker, "pid"),
			hd_reply_number(worker, "uptime_s"));
	else
		printf(", %sno worker%s: it is being started again\n",
			hd_output_color(stdout, HD_COLOR_ERROR), hd_output_color(stdout, HD_COLOR_NONE));
	if (hd_reply_number(worker, "restarts") > 0)
		printf("The worker was replaced %llu %s; the last one: %s\n",
			HD_COUNT(hd_reply_number(worker, "restarts"), "time"),
			hd_reply_text(worker, "last_restart"));
}

static void print_volatile(const json_t *reply)
{
	const json_t *since = json_object_get(json_object_get(reply, "recovery"), "volatile_since");

	if (json_is_true(json_object_get(json_object_get(reply, "options"), "volatile")))
		fputs("Volatile: fsync does nothing; what is written reaches the disk by a capture or the "
		      "unmount\n",
			stdout);
	if (json_is_string(since) && !json_is_string(json_object_get(reply, "last_end")))
		printf("Lost: a volatile mount did not end well; what was written since %s is gone, but for "
		       "what a "
		       "capture took\n",
			json_string_value(since));
}

static void print_damage(const json_t *reply)
{
	const json_t *damage = json_object_get(reply, "damage");

	if (!json_is_object(damage))
		return;
	printf("%sDamaged:%s %s (lock '%s', last operation %s); writes are refused (EIO)\n",
		hd_output_color(stdout, HD_COLOR_ERROR), hd_output_color(stdout, HD_COLOR_NONE),
		hd_reply_text(damage, "flaw"), hd_reply_text(damage, "lock"),
		hd_reply_text(damage, "operation"));
	fputs(strcmp(hd_reply_text(damage, "shown"), "memory") == 0
			? "Everything that was written is shown, and reaches the disk with 'heddle unmount'\n"
			: "Shown is what was on disk; what was written after the last flush is lost\n",
		stdout);
}

static void print_health(const json_t *reply)
{
	const json_t *recovery = json_object_get(reply, "recovery");
	char used[HD_SIZE_TEXT_SIZE];
	char allowed[HD_SIZE_TEXT_SIZE];

	if (hd_reply_number(reply, "hot_bytes") > 0 || hd_reply_number(reply, "unstored_files") > 0)
		printf("In memory: %s of %s, %llu %s not yet in the store\n",
			hd_output_size(hd_reply_number(reply, "hot_bytes"), used),
			hd_output_size(hd_reply_number(reply, "hot_limit"), allowed),
			HD_COUNT(hd_reply_number(reply, "unstored_files"), "file"));
	if (hd_reply_number(recovery, "torn_bytes") > 0 ||
		json_is_true(json_object_get(recovery, "redo_applied")))
		printf("Recovered: %llu journal %s read again, %llu torn %s cut off%s\n",
			HD_COUNT(hd_reply_number(recovery, "journal_epochs"), "epoch"),
			HD_COUNT(hd_reply_number(recovery, "torn_bytes"), "byte"),
			json_is_true(json_object_get(recovery, "redo_applied")) ? ", one change completed"
										: "");
	if (json_is_string(json_object_get(reply, "last_end")))
		printf("The last mount ended badly: %s\n", hd_reply_text(reply, "last_end"));
	if (json_is_true(json_object_get(reply, "degraded")))
		printf("%sNot on disk:%s what was written last is in memory only: %s\n",
			hd_output_color(stdout, HD_COLOR_ERROR), hd_output_color(stdout, HD_COLOR_NONE),
			hd_reply_text(reply, "degraded_by"));
}

static void print_head(const struct hd_location *location, const json_t *reply)
{
	HD_AUTO_STATE struct hd_state state = {0};
	struct hd_state_id id;
	const char *head = hd_reply_text(reply, "head");
	char text[HD_STATE_ID_TEXT_SIZE];

	printf("Thread %s%s%s at state %s%s%s", hd_output_color(stdout, HD_COLOR_STRONG), location->thread,
		hd_output_color(stdout, HD_COLOR_NONE), hd_output_color(stdout, HD_COLOR_IDENTIFIER),
		hd_state_shorten(location->store->index, head, text), hd_output_color(stdout, HD_COLOR_NONE));
	if (hd_index_find_state(location->store->index, head, &id) >= 0 &&
		hd_index_get_state(location->store->index, &id, &state) >= 0 && state.message) {
		fputs(" \"", stdout);
		hd_output_text(stdout, state.message, strcspn(state.message, "\n"));
		fputc('"', stdout);
	}
	fputc('\n', stdout);
}

static void print_commits(const json_t *reply)
{
	unsigned long long count = hd_reply_number(reply, "commits");

	const char *busy = json_string_value(json_object_get(reply, "git_busy"));

	if (count > 0)
		printf("%llu %s made with git since; 'heddle capture' makes %s of the thread\n",
			HD_COUNT(count, "commit"), count == 1 ? "it a state" : "them states");
	if (busy)
		printf("git is in the middle of a%s %s: what it commits is taken over when that ends\n",
			strchr("aeiou", *busy) ? "n" : "", busy);
}

/* Looking takes nothing over. Where a base does not answer, its repository would not either. */
static int count_commits(const struct hd_location *location, json_t *reply)
{
	HD_CLEANUP(hd_worktree_commits_clear) struct hd_worktree_commits commits = {0};

	if (!json_object_get(reply, "error") &&
		hd_worktree_commits_find(location->store, location->thread, &commits) < 0)
		hd_error_clear();
	return json_object_set_new(reply, "commits", json_integer((json_int_t)commits.count)) < 0 ||
			       json_object_set_new(reply, "git_busy",
				       commits.head.busy ? json_string(commits.head.busy) : json_null()) < 0
		       ? -ENOMEM
		       : 0;
}

/* What programs see of a thread that nobody serves is no business of whoever opened it to answer. */
static int find_dead_mount(const struct hd_location *location, json_t *reply)
{
	struct hd_mount_place place = {0};
	int r = 0;

	if (json_is_true(json_object_get(reply, "mounted")))
		return 0;
	if (hd_mount_find_thread(location->store->path, location->thread, &place) < 0)
		hd_error_clear();
	else if (hd_mount_is_dead(&place))
		r = hd_json_set_path(reply, "dead_mountpoint", place.directory);
	hd_mount_place_clear(&place);
	return r;
}

static int print_text(const struct hd_location *location, const json_t *reply)
{
	const json_t *changes = json_object_get(reply, "changes");
	unsigned long long total = hd_reply_number(changes, "total");
	unsigned long long listed = json_array_size(json_object_get(reply, "entries"));
	int r;

	print_head(location, reply);
	print_commits(reply);
	print_mount(reply);
	print_volatile(reply);
	print_damage(reply);
	print_health(reply);
	if (!json_is_object(changes)) {
		fputs("\nWhat changed since that state cannot be found out now\n", stdout);
		return 0;
	}
	if (total == 0) {
		fputs("\nNothing has changed since that state\n", stdout);
		return 0;
	}
	fputs("\nChanges since that state:\n", stdout);
	r = print_entries(location, reply);
	if (r < 0)
		return r;
	if (total > listed)
		printf("    ... and %llu more; --limit N lists more\n", total - listed);
	printf("\n%llu added, %llu modified, %llu deleted", hd_reply_number(changes, "added"),
		hd_reply_number(changes, "modified"), hd_reply_number(changes, "deleted"));
	if (hd_reply_number(changes, "moved") > 0)
		printf(", %llu moved", hd_reply_number(changes, "moved"));
	fputs("; 'heddle capture -m TEXT' records them\n", stdout);
	return 0;
}

static int print_short(const struct hd_location *location, const json_t *reply)
{
	unsigned long long total = hd_reply_number(json_object_get(reply, "changes"), "total");
	unsigned long long listed = json_array_size(json_object_get(reply, "entries"));
	int r;

	r = print_entries(location, reply);
	if (r >= 0 && total > listed)
		hd_output_remark(
			"not listed: %llu of %llu changes; --limit N lists more", total - listed, total);
	return r;
}

static int run_status(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_AUTO_JSON json_t *reply = NULL;
	unsigned long wanted = limit ? limit : short_form || invocation->json ? SHORT_LIMIT : TEXT_LIMIT;
	bool changed;
	int r;

	if (nul_ends && !short_form)
		return hd_fail(HD_E_USAGE, "--null goes with --short");
	if (with_ignored && without_ignored)
		return hd_fail(HD_E_USAGE, "--ignored and --no-ignored exclude each other");
	r = hd_locate_thread(
		invocation, invocation->n_arguments ? invocation->arguments[0] : NULL, &location);
	if (r < 0)
		return r;
	r = hd_thread_ask(&location,
		json_pack("{s:s, s:I, s:b, s:b, s:b}", "op", "status", "limit", (json_int_t)wanted, "ignored",
			(int)with_ignored, "no_ignored", (int)without_ignored, "partial", 1),
		"comparing", &reply, NULL);
	if (r >= 0)
		r = count_commits(&location, reply);
	if (r >= 0)
		r = find_dead_mount(&location, reply);
	if (r < 0)
		return r;
	changed = hd_reply_number(json_object_get(reply, "changes"), "total") > 0;
	if (invocation->json)
		r = hd_output_json(json_incref(reply));
	else
		r = short_form ? print_short(&location, reply) : print_text(&location, reply);
	/* What is known is shown; what is not is an error all the same. */
	if (r >= 0)
		r = hd_control_error(reply);
	if (r < 0)
		return r;
	return exit_code && changed ? HD_EXIT_DIFFERENT : HD_EXIT_OK;
}

const struct hd_command hd_command_status = {
	.name = "status",
	.summary = "Show what changed and how the mount is",
	.usage = "[THREAD] [-s [-z]] [--[no-]ignored] [--limit N]",
	.description = "Shows the head of THREAD (default: the thread in use, or main), where it is mounted, "
		       "the health of its "
		       "worker, how much of it is in memory only, and what changed since the head. The "
		       "thread need not be "
		       "mounted.",
	.options = options,
	.max_arguments = 1,
	.run = run_status,
};
