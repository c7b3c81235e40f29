/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export_patch.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/thread_repository.h"
#include "overlay/bases/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/atomic_file_fallback.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/platform/transfer.h"
#include "overlay/platform/work.h"

/*
 * A repository of our own borrows the objects of the base's, so that what is written is what the states changed.
 */

#define BRANCH "series"

struct series {
	struct hd_store *store;
	const struct hd_export_git_options *options;
	struct hd_state_id head;
	char *place;                /* owned: the repository that is made for it */
	git_repository *repository; /* owned */
	git_oid *commits;           /* owned array, newest first */
	size_t count, capacity;
	int fd;
};

static void series_clear(struct series *series)
{
	git_repository_free(series->repository);
	if (series->place)
		(void)hd_directory_remove_tree(AT_FDCWD, series->place);
	free(series->place);
	free(series->commits);
}

static int find_head(struct series *series)
{
	struct hd_thread thread = {0};
	int r;

	if (series->options->head) {
		series->head = *series->options->head;
		return 0;
	}
	r = hd_index_get_thread(series->store->index, series->options->thread, &thread);
	series->head = thread.head;
	hd_thread_clear(&thread);
	return r;
}

/* The objects of the base's repository; a directory has none. */
static int borrow_objects(struct series *series)
{
	HD_AUTO_FREE char *location = NULL;
	HD_AUTO_FREE char *line = NULL;
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_thread_repository_find(
		series->store->index, series->options->thread, &series->head, &location);

	if (r == -HD_E_REPOSITORY_MISSING) {
		hd_error_clear();
		return 0;
	}
	if (r < 0)
		return r;
	if (asprintf(&line, "%s/objects\n", location) < 0)
		line = NULL;
	if (asprintf(&path, "%s/objects/info/alternates", series->place) < 0)
		path = NULL;
	if (!line || !path)
		return -ENOMEM;
	fd = hd_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	r = fd < 0 ? fd : hd_file_write_at(fd, line, strlen(line), 0);
	return r < 0 ? hd_fail_in(r, "%s", path) : 0;
}

