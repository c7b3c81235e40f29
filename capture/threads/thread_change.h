/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_THREAD_CHANGE_H
#define HEDDLE_CAPTURE_THREADS_THREAD_CHANGE_H

/*
 * Thread change: moves threads: renames and drops them, gives them other trees.
 *
 * A thread's content is not moved but named: by a state that has its tree. So whatever takes the place of something keeps
 * it first (`kept` of the operation) and can be taken back, and every change costs the same, however large the trees are.
 *
 * A thread that this process has open is LIVE: its directory stays, and its tree is switched under the programs that use
 * it (overlay/switch/tree_switch.h). Such a one is neither renamed nor dropped.
 *
 * Calling sequence
 *     [the caller holds the thread's lease, or keeps everybody from changing the live tree and capturing] →
 *     hd_thread_change_begin → set operation.after → hd_thread_change_apply → hd_operation_clear
 *
 * Ownership   The caller clears operations. Threads: any; one at a time per thread of the store, which the lease is for.
 * Durability  What was kept is durable before the thread is moved, and the move is one transaction of the index. Killed
 *             in between, the thread is as it was, and a state more is in the store that nothing names.
 * Errors      Those of hd_index_change, of captures and of the overlay.
 */

#include "overlay/store/index/index_operations.h"
#include "overlay/store/store.h"
#include "overlay/switch/tree_switch.h"

struct hd_live_thread {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_switch
		*tree_switch; /* owned by the caller: set when the tree was switched, to tell the kernel */
};

/*
 * Fills an operation about THREAD: `before` is what it is, `after` the same. With REPLACES its content is kept first,
 * because it is about to be given up: before.tree is a state that has it, and `kept` the same where it is not the head.
 * LIVE is NULL for a thread that nobody has open.
 */
int hd_thread_change_begin(struct hd_store *store, const char *thread, enum hd_operation_kind kind,
	const char *actor, bool replaces, struct hd_live_thread *live, struct hd_operation *ret_operation);

/* A state that has THREAD's tree as it is now; LIVE as above. The head itself if nothing is uncaptured. */
int hd_thread_change_keep(struct hd_store *store, const char *thread, const char *author, const char *message,
	const struct hd_live_thread *live, struct hd_state_id *ret_tree);

/* Moves and logs, and deletes the directory that the thread does not have any more. after.overlay 0 gives it another
 * content, that of after.tree. */
int hd_thread_change_apply(
	struct hd_store *store, struct hd_operation *operation, struct hd_live_thread *live);

#endif
