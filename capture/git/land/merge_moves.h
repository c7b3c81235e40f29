/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_MERGE_MOVES_H
#define HEDDLE_CAPTURE_GIT_LAND_MERGE_MOVES_H

/*
 * Merge moves: the directories that a thread moved since a commit, and a merge that knows of them.
 *
 * States record moved directories, git has to guess. Where the other side still has a directory under its old name, base and
 * other side are merged as if it had always had the new one: so what was changed in it, or added to it, meets what the thread
 * made of it, however little it resembles that.
 *
 * Ownership   The caller clears the list. Threads: one per repository object.
 * Errors      Those of the index; -HD_E_REPOSITORY with libgit2's words; -ENOMEM.
 */

#include <git2.h>

#include "capture/compare/known_moves.h"

/* What the states from HEAD back to the first one that COMMIT contains have moved, by the commit's paths and the head's. COMMON: the git directory of the exports. */
int hd_merge_moves_collect(struct hd_index *index, git_repository *repository, const char *common,
	const struct hd_state_id *head, const git_oid *commit, struct hd_known_moves *ret_moves);

/* Replaces BASE and THEIRS by trees in which what can be moved is where OURS has it. */
int hd_merge_moves_apply(const struct hd_known_moves *moves, git_repository *repository, const git_tree *ours,
	git_tree **base, git_tree **theirs);

#endif