static int make_repository(struct series *series)
{
	git_repository_init_options options;
	git_repository *made = NULL;

	if (asprintf(&series->place, "%s/run/" HD_ATOMIC_FILE_PREFIX "patch-%d", series->store->path,
		    (int)getpid()) < 0) {
		series->place = NULL;
		return -ENOMEM;
	}
	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	if (git_repository_init_ext(&made, series->place, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", series->place);
	git_repository_free(made);
	return borrow_objects(series);
}

static int write_commits(
	struct series *series, struct hd_base_set *bases, struct hd_export_patch_result *result)
{
	struct hd_export_git_options options = *series->options;
	struct hd_export_git_result exported = {0};
	int r;

	options.head = &series->head;
	options.repository = series->place;
	options.branch = BRANCH;
	options.tag = NULL;
	options.is_forgotten = true;
	r = hd_export_git(series->store, bases, &options, &exported);
	result->skipped = exported.skipped;
	result->ignored = exported.ignored;
	hd_export_git_result_clear(&exported);
	return r;
}

/* ---- which commits ---- */

static int hide_base(struct series *series, git_revwalk *walk)
{
	struct hd_state first = {0};
	git_oid id;
	int r = hd_index_find_first(series->store->index, &series->head, &first);

	if (r >= 0 && first.git_commit && git_oid_fromstr(&id, first.git_commit) == 0 &&
		git_revwalk_hide(walk, &id) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "find the base's commit");
	hd_state_clear(&first);
	return r;
}

static int collect(struct series *series)
{
	git_revwalk *walk = NULL;
	int g, r = 0;

	if (git_repository_open_bare(&series->repository, series->place) < 0 ||
		git_revwalk_new(&walk, series->repository) < 0 ||
		git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL) < 0 ||
		git_revwalk_push_ref(walk, "refs/heads/" BRANCH) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read %s", series->place);
	if (r >= 0)
		r = hide_base(series, walk);
	while (r >= 0) {
		if (HD_ARRAY_RESERVE(series->commits, series->count, series->capacity) < 0) {
			r = -ENOMEM;
			break;
		}
		g = git_revwalk_next(&series->commits[series->count], walk);
		if (g == GIT_ITEROVER)
			break;
		if (g < 0)
			r = hd_git_library_fail(HD_E_REPOSITORY, "walk the commits");
		series->count++;
	}
	git_revwalk_free(walk);
	return r;
}

/* Merges go away, and the oldest comes first. */
static int arrange(struct series *series, struct hd_export_patch_result *result)
{
	size_t kept = 0;

	for (size_t i = 0; i < series->count; i++) {
		git_commit *commit = NULL;
		bool is_merge;

		if (git_commit_lookup(&commit, series->repository, &series->commits[i]) < 0)
			return hd_git_library_fail(HD_E_REPOSITORY, "read a commit");
		is_merge = git_commit_parentcount(commit) > 1;
		git_commit_free(commit);
		result->merges += is_merge;
		if (!is_merge)
			series->commits[kept++] = series->commits[i];
	}
	series->count = kept;
	for (size_t i = 0; i < kept / 2; i++) {
		git_oid later = series->commits[i];

		series->commits[i] = series->commits[kept - 1 - i];
		series->commits[kept - 1 - i] = later;
	}
	return 0;
}

/* ---- mails ---- */

static int make_diff(git_repository *repository, git_commit *commit, git_diff **ret_diff)
{
	git_diff_options options;
	git_commit *parent = NULL;
	git_tree *before = NULL, *after = NULL;
	int g = git_diff_options_init(&options, GIT_DIFF_OPTIONS_VERSION);

	if (g == 0)
		g = git_commit_tree(&after, commit);

	/* What `git am` needs: bytes of binary files, and ids to tell by what a patch was made on. */
	options.flags = GIT_DIFF_SHOW_BINARY;
	options.id_abbrev = GIT_OID_HEXSZ;
	if (g == 0 && git_commit_parentcount(commit) > 0) {
		g = git_commit_parent(&parent, commit, 0);
		if (g == 0)
			g = git_commit_tree(&before, parent);
	}
	if (g == 0)
		g = git_diff_tree_to_tree(ret_diff, repository, before, after, &options);
	if (g == 0)
		g = git_diff_find_similar(*ret_diff, NULL);
	git_tree_free(before);
	git_tree_free(after);
	git_commit_free(parent);
	return g;
}

static int write_mail(struct series *series, size_t number)
{
	git_email_create_options options = {.version = GIT_EMAIL_CREATE_OPTIONS_VERSION};
	git_commit *commit = NULL;
	git_diff *diff = NULL;
	git_buf mail = GIT_BUF_INIT;
	int g = git_commit_lookup(&commit, series->repository, &series->commits[number]);
	int r = 0;

	if (g == 0)
		g = make_diff(series->repository, commit, &diff);
	if (g == 0)
		g = git_email_create_from_diff(&mail, diff, number + 1, series->count, git_commit_id(commit),
			git_commit_summary(commit), git_commit_body(commit), git_commit_author(commit),
			&options);
	if (g < 0)
		r = hd_git_library_fail(
			HD_E_REPOSITORY, "write commit %s", git_oid_tostr_s(&series->commits[number]));
	else
		r = hd_transfer_append(series->fd, mail.ptr, mail.size);
	git_buf_dispose(&mail);
	git_diff_free(diff);
	git_commit_free(commit);
	return r < 0 ? r : hd_work_advance(1);
}

int hd_export_patch(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, int fd, struct hd_export_patch_result *ret_result)
{
	HD_CLEANUP(series_clear) struct series series = {.store = store, .options = options, .fd = fd};
	struct hd_export_patch_result result = {0};
	int r = hd_git_library_start();

	if (r >= 0)
		r = find_head(&series);
	if (r >= 0)
		r = make_repository(&series);
	if (r >= 0)
		r = write_commits(&series, bases, &result);
	if (r >= 0)
		r = collect(&series);
	if (r >= 0)
		r = arrange(&series, &result);
	if (r >= 0)
		hd_work_step(HD_WORK_WRITING_FILES, series.count);
	for (size_t i = 0; i < series.count && r >= 0; i++)
		r = write_mail(&series, i);
	if (r < 0)
		return r;
	result.patches = series.count;
	*ret_result = result;
	return 0;
}
