/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_LAND_LAND_H
#define HEDDLE_CAPTURE_GIT_LAND_LAND_H

/*
 * Land: brings the states of a thread into a branch of the repository that its base is in.
 *
 *     hd_land_run (the branch moves) → hd_thread_advance from the thread's head to result.state, kind LAND →
 *     hd_land_result_clear
 *
 * If the thread's commits follow on the branch's, the branch goes to the last one. Else the two are merged
 * (commit_merge.h): one commit with both as parents. Squashed it is one commit on top of the branch in either case.
 * Conflicts move nothing; they are kept as a state.
 *
 * The state that the thread is moved to stands for the commit that landed, and says where: so the next landing follows on
 * it, and an undo knows what to take back.
 *
 * Ownership   Borrows store, bases and options; the caller clears the result. Threads: one.
 * Durability  Everything that the branch will name is on the disk before it moves. Killed at any call, the branch is where
 *             it was, or at the new commit; the thread is moved after it, and landing again does that if need be.
 * Errors      -HD_E_REFERENCE_MISSING, -HD_E_REFERENCE_MOVED, and those of thread_merge.h and branch_move.h.
 */

#include "capture/merge/conflicts.h"
#include "overlay/bases/base.h"

struct hd_land_options {
	const char *thread;
	const char *onto; /* a branch, short or whole name; NULL: the one that the repository's HEAD is on */
	const char *message; /* of the commit; NULL: made up */
	bool squash;
	bool solved;        /* a head that is a merge with conflicts is right as it is */
	const char *author; /* "Name <mail>" */
};

enum hd_land_outcome {
	HD_LAND_NOTHING, /* the branch has it already */
	HD_LAND_FORWARDED,
	HD_LAND_MERGED,
	HD_LAND_SQUASHED,
	HD_LAND_CONFLICTS
};

struct hd_land_result {
	enum hd_land_outcome outcome;
	char *repository;      /* owned: git directory */
	char *reference;       /* owned: "refs/heads/..." */
	char before[41];       /* where the branch was: hex */
	char after[41];        /* where it is now */
	size_t commits;        /* how many of the thread's it did not have */
	size_t behind;         /* how many it has that the thread did not begin with */
	struct hd_state head;  /* owned: what was landed */
	struct hd_state state; /* owned: where the thread goes on, or the conflicts; none of NOTHING */
	struct hd_conflicts conflicts; /* owned */
	uint64_t skipped, ignored;     /* as in export_git.h */
};

/* Moves the branch. The thread is where it was: see above. */
int hd_land_run(struct hd_store *store, struct hd_base_set *bases, const struct hd_land_options *options,
	struct hd_land_result *ret_result);
/* Frees what the result owns; a cleared one is fine. */
void hd_land_result_clear(struct hd_land_result *result);

/*
 * Moves the branch of a landing, of which STATE came, back to where it was, or with AGAIN forward; if it is where that left
 * it. *RET_REFERENCE, in fresh memory, is that branch, also when it cannot be moved.
 */
int hd_land_take_back(struct hd_store *store, const struct hd_state *state, bool again, char **ret_reference);

#endif
