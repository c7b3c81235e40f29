/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/commit_merge.h"

#include <errno.h>

#include "capture/git/merge_outcome.h"
#include "overlay/bases/base_git_library.h"
#include "overlay/platform/error.h"

/*
 * Submodules that differ are conflicts: which of two commits is right, nothing here can tell. Where one side left it alone
 * the other's counts, as with files.
 */

static int merge_index(const struct hd_commit_merge *merge, git_index **ret_index)
{
	git_merge_options options;
	git_commit *ours = NULL, *theirs = NULL;
	git_oid base;
	int g, r = 0;

	g = git_merge_base(&base, merge->repository, merge->ours, merge->theirs);
	if (g == GIT_ENOTFOUND)
		return hd_fail(HD_E_UNRELATED, "'%s' and '%s'", merge->ours_name, merge->theirs_name);
	(void)git_merge_options_init(&options, GIT_MERGE_OPTIONS_VERSION);
	options.flags = GIT_MERGE_FIND_RENAMES | GIT_MERGE_SKIP_REUC;
	if (g < 0 || git_commit_lookup(&ours, merge->repository, merge->ours) < 0 ||
		git_commit_lookup(&theirs, merge->repository, merge->theirs) < 0 ||
		git_merge_commits(ret_index, merge->repository, ours, theirs, &options) < 0)
		r = hd_git_library_fail(
			HD_E_REPOSITORY, "merge '%s' and '%s'", merge->ours_name, merge->theirs_name);
	git_commit_free(ours);
	git_commit_free(theirs);
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
