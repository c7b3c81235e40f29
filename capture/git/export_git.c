/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export_git.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/export_copy.h"
#include "capture/git/export_history.h"
#include "capture/git/export_reference.h"
#include "capture/git/thread_repository.h"
#include "overlay/bases/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/platform/work.h"

/*
 * Order: objects, on the disk (hd_export_objects_finish), then the branch: one that names what a power cut took away would be
 * worse than no export.
 *
 * The branch is not ours alone: somebody may commit on it, or have it checked out. It is moved by
 * compare-and-set, and only from a commit that an export of this very history put there; a checked-out branch
 * is not moved under the checkout, as `git fetch` does not either.
 */

struct export_run {
	const struct hd_export_git_options *options;
	struct hd_store *store;
	struct hd_base_set *bases;
	struct hd_state_id head;
	git_repository *repository; /* owned */
	char *location;             /* owned */
	char *reference;            /* owned */
};

static void run_clear(struct export_run *run)
{
	git_repository_free(run->repository);
	free(run->location);
	free(run->reference);
}

static int stop_at_entry(const char *name, unsigned char type, void *payload)
{
	(void)name;
	(void)type;
	(void)payload;
	return 1;
}

static bool is_missing_or_empty(const char *path)
{
	int r = hd_directory_list(AT_FDCWD, path, stop_at_entry, NULL);

	return r == -ENOENT || r == 0;
}

static int make_repository(struct export_run *run, const char *path)
{
	git_repository_init_options options;

	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	options.initial_head = run->reference;
	if (git_repository_init_ext(&run->repository, path, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", path);
	return 0;
}

static int open_repository(struct export_run *run)
{
	const struct hd_export_git_options *options = run->options;
	HD_AUTO_FREE char *found = NULL;
	const char *path = options->repository;
	int g;
	int r = 0;

	if (!path) {
		r = hd_thread_repository_find(run->store->index, options->thread, &run->head, &found);
		if (r < 0)
			return r;
		path = found;
	}
	if (options->repository && is_missing_or_empty(path)) {
		r = make_repository(run, path);
	} else {
		g = git_repository_open_ext(&run->repository, path, GIT_REPOSITORY_OPEN_NO_SEARCH, NULL);
		if (g < 0)
			r = hd_git_library_fail(
				g == GIT_ENOTFOUND ? HD_E_REPOSITORY_MISSING : HD_E_REPOSITORY, "%s", path);
	}
	if (r < 0)
		return r;
	run->location = realpath(git_repository_commondir(run->repository), NULL);
	return run->location ? 0 : hd_fail_errno("%s", path);
}

static int choose_reference(struct export_run *run)
{
	const struct hd_export_git_options *options = run->options;
	int valid = 0;
	int n;

	if (options->tag)
		n = asprintf(&run->reference, "refs/tags/%s", options->tag);
	else if (options->branch)
		n = asprintf(&run->reference, "refs/heads/%s", options->branch);
	else
		n = asprintf(&run->reference, "refs/heads/heddle/%s", options->thread);
	if (n < 0) {
		run->reference = NULL;
		return -ENOMEM;
	}
	if (git_reference_name_is_valid(&valid, run->reference) < 0 || !valid)
		return hd_fail(HD_E_EXPORT_NAME, "'%s' cannot be a reference: name another", run->reference);
	return 0;
}

/* What a tag points to: the annotated tag that it was when COMMIT was imported, or COMMIT. */
static int find_tag(
	struct export_run *run, struct hd_export_objects *objects, const git_oid *commit, git_oid *ret_target)
{
	struct hd_state state = {0};
	int r = hd_index_get_state(run->store->index, &run->head, &state);

	*ret_target = *commit;
	if (r >= 0 && state.is_base && state.git_commit && state.tree.kind == HD_CONTENT_GIT)
		r = hd_export_copy_tag(objects, state.tree.base, run->options->tag, commit, ret_target);
	hd_state_clear(&state);
	return r;
}

static int write_all(
	struct export_run *run, struct hd_export_objects *objects, struct hd_export_git_result *result)
{
	struct hd_export_tree tree = {.objects = objects,
		.bases = run->bases,
		.store = run->store,
		.with_ignored = run->options->with_ignored};
	struct hd_export_history history;
	git_oid commit, target;
	int r;

	hd_export_history_begin(&history, run->store, objects, &tree);
	r = hd_export_history_write(&history, &run->head, &commit);
	if (r >= 0 && run->options->tag)
		r = find_tag(run, objects, &commit, &target);
	else
		target = commit;
	if (r >= 0)
		r = hd_export_objects_finish(objects);
	/* Of an export that is part of something larger the whole can still be stopped. */
	if (r >= 0)
		r = run->options->is_forgotten || run->options->is_part ? hd_work_advance(0)
									: hd_work_finish();
	if (r >= 0 && !run->options->is_forgotten)
		r = hd_export_history_record(&history);
	if (r >= 0)
		r = hd_export_reference_move(&history,
			&(struct hd_export_reference){.thread = run->options->thread,
				.name = run->reference,
				.head = run->head,
				.target = target,
				.force = run->options->force},
			&result->unchanged);
	result->commits = history.written.size / sizeof(struct hd_state_id);
	hd_export_history_clear(&history);
	if (r < 0)
		return r;
	result->skipped = tree.skipped;
	result->ignored = tree.ignored;
	result->commit = strdup(git_oid_tostr_s(&target));
	return result->commit ? 0 : -ENOMEM;
}

static int export_thread(struct export_run *run, struct hd_export_git_result *result)
{
	struct hd_export_objects objects;
	struct hd_thread thread = {0};
	int r;

	if (run->options->head) {
		run->head = *run->options->head;
	} else {
		r = hd_index_get_thread(run->store->index, run->options->thread, &thread);
		if (r < 0)
			return r;
		run->head = thread.head;
		hd_thread_clear(&thread);
	}
	r = choose_reference(run);
	if (r >= 0)
		r = open_repository(run);
	if (r >= 0)
		r = hd_export_objects_open(&objects, run->store, run->repository, run->location);
	if (r < 0)
		return r;
	r = write_all(run, &objects, result);
	hd_export_objects_close(&objects);
	return r;
}

int hd_export_git(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, struct hd_export_git_result *ret_result)
{
	struct export_run run = {.options = options, .store = store, .bases = bases};
	struct hd_export_git_result result = {0};
	int r;

	r = hd_git_library_start();
	if (r >= 0)
		r = export_thread(&run, &result);
	result.repository = HD_STEAL(run.location);
	result.reference = HD_STEAL(run.reference);
	run_clear(&run);
	if (r < 0) {
		hd_export_git_result_clear(&result);
		return hd_fail_in(r, "export '%s'", options->thread);
	}
	*ret_result = result;
	return 0;
}

void hd_export_git_result_clear(struct hd_export_git_result *result)
{
	free(result->repository);
	free(result->reference);
	free(result->commit);
	*result = (struct hd_export_git_result){0};
}
