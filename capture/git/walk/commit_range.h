/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WALK_COMMIT_RANGE_H
#define HEDDLE_CAPTURE_GIT_WALK_COMMIT_RANGE_H

/*
 * Commit range: the commits that lead to some and not to others, `git rev-list --topo-order --reverse TIPS --not EXCLUDED`, whatever
 * stands in them that git takes.
 *
 * Ownership   All is borrowed; the array is the caller's to free. Threads: one.
 * Errors      -HD_E_BASE_OBJECT, -HD_E_INTERRUPTED, -ENOMEM.
 */

#include <git2/oid.h>
#include <git2/types.h>
#include <stdbool.h>
#include <stddef.h>

struct hd_commit_range {
	git_repository *repository;
	git_odb *odb; /* its */
	const git_oid *tips;
	size_t n_tips;
	const git_oid *excluded; /* what is not there excludes nothing */
	size_t n_excluded;
	bool first_parents; /* only the first line of parents leads anywhere; what is excluded is so by all of them */
};

/* *RET_COMMITS is a fresh array, each commit behind its parents; NULL for none. */
int hd_commit_range_collect(const struct hd_commit_range *range, git_oid **ret_commits, size_t *ret_count);

#endif
