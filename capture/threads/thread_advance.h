/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_THREAD_ADVANCE_H
#define HEDDLE_CAPTURE_THREADS_THREAD_ADVANCE_H

/*
 * Thread advance: moves a thread to another head, and takes what is not captured along: it is an uncaptured change of the
 * new head then. Landing and rebasing end with it.
 *
 * What is not captured is merged with what the new head changes in the old one (tree_merge.h). If both changed the same
 * lines nothing is moved.
 *
 * Ownership, threads, durability: those of thread_change.h; also for what the caller holds.
 * Errors      -HD_E_THREAD_MOVED when the head is not FROM; -HD_E_CONFLICTS with the paths; those of thread_change.h and
 *             tree_merge.h.
 */

#include "capture/threads/thread_change.h"

struct hd_advance_options {
	const char *thread;
	enum hd_operation_kind kind;    /* LAND or REBASE; with COMMIT the tree stays as it is */
	const struct hd_state_id *from; /* the head */
	const struct hd_state_id *to;   /* the next one */
	const struct hd_state_id *base; /* where the thread begins from now on; NULL: where it did */
	const char *actor;              /* "" where nobody is known */
	struct hd_live_thread *live;    /* NULL: nobody has the thread open */
};

/* *RET_OPERATION is the caller's to clear. */
int hd_thread_advance(
	struct hd_store *store, const struct hd_advance_options *options, struct hd_operation *ret_operation);

#endif
