/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/worktree_index.h"

#include "overlay/bases/base_git_library.h"
#include "overlay/platform/error.h"

static int find_tree(git_repository *repository, const git_oid *id, git_tree **ret_tree)
{
	git_commit *commit = NULL;
	int g = git_commit_lookup(&commit, repository, id);

	if (g == 0)
		g = git_commit_tree(ret_tree, commit);
	git_commit_free(commit);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "read the tree of a commit") : 0;
}

/* An index without a repository: entries are taken as they are, and no object is looked for. */
int hd_worktree_index_write(git_repository *repository, const git_oid *commit, const char *path)
{
	git_tree *tree = NULL;
	git_index *index = NULL;
	int r = find_tree(repository, commit, &tree);

	if (r == 0 && (git_index_open(&index, path) < 0 || git_index_read_tree(index, tree) < 0 ||
			      git_index_write(index) < 0))
		r = hd_git_library_fail(HD_E_REPOSITORY, "write the index %s", path);
	git_index_free(index);
	git_tree_free(tree);
	return r;
}
