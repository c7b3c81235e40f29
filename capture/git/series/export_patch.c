/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/export_patch.h"

#include <git2.h>

#include "capture/git/commit_object.h"
#include "capture/git/series/export_series.h"
#include "capture/git/series/mail_text.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/threads/work.h"

/*
 * The commits are a series (export_series.h), of which merges go away, and commits that change nothing, at which `git am` would stop.
 * The mails are our own (mail_text.h): libgit2's have names that nobody quoted, and times of zones that are not whole hours wrong.
 */

#define STAT_COLUMNS 72

static int find_parent_tree(git_commit *commit, git_oid *ret_tree)
{
	git_commit *parent = NULL;

	if (git_commit_parentcount(commit) == 0) {
		/* The tree of nothing. */
		return git_odb_hash(ret_tree, "", 0, GIT_OBJECT_TREE);
	}
	if (git_commit_parent(&parent, commit, 0) < 0)
		return -1;
	*ret_tree = *git_commit_tree_id(parent);
	git_commit_free(parent);
	return 0;
}

/* Counts in RESULT what stays out of the series. */
static int leave_out(struct hd_export_series *series, struct hd_export_patch_result *result)
{
	size_t kept = 0;

	for (size_t i = 0; i < series->count; i++) {
		git_commit *commit = NULL;
		git_oid before;
		bool is_merge, is_empty = false;
		int g = git_commit_lookup(&commit, series->target.repository, &series->commits[i]);

		is_merge = g == 0 && git_commit_parentcount(commit) > 1;
		if (g == 0 && !is_merge)
			g = find_parent_tree(commit, &before);
		if (g == 0 && !is_merge)
			is_empty = git_oid_equal(&before, git_commit_tree_id(commit));
		git_commit_free(commit);
		if (g < 0)
			return hd_git_library_fail(HD_E_REPOSITORY, "read a commit");
		result->merges += is_merge;
		result->empty += is_empty;
		if (!is_merge && !is_empty)
			series->commits[kept++] = series->commits[i];
	}
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

/* What changed in which file, and how. */
static int put_parts(git_diff *diff, struct hd_buffer *out)
{
	git_diff_stats *stats = NULL;
	git_buf text = GIT_BUF_INIT, patch = GIT_BUF_INIT;
	int g = git_diff_get_stats(&stats, diff);

	if (g == 0)
		g = git_diff_stats_to_buf(
			&text, stats, GIT_DIFF_STATS_FULL | GIT_DIFF_STATS_INCLUDE_SUMMARY, STAT_COLUMNS);
	if (g == 0)
		g = git_diff_to_buf(&patch, diff, GIT_DIFF_FORMAT_PATCH);
	if (g == 0) {
		hd_buffer_put(out, text.ptr, text.size);
		hd_buffer_put_u8(out, '\n');
		hd_buffer_put(out, patch.ptr, patch.size);
	}
	git_buf_dispose(&patch);
	git_buf_dispose(&text);
	git_diff_stats_free(stats);
	return g;
}

static int read_parts(const struct hd_export_series *series, const git_oid *id, struct hd_buffer *out)
{
	git_commit *commit = NULL;
	git_diff *diff = NULL;
	int g = git_commit_lookup(&commit, series->target.repository, id);

	if (g == 0)
		g = make_diff(series->target.repository, commit, &diff);
	if (g == 0)
		g = put_parts(diff, out);
	git_diff_free(diff);
	git_commit_free(commit);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "write commit %s", git_oid_tostr_s(id)) : 0;
}

static int write_mail(const struct hd_export_series *series, size_t number, int fd)
{
	HD_AUTO_BUFFER struct hd_buffer parts = {0}, text = {0};
	const git_oid *id = &series->commits[number];
	git_odb_object *object = NULL;
	struct hd_commit_text commit = {0};
	struct hd_mail mail = {
		.id = id, .commit = &commit, .number = number + 1, .count = series->count, .parts = &parts};
	int r = read_parts(series, id, &parts);

	if (r >= 0)
		r = hd_commit_object_read(series->target.objects.odb, id, &object, &commit);
	if (r >= 0)
		r = hd_mail_put(&text, &mail);
	hd_commit_text_clear(&commit);
	git_odb_object_free(object);
	if (r >= 0)
		r = hd_transfer_append(fd, (const char *)text.data, text.size);
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
		r = leave_out(&series, &result);
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
