/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/land/commit_merge.h"

#include <errno.h>

#include "capture/git/land/merge_outcome.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * Submodules that differ are conflicts: which of two commits is right, nothing here can tell. Where one side left it alone
 * the other's counts, as with files.
 */

/* The trees, and that of the one merge base. */
static int merge_trees(const struct hd_commit_merge *merge, const git_oid *base, const git_commit *ours,
	const git_commit *theirs, const git_merge_options *options, git_index **ret_index)
{
	git_commit *base_commit = NULL;
	git_tree *trees[3] = {NULL};
	int r = 0;

	if (git_commit_lookup(&base_commit, merge->repository, base) < 0 ||
		git_commit_tree(&trees[0], base_commit) < 0 || git_commit_tree(&trees[1], ours) < 0 ||
		git_commit_tree(&trees[2], theirs) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read the commits");
	if (r >= 0)
		r = hd_merge_moves_apply(merge->moves, merge->repository, trees[1], &trees[0], &trees[2]);
	if (r >= 0 &&
		git_merge_trees(ret_index, merge->repository, trees[0], trees[1], trees[2], options) < 0)
		r = hd_git_library_fail(
			HD_E_REPOSITORY, "merge '%s' and '%s'", merge->ours_name, merge->theirs_name);
	for (size_t i = 0; i < HD_ARRAY_SIZE(trees); i++)
		git_tree_free(trees[i]);
	git_commit_free(base_commit);
	return r;
}

static int merge_commits(
	const struct hd_commit_merge *merge, const git_oidarray *merge_bases, git_index **ret_index)
{
	git_merge_options options;
	git_commit *ours = NULL, *theirs = NULL;
	int r = 0;

	(void)git_merge_options_init(&options, GIT_MERGE_OPTIONS_VERSION);
	options.flags = GIT_MERGE_FIND_RENAMES | GIT_MERGE_SKIP_REUC;
	if (git_commit_lookup(&ours, merge->repository, merge->ours) < 0 ||
		git_commit_lookup(&theirs, merge->repository, merge->theirs) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "read the commits");
	else if (merge_bases->count == 1 && merge->moves && merge->moves->count > 0)
		r = merge_trees(merge, &merge_bases->ids[0], ours, theirs, &options, ret_index);
	else if (git_merge_commits(ret_index, merge->repository, ours, theirs, &options) < 0)
		r = hd_git_library_fail(
			HD_E_REPOSITORY, "merge '%s' and '%s'", merge->ours_name, merge->theirs_name);
	git_commit_free(ours);
	git_commit_free(theirs);
	return r;
}

static int merge_index(const struct hd_commit_merge *merge, git_index **ret_index)
{
	git_oidarray merge_bases = {0};
	int g = git_merge_bases(&merge_bases, merge->repository, merge->ours, merge->theirs);
	int r;

	if (g == GIT_ENOTFOUND)
		return hd_fail(HD_E_UNRELATED, "'%s' and '%s'", merge->ours_name, merge->theirs_name);
	if (g < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "find where two commits parted");
	r = merge_commits(merge, &merge_bases, ret_index);
	git_oidarray_dispose(&merge_bases);
	return r;
}

int hd_commit_merge_run(
	const struct hd_commit_merge *merge, git_oid *ret_tree, struct hd_conflicts *ret_conflicts)
{
	struct hd_conflicts conflicts = {0};
	git_index *index = NULL;
	int r;

	r = merge_index(merge, &index);
	if (r >= 0)
		r = hd_merge_outcome(merge, index, &conflicts);
	if (r >= 0 && git_index_write_tree_to(ret_tree, index, merge->repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write the merged tree");
	git_index_free(index);
	if (r < 0) {
		hd_conflicts_clear(&conflicts);
		return r;
	}
	hd_conflicts_sort(&conflicts);
	*ret_conflicts = conflicts;
	return 0;
}
