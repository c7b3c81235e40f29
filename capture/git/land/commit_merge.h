/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_COMMIT_MERGE_H
#define HEDDLE_CAPTURE_GIT_LAND_COMMIT_MERGE_H

/*
 * Commit merge: the three-way merge of two commits of a repository, as a tree. No reference, index or file is touched.
 *
 * The merge is libgit2's: renames of files by similarity, several merge bases merged first, contents by lines. What it
 * leaves open gets a defined outcome in the tree, and is told:
 *
 *     content, add/add   both sides between markers, with the base's lines where there is a base (diff3)
 *     binary, symlink, submodule, type    the thread's version
 *     mode               the bytes of both, the mode of the side that changed it, else the thread's
 *     modify/delete      the version that was modified, whichever side has it
 *     file/directory     the directory stays under the name, the file is beside it as NAME~SIDE
 *     rename             both sides' new names are there, the old one is not
 *
 * Ownership   The repository is borrowed; the caller clears the result. Threads: one per repository object.
 * Durability  Objects are written, and nothing names them yet.
 * Errors      -HD_E_UNRELATED, -HD_E_REPOSITORY with libgit2's words, -ENOMEM.
 */

#include <git2.h>

#include "capture/git/land/merge_moves.h"
#include "capture/merge/conflicts.h"

struct hd_commit_merge {
	git_repository *repository;          /* borrowed */
	const git_oid *ours, *theirs;        /* commits: the thread's, the branch's */
	const char *ours_name, *theirs_name; /* for the markers and for NAME~SIDE */
	const struct hd_known_moves
		*moves; /* of OURS since their one merge base; NULL: git finds what it finds */
};

/* The tree of the merge, and what it leaves to a person; without conflicts it is the result. */
int hd_commit_merge_run(
	const struct hd_commit_merge *merge, git_oid *ret_tree, struct hd_conflicts *ret_conflicts);

#endif
