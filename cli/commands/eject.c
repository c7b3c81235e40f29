/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>

#include "capture/git/eject/eject.h"
#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/steps/take_commits.h"
#include "cli/steps/thread_overlay.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/new_directory.h"
#include "overlay/platform/threads/work.h"

static const char *branch;
static bool without_ignored, without_notes;

static const struct hd_option options[] = {
	{.long_name = "branch",
		.short_name = 'b',
		.argument = "NAME",
		.help = "the branch that has the thread's states (default: the thread's name)",
		.text = &branch},
	{.long_name = "no-ignored",
		.help = "leave files behind that .gitignore, .heddleignore and info/exclude say are ignored",
		.flag = &without_ignored},
	{.long_name = "no-notes",
		.help = "write no notes of what states say of themselves",
		.flag = &without_notes},
	{0},
};

static int report_json(const struct hd_eject_result *result, const char *path)
{
	const struct hd_export_git_result *commits = &result->commits;
	json_t *object = json_pack("{s:o, s:s, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "reference",
		hd_control_text(commits->reference), "commit", commits->commit, "commits",
		(json_int_t)commits->commits, "skipped", (json_int_t)commits->skipped, "ignored",
		(json_int_t)commits->ignored, "entries", (json_int_t)result->files.entries, "other_owners",
		(json_int_t)result->files.owners, "devices", (json_int_t)result->files.devices,
		"skipped_attributes", (json_int_t)result->files.attributes, "submodules",
		(json_int_t)result->submodules);

	if (object && hd_json_set_path(object, "directory", path) < 0) {
		json_decref(object);
		object = NULL;
	}
	return hd_output_json(object);
}

static int report(const struct hd_eject_result *result, const char *path)
{
	const struct hd_export_git_result *commits = &result->commits;

	printf("%s is at %.*s, %llu %s of heddle's, in ", commits->reference, HD_STATE_SHORT, commits->commit,
		HD_COUNT(commits->commits, "commit"));
	hd_output_path(stdout, path);
	fputc('\n', stdout);
	if (commits->skipped > 0)
		hd_output_remark("%llu %s not in commits, which git cannot keep (empty directories, "
				 "devices, sockets)",
			HD_COUNT(commits->skipped, "name"));
	if (result->files.owners > 0)
		hd_output_remark("%llu %s of another owner than in the mount: only root gives files away",
			HD_COUNT(result->files.owners, "name"));
	if (result->files.devices > 0)
		hd_output_remark("%llu %s left out: only root makes devices",
			HD_COUNT(result->files.devices, "device"));
	if (result->files.attributes > 0)
		hd_output_remark("%llu extended %s left out: not allowed, or not on that filesystem",
			HD_COUNT(result->files.attributes, "attribute"));
	if (result->submodules > 0)
		hd_output_remark(
			"%llu %s there with files, but no repository: where these are moved away, 'git "
			"submodule update --init' fetches it",
			HD_COUNT(result->submodules, "submodule"));
	return HD_EXIT_OK;
}

static int fill(struct hd_eject *eject, struct hd_new_directory *directory, struct hd_eject_result *result)
{
	int r;

	eject->root_fd = directory->fd;
	r = hd_eject(eject, result);
	if (r < 0)
		return r;
	hd_work_step(HD_WORK_WRITING_TO_DISK, 0);
	r = hd_work_finish();
	return r < 0 ? r : hd_new_directory_commit(directory, true);
}

static int eject_to(const char *path, struct hd_eject *eject, struct hd_eject_result *result)
{
	struct hd_new_directory directory = HD_NEW_DIRECTORY_NONE;
	int r;

	hd_progress_begin("ejecting", HD_PROGRESS_STOPS);
	r = hd_new_directory_begin(path, &directory);
	if (r >= 0)
		r = fill(eject, &directory, result);
	hd_new_directory_clear(&directory);
	hd_progress_end();
	return r < 0 && r != -HD_E_INTERRUPTED ? hd_fail_in(r, "'%s'", path) : r;
}

static int run_eject(const struct hd_invocation *invocation)
{
	const char *path = invocation->arguments[0];
	const char *thread = invocation->n_arguments > 1 ? invocation->arguments[1] : NULL;
	HD_AUTO_LOCATION struct hd_location location = {0};
	HD_CLEANUP(hd_eject_result_clear) struct hd_eject_result result = {0};
	struct hd_eject eject = {.without_ignored = without_ignored, .without_notes = without_notes};
	struct hd_state_id head, tree;
	int r = hd_locate_thread(invocation, thread, &location);

	if (r >= 0)
		r = hd_take_commits(&location);
	if (r >= 0)
		r = hd_thread_overlay_read(
			&location, "what was not captured when this was ejected", &head, &tree);
	if (r >= 0)
		r = hd_base_set_new(location.store, 0, &eject.bases);
	if (r < 0)
		return r;
	eject.store = location.store;
	eject.thread = location.thread;
	eject.head = &head;
	eject.tree = &tree;
	eject.branch = branch ? branch : location.thread;
	r = eject_to(path, &eject, &result);
	hd_base_set_free(eject.bases);
	if (r < 0)
		return r;
	return invocation->json ? report_json(&result, path) : report(&result, path);
}

const struct hd_command hd_command_eject = {
	.name = "eject",
	.summary = "Make a plain git checkout of a thread",
	.usage = "DIR [THREAD] [-b NAME] [--no-ignored]",
	.description =
		"Makes DIR, which must not be there, or be empty, a git checkout of its own with all that "
		"THREAD has: its states as commits on a branch, and the files as they are now. What is not "
		"captured is not committed. Neither heddle nor the original repository is needed for it "
		"afterwards; the thread stays as it is.\n\n"
		"Over a git commit, the objects, branches, tags, remotes, configuration, hooks and excludes "
		"of "
		"its repository come along; a branch of the name that is chosen must have no commits that "
		"the thread has not. Over a directory, the repository begins with that directory's files.\n\n"
		"DIR is there when it is whole. Commits are those of 'heddle export git'.",
	.options = options,
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run_eject,
};
