/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_MERGE_OUTCOME_H
#define HEDDLE_CAPTURE_GIT_LAND_MERGE_OUTCOME_H

/*
 * Merge outcome: gives each conflict that libgit2 left in the index of a merge the entry that commit_merge.h promises, so
 * that the index can be written as a tree. An index without conflicts may have some all the same.
 *
 * Ownership   Borrows everything. Threads: one. Errors: those of commit_merge.h.
 */

#include "capture/git/land/commit_merge.h"

/* Changes INDEX, which is the merge's, and adds to CONFLICTS. */
int hd_merge_outcome(const struct hd_commit_merge *merge, git_index *index, struct hd_conflicts *conflicts);

#endif
