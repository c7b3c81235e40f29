/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_COPY_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_COPY_H

/*
 * Export copy: git's own commits and tags, from the repository that states were imported from to another one. They go over
 * as they are, with all that they lead to, so that their ids, signatures and headers are those of before.
 *
 * Ownership   Borrows everything. Threads: one.
 * Durability  What was copied is on the disk; of what failed, or was stopped, nothing is there.
 * Errors      -HD_E_BASE_MISSING, -HD_E_BASE_OBJECT (the source has not all of it), -HD_E_REPOSITORY, -HD_E_INTERRUPTED.
 */

#include "capture/git/export/export_objects.h"

/*
 * Makes sure that the target has COMMITS, which are in the repository of base NUMBER: as one pack, of what the target's
 * references do not lead to.
 */
int hd_export_copy_commits(
	struct hd_export_objects *objects, uint16_t number, const git_oid *commits, size_t count);

/*
 * The annotated tag that NAME was when COMMIT was imported from base NUMBER, copied if need be. 1 with its id, 0 when it
 * was none. COMMIT is in the target.
 */
int hd_export_copy_tag(struct hd_export_objects *objects, uint16_t number, const char *name,
	const git_oid *commit, git_oid *ret_tag);

/*
 * Whether the target can have the commit that STATE was imported as: its whole history is known, or it has none. A base
 * that `heddle init` made of a commit is a tree without a history.
 */
int hd_export_copy_is_whole(struct hd_export_objects *objects, const struct hd_state *state, bool *ret_whole);

#endif
