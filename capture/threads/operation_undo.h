/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_OPERATION_UNDO_H
#define HEDDLE_CAPTURE_THREADS_OPERATION_UNDO_H

/*
 * Undo: takes an operation back, or does it again. Both are operations themselves.
 *
 * What an operation moved must be where it put it: of later operations on the same thread or tag the last is undone
 * first. Where an operation only moved a head (a capture) or a name, the thread's tree stays as it is: what was captured
 * is uncaptured again. Where it gave the thread another tree, that of before comes back, and the one that is given up for
 * it is kept as a state.
 *
 * Calling sequence
 *     hd_undo_prepare → [the caller takes the lease of plan.held, if it is not NULL] → hd_undo_apply →
 *     hd_undo_plan_clear
 *
 * Ownership, threads, durability: see thread_change.h.
 * Errors      -HD_E_OPERATION_BLOCKED when it was undone already or something happened since.
 */

#include "capture/threads/thread_change.h"

struct hd_undo_plan {
	enum hd_operation_kind kind;   /* UNDO or REDO */
	struct hd_operation operation; /* owned: what is undone or done again */
	struct hd_operation_side from; /* owned: what is expected */
	struct hd_operation_side to;   /* owned: what will be */
	const char *held; /* borrowed from `from`: the thread that is moved; NULL: there is none yet */
};

/* KIND is UNDO or REDO; NUMBER the operation. */
int hd_undo_prepare(
	struct hd_index *index, enum hd_operation_kind kind, uint64_t number, struct hd_undo_plan *ret_plan);
void hd_undo_plan_clear(struct hd_undo_plan *plan);

/* Moves and logs; *RET_OPERATION is the new operation, the caller's to clear. LIVE is NULL where nobody has plan.held
 * open. */
int hd_undo_apply(struct hd_store *store, const struct hd_undo_plan *plan, const char *actor,
	struct hd_live_thread *live, struct hd_operation *ret_operation);

#endif
