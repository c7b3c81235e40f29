/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREAD_CHANGE_H
#define HEDDLE_CAPTURE_THREAD_CHANGE_H

/*
 * Thread change: moves threads that nobody has open: renames and drops them, gives them other trees.
 *
 * A thread's content is not moved but named: by a state that has its tree. So whatever takes the place of something keeps
 * it first (hd_thread_keep) and can be taken back, and every change costs the same, however large the trees are.
 *
 * Calling sequence
 *     [the caller holds the thread's lease] → hd_thread_change_begin → set operation.after →
 *     hd_thread_change_apply → hd_operation_clear
 *
 * Ownership   The caller clears operations. Threads: any; one at a time per thread of the store, which the lease is for.
 * Durability  What was kept is durable before the thread is moved, and the move is one transaction of the index. Killed
 *             in between, the thread is as it was, and a state more is in the store that nothing names.
 * Errors      Those of hd_index_change, of captures and of the overlay.
 */

#include "overlay/store/index_operations.h"
#include "overlay/store/store.h"

/*
 * A state whose tree THREAD has now: its head where nothing changed; else one that is made, by AUTHOR ("" where nobody
 * is known) with MESSAGE. *RET_KEPT is that state, or zero where it is the head.
 */
int hd_thread_keep(struct hd_store *store, const char *thread, const char *author, const char *message,
	struct hd_state_id *ret_tree, struct hd_state_id *ret_kept);

/*
 * Fills an operation about THREAD: `before` is what it is, `after` the same. With REPLACES its content is kept first,
 * because it is about to be given up.
 */
int hd_thread_change_begin(struct hd_store *store, const char *thread, enum hd_operation_kind kind,
	const char *actor, bool replaces, struct hd_operation *ret_operation);

/* Moves and logs, and deletes the directory that the thread does not have any more. */
int hd_thread_change_apply(struct hd_store *store, struct hd_operation *operation);

#endif
