/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_REFERENCE_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_REFERENCE_H

/*
 * Export reference: moves a branch or tag to what was exported.
 *
 * It is not ours alone: somebody may commit on a branch, or have it checked out. It is moved by compare-and-set, and only from
 * a commit that an export of this very history put there, unless that is to be forced; a checked-out branch is never moved under
 * the checkout, as `git fetch` does not either, but for the worktree of the thread itself, whose HEAD and index go along.
 *
 * Ownership   Borrows everything. Threads: one.
 * Errors      -HD_E_REFERENCE_MOVED, -HD_E_REFERENCE_ELSEWHERE, -HD_E_BRANCH_CHECKED_OUT, -HD_E_REPOSITORY.
 */

#include "capture/git/export/export_history.h"

struct hd_export_reference {
	const char *thread; /* borrowed: whose worktree may have the branch checked out */
	const char *name;   /* "refs/heads/...", "refs/tags/..." */
	struct hd_state_id head;
	git_oid target; /* a commit, or a tag of it */
	bool force;     /* from wherever it is */
};

/* HISTORY is written. */
int hd_export_reference_move(
	struct hd_export_history *history, const struct hd_export_reference *wanted, bool *ret_unchanged);

#endif
