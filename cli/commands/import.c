/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/archive/directory_reader.h"
#include "capture/history/state_spec.h"
#include "capture/identity.h"
#include "cli/arguments/archive_commands.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/subcommand.h"
#include "cli/commands/import_subject.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "cli/threads/thread_hold.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define MAX_SIZE_DEFAULT 65536 /* MiB */
#define MAX_ENTRIES_DEFAULT 4000000
#define NOT_GIVEN ULONG_MAX

static const char *thread;
static const char *onto;
static const char *message;
static const char *author;
static unsigned long max_size = NOT_GIVEN;
static unsigned long max_entries = NOT_GIVEN;

struct hd_import_git_arguments hd_import_git_arguments;

static const struct hd_option options[] = {
	{.long_name = "thread",
		.argument = "NAME",
		.help = "the thread that gets the state; made if there is none (default: the thread in use; "
			"git: "
			"always a new one, or none)",
		.text = &thread},
	{.long_name = "onto",
		.argument = "STATE",
		.help = "of a new thread: the state that the imported one comes after (default: @)",
		.text = &onto},
	{.long_name = "message",
		.short_name = 'm',
		.argument = "TEXT",
		.help = "describe the state (default: where it comes from)",
		.text = &message},
	{.long_name = "author",
		.argument = "'NAME <MAIL>'",
		.help = "whose work it is (default: as of capture)",
		.text = &author},
	{.long_name = "max-size",
		.argument = "MIB",
		.help = "tar: refuse an archive with more, uncompressed (default: 65536; 0: no limit)",
		.number = &max_size},
	{.long_name = "max-entries",
		.argument = "N",
		.help = "tar: refuse an archive with more entries (default: 4000000; 0: no limit)",
		.number = &max_entries},
	{.long_name = "repo",
		.argument = "DIR",
		.help = "git: the repository to import from (default: the base's)",
		.text = &hd_import_git_arguments.repository},
	{.long_name = "all",
		.help = "git: all branches and tags (default, if no REV is named)",
		.flag = &hd_import_git_arguments.all},
	{.long_name = "threads",
		.help = "git: also make a thread for each branch that has none of its name",
		.flag = &hd_import_git_arguments.threads},
	{.long_name = "force",
		.short_name = 'f',
		.help = "git: move tags that are elsewhere",
		.flag = &hd_import_git_arguments.force},
	{0},
};

/* What one import needs until its end. */
struct import {
	struct hd_location location;     /* owned */
	struct hd_import_options wanted; /* borrows from the others */
	struct hd_state_id parent;
	char *author, *message; /* owned */
	int source_fd;          /* owned, or -1 */
	struct hd_thread_hold hold;
};

static void import_clear(struct import *import)
{
	hd_thread_hold_clear(&import->hold);
	hd_location_clear(&import->location);
	free(import->author);
	free(import->message);
	hd_cleanup_close(&import->source_fd);
}

/* The parent, and whether there is such a thread; one that is there is held, so that its head stays. */
static int choose_thread(const struct hd_invocation *invocation, struct import *import)
{
	struct hd_thread record = {0};
	int r;

	/* What @ means is the thread in use, not the one that is made. */
	r = hd_locate(invocation, NULL, &import->location);
	if (r < 0)
		return r;
	import->wanted.thread = thread ? thread : import->location.thread;
	r = hd_index_get_thread(import->location.store->index, import->wanted.thread, &record);
	import->wanted.makes_thread = r == -HD_E_THREAD_MISSING && thread;
	if (import->wanted.makes_thread) {
		hd_error_clear();
		r = hd_thread_name_check(thread);
		return r < 0 ? r
			     : hd_state_spec_resolve(import->location.store->index, onto ? onto : "@",
				       import->location.thread, &import->parent);
	}
	if (r < 0)
		return r;
	hd_thread_clear(&record);
	if (onto)
		return hd_fail(
			HD_E_USAGE, "--onto is for a new thread, and '%s' exists", import->wanted.thread);
	r = hd_thread_hold_take(&import->location, import->wanted.thread, &import->hold);
	if (r >= 0)
		r = hd_index_get_thread(import->location.store->index, import->wanted.thread, &record);
	import->parent = record.head;
	hd_thread_clear(&record);
	return r < 0 ? r : 0;
}

