/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_COMMIT_H
#define HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_COMMIT_H

/*
 * Import commit: the state that a commit is. A pure function of the commit, the base and the parents' states: the same
 * commit gives the same state in every import.
 *
 *     tree, git_commit   the commit's, in the base: nothing is copied
 *     author             the commit's author; message: its message; both in UTF-8
 *     time, zone         the committer's, because that is the time of the files (base_git_describe.c)
 *     "authored"         a fact: the author's time, where it is another
 *     "committer"        a fact, where it is somebody else
 *
 * Errors: -HD_E_BASE_OBJECT, -ENOMEM.
 */

#include "capture/git/commit_text.h"
#include "overlay/store/index/index.h"

/* All fields but the parents. The caller clears the state. */
int hd_import_commit(
	const git_oid *id, const struct hd_commit_text *text, uint16_t base, struct hd_state *ret_state);

#endif
