/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_INDEX_H

/*
 * Worktree index: the index of a new worktree, made from a commit's tree.
 *
 * Ownership   REPOSITORY is borrowed. Threads: any. Errors: -HD_E_REPOSITORY, -errno.
 */

#include <git2.h>

/* Writes the index of the tree of COMMIT to PATH, where none is. */
int hd_worktree_index_write(git_repository *repository, const git_oid *commit, const char *path);

#endif