static int open_source(const char *path, int flags, struct import *import)
{
	import->source_fd = hd_file_open(AT_FDCWD, path, flags, 0);
	return import->source_fd < 0 ? hd_fail_in(import->source_fd, "'%s'", path) : 0;
}

static int collect(const struct hd_invocation *invocation, const char *subject, struct import *import)
{
	const char *path = invocation->arguments[0];
	int r = choose_thread(invocation, import);

	if (r >= 0)
		r = hd_identity_resolve(author, import->location.store->path, &import->author);
	if (r < 0)
		return r;
	if (message)
		import->message = strdup(message);
	else if (asprintf(&import->message, "import %s: %s", subject, path) < 0)
		import->message = NULL;
	if (!import->message)
		return -ENOMEM;
	import->wanted.parent = &import->parent;
	import->wanted.author = import->author;
	import->wanted.message = import->message;
	return 0;
}

static int report_json(const struct import *import, const struct hd_import_result *result)
{
	char id[HD_STATE_ID_TEXT_SIZE];

	hd_state_id_format(&result->state.id, id);
	return hd_output_json(json_pack("{s:s, s:o, s:b, s:I, s:I, s:I, s:{s:I, s:I, s:I}}", "state", id,
		"thread", hd_control_text(import->wanted.thread), "new_thread",
		(int)import->wanted.makes_thread, "entries", (json_int_t)result->read.entries, "bytes",
		(json_int_t)result->read.bytes, "skipped_attributes", (json_int_t)result->read.attributes,
		"changes", "added", (json_int_t)result->state.added, "modified",
		(json_int_t)result->state.modified, "deleted", (json_int_t)result->state.deleted));
}

static int report(const struct import *import, const struct hd_import_result *result)
{
	struct hd_index *index = import->location.store->index;
	char id[HD_STATE_ID_TEXT_SIZE];

	printf("[%s %s%s%s] ", import->wanted.thread, hd_output_color(stdout, HD_COLOR_IDENTIFIER),
		hd_state_short(index, &result->state.id, id), hd_output_color(stdout, HD_COLOR_NONE));
	hd_output_text(stdout, import->message, strcspn(import->message, "\n"));
	fputs("\n ", stdout);
	hd_state_print_counts(result->state.added, result->state.modified, result->state.deleted,
		result->state.n_moves, stdout);
	if (!hd_state_id_is_zero(&result->operation.kept))
		printf("What was not captured is kept in %s\n",
			hd_state_short(index, &result->operation.kept, id));
	if (result->read.attributes > 0)
		hd_output_remark("%llu extended %s left out: no mount has attributes of that kind",
			HD_COUNT(result->read.attributes, "attribute"));
	return HD_EXIT_OK;
}

static int refuse(const char *option, const char *subject)
{
	return hd_fail(HD_E_USAGE, "--%s does not go with 'import %s'", option, subject);
}

static int refuse_git_options(const char *subject)
{
	if (hd_import_git_arguments.repository)
		return refuse("repo", subject);
	if (hd_import_git_arguments.all)
		return refuse("all", subject);
	if (hd_import_git_arguments.threads)
		return refuse("threads", subject);
	return hd_import_git_arguments.force ? refuse("force", subject) : 0;
}

static int run_git(const struct hd_invocation *invocation)
{
	if (onto)
		return refuse("onto", "git");
	if (message)
		return refuse("message", "git");
	if (author)
		return refuse("author", "git");
	if (max_size != NOT_GIVEN)
		return refuse("max-size", "git");
	if (max_entries != NOT_GIVEN)
		return refuse("max-entries", "git");
	hd_import_git_arguments.thread = thread;
	return hd_import_git_command(invocation);
}

/* With READ and SOURCE set. */
static int run_any(const struct hd_invocation *invocation, const char *subject, struct import *import)
{
	HD_CLEANUP(hd_import_result_clear) struct hd_import_result result = {0};
	int r = refuse_git_options(subject);

	if (r >= 0)
		r = collect(invocation, subject, import);
	if (r < 0)
		return r;
	hd_progress_begin("importing", HD_PROGRESS_STOPS);
	r = hd_import_state(import->location.store, &import->wanted, &result);
	hd_progress_end();
	if (r < 0)
		return r == -HD_E_INTERRUPTED ? r : hd_fail_in(r, "'%s'", invocation->arguments[0]);
	return invocation->json ? report_json(import, &result) : report(import, &result);
}

