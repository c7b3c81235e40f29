/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_SMUDGE_DIFFERENCE_H
#define HEDDLE_CAPTURE_SMUDGE_SMUDGE_DIFFERENCE_H

/*
 * Smudge difference: two git trees, of which a state is the first one as a store that smudges has it, so that what the second one
 * changes can be merged into that state (tree_merge.h). What both have alike is git's in both, and differs nowhere: as a checkout,
 * which leaves files alone whose blobs are the same, whatever became of their attributes. Of the rest the first one has what the
 * state has, and the second one what its .gitattributes make of the blobs; or, where the second one was committed in a worktree
 * whose files are known, those of them that git takes for the blobs: a commit leaves files as whoever edited them left them, with
 * the "$Id$" of an earlier blob, or with LF where a checkout has CRLF.
 *
 * Cost        What differs. Ownership: borrows everything. Threads: one.
 * Durability  None before hd_object_store_sync.
 * Errors      -HD_E_BASE_OBJECT, those of the store and of views, -ELOOP, -ENOMEM.
 */

#include "capture/smudge/smudge_blob.h"
#include "overlay/bases/base.h"

struct hd_smudge_pair {
	const struct hd_state *state; /* was made of, or became, a commit with the tree `before` */
	const struct hd_state *
		worktree; /* has the files that `after` was committed of; NULL: nobody committed it in them */
	const uint8_t *before, *after; /* HD_GIT_ID_SIZE bytes each */
};

/* Both trees of the pair, as contents of the store or of git. */
int hd_smudge_difference(const struct hd_smudge_place *place, struct hd_base_set *bases,
	const struct hd_smudge_pair *pair, struct hd_content *ret_before, struct hd_content *ret_after);

#endif
