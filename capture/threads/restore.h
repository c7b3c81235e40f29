/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_RESTORE_H
#define HEDDLE_CAPTURE_THREADS_RESTORE_H

/*
 * Restore: gives a thread the tree of a state, or some paths of it.
 *
 * The head stays: what going back changes is an uncaptured change like any other, and the states after it remain in the
 * log. What is not captured is kept as a state first. Nothing is copied: see thread_change.h and tree_compose.h.
 *
 * Ownership, threads, durability: those of thread_change.h; also for what the caller holds.
 * Errors      Those of thread_change.h and tree_compose.h.
 */

#include "capture/threads/thread_change.h"

struct hd_restore_options {
	const char *thread;
	const struct hd_state_id *source;
	const char *const *paths; /* relative to the root; n_paths 0: the whole tree */
	size_t n_paths;
	const char *actor;           /* "" where nobody is known */
	struct hd_live_thread *live; /* NULL: nobody has the thread open */
};

/* *RET_NOTHING: the tree is that already, and nothing was done. Else *RET_OPERATION is the caller's to clear. */
int hd_restore(struct hd_store *store, const struct hd_restore_options *options,
	struct hd_operation *ret_operation, bool *ret_nothing);

#endif