static int run_tar(const struct hd_invocation *invocation)
{
	HD_CLEANUP(import_clear) struct import import = {.source_fd = -1, .hold = HD_THREAD_HOLD_NONE};
	unsigned long size = max_size == NOT_GIVEN ? MAX_SIZE_DEFAULT : max_size;
	const char *path = invocation->arguments[0];
	int r = strcmp(path, "-") == 0 ? 0 : open_source(path, O_RDONLY, &import);

	if (r < 0)
		return r;
	hd_archive_commands->import_tar(
		import.source_fd >= 0 ? import.source_fd : 0, (uint64_t)size << 20, &import.wanted);
	import.wanted.max_entries = max_entries == NOT_GIVEN ? MAX_ENTRIES_DEFAULT : max_entries;
	return run_any(invocation, "tar", &import);
}

static int run_dir(const struct hd_invocation *invocation)
{
	HD_CLEANUP(import_clear) struct import import = {.source_fd = -1, .hold = HD_THREAD_HOLD_NONE};
	struct hd_directory_import directory;
	int r;

	if (max_size != NOT_GIVEN || max_entries != NOT_GIVEN)
		return hd_fail(HD_E_USAGE, "--max-size and --max-entries do not go with 'import dir'");
	r = open_source(invocation->arguments[0], O_RDONLY | O_DIRECTORY, &import);
	if (r < 0)
		return r;
	directory.root_fd = import.source_fd;
	import.wanted.read = hd_directory_import;
	import.wanted.source = &directory;
	return run_any(invocation, "dir", &import);
}

static const struct hd_subcommand subjects[] = {
	{.name = "dir", .min_arguments = 1, .max_arguments = 1, .run = run_dir},
	{.name = "git", .max_arguments = (size_t)-1, .run = run_git},
	{.name = "tar", .min_arguments = 1, .max_arguments = 1, .run = run_tar},
	{0},
};

static const char *find_program(const struct hd_invocation *invocation)
{
	static const char *const archives[] = {"tar", NULL};

	return hd_archive_program_of(invocation, archives);
}

static int run_import(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(subjects, invocation);
}

const struct hd_command hd_command_import = {
	.name = "import",
	.summary = "Make states of commits, a directory or an archive",
	.usage = "dir DIR [--thread NAME [--onto STATE]] [-m TEXT]\n"
		 "git [REV | FROM..TO ...] [--repo DIR] [--thread NAME]\n"
		 "tar FILE [--thread NAME [--onto STATE]] [-m TEXT]",
	.description =
		"git: makes a state of each commit that the revisions lead to, or all branches and tags. No "
		"file is copied: the states show what is in the repository, which has to stay; references "
		"under refs/heddle/ keep it from git's garbage collection. A branch becomes the tag "
		"git/BRANCH, which the next import moves; a tag becomes a tag of its name. 'heddle thread "
		"fork NAME git/BRANCH' begins a thread there, and so does --thread. A commit is one state, "
		"however often it is imported, and 'heddle export git' gives that very commit back.\n\n"
		"dir, tar: reads the directory DIR, or the archive FILE (- is standard input; gzip, zstd, xz "
		"and bzip2 "
		"are recognised), makes its tree a state, and gives it to a thread, which must not be "
		"mounted. A thread that does not exist is made. What is not captured of one that does is "
		"kept in a state, and 'heddle undo' brings it back.\n\n"
		"Owners (the numbers), permissions, times, ACLs, extended attributes, hard links, devices "
		"and holes are taken over. A state that 'heddle export dir' or 'heddle export tar' wrote "
		"becomes the same tree.\n\n"
		"dir: a store in DIR, and the store that is used, are left out. A file that is changed while "
		"it is read fails the import.\n\n"
		"tar: archives are not trusted: absolute paths, '..', paths through links and links to what "
		"did not come before are refused, and nothing is written but the store.\n\n"
		"An import that fails, is stopped or killed leaves no state.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = (size_t)-1,
	.other_program = find_program,
	.run = run_import,
};
