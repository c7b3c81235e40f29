/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/export_patch.h"

#include <git2.h>

#include "capture/git/series/export_series.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/threads/work.h"

/* The commits are a series (export_series.h), of which merges go away. */

static int leave_merges_out(struct hd_export_series *series, uint64_t *ret_merges)
{
	size_t kept = 0;

	for (size_t i = 0; i < series->count; i++) {
		git_commit *commit = NULL;
		bool is_merge;

		if (git_commit_lookup(&commit, series->target.repository, &series->commits[i]) < 0)
			return hd_git_library_fail(HD_E_REPOSITORY, "read a commit");
		is_merge = git_commit_parentcount(commit) > 1;
		git_commit_free(commit);
		if (!is_merge)
			series->commits[kept++] = series->commits[i];
	}
	*ret_merges = series->count - kept;
	series->count = kept;
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

static int write_mail(const struct hd_export_series *series, size_t number, int fd)
{
	git_email_create_options options = {.version = GIT_EMAIL_CREATE_OPTIONS_VERSION};
	git_repository *repository = series->target.repository;
	git_commit *commit = NULL;
	git_diff *diff = NULL;
	git_buf mail = GIT_BUF_INIT;
	int g = git_commit_lookup(&commit, repository, &series->commits[number]);
	int r = 0;

	if (g == 0)
		g = make_diff(repository, commit, &diff);
	if (g == 0)
		g = git_email_create_from_diff(&mail, diff, number + 1, series->count, git_commit_id(commit),
			git_commit_summary(commit), git_commit_body(commit), git_commit_author(commit),
			&options);
	if (g < 0)
		r = hd_git_library_fail(
			HD_E_REPOSITORY, "write commit %s", git_oid_tostr_s(&series->commits[number]));
	else
		r = hd_transfer_append(fd, mail.ptr, mail.size);
	git_buf_dispose(&mail);
	git_diff_free(diff);
	git_commit_free(commit);
	return r < 0 ? r : hd_work_advance(1);
}

int hd_export_patch(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since, int fd,
	struct hd_export_patch_result *ret_result)
{
	HD_CLEANUP(hd_export_series_clear) struct hd_export_series series = {0};
	struct hd_export_patch_result result = {0};
	int r = hd_export_series_make(&series, store, bases, options, since);

	if (r >= 0)
		r = leave_merges_out(&series, &result.merges);
	if (r >= 0)
		hd_work_step(HD_WORK_WRITING_FILES, series.count);
	for (size_t i = 0; i < series.count && r >= 0; i++)
		r = write_mail(&series, i, fd);
	if (r < 0)
		return r;
	result.patches = series.count;
	result.skipped = series.target.tree.skipped;
	result.ignored = series.target.tree.ignored;
	*ret_result = result;
	return 0;
}
