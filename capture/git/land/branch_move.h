/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_BRANCH_MOVE_H
#define HEDDLE_CAPTURE_GIT_LAND_BRANCH_MOVE_H

/*
 * Branch move: moves a branch from one commit to another, and what is checked out of it with it.
 *
 * A checkout follows as with `git push` to a repository that has receive.denyCurrentBranch=updateInstead: if it has no
 * changes, staged or not, its files and its index are brought to the new commit, then the branch moves. Files that git does
 * not track are never overwritten. Else nothing is moved.
 *
 *     hd_branch_move_check (nothing is touched) → hd_branch_move_run
 *
 * Ownership   Borrows everything. Threads: one per repository object.
 * Crashes     The branch is where it was or where it goes. Killed in between, a checkout may have files of the new commit,
 *             which git shows as changes and untracked files; nothing of what was there is lost.
 * Errors      -HD_E_CHECKOUT with the reason; -HD_E_REFERENCE_MOVED; -HD_E_REPOSITORY with libgit2's words.
 */

#include <git2.h>

struct hd_branch_move {
	git_repository *repository; /* borrowed: opened at the common git directory */
	const char *reference;      /* "refs/heads/..." */
	git_oid before, after;
	const char *reason; /* for the reflog */
};

/* Whether every checkout of the branch could follow. */
int hd_branch_move_check(const struct hd_branch_move *move);

/* By compare-and-set. Checkouts that followed go back if somebody else was faster. */
int hd_branch_move_run(const struct hd_branch_move *move);

#endif
