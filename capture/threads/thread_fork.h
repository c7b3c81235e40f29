/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_THREADS_THREAD_FORK_H
#define HEDDLE_CAPTURE_THREADS_THREAD_FORK_H

/*
 * Thread fork: a new thread that begins with another's head and with what is not captured of it, as it is now.
 *
 * The new thread's overlay begins with the files that the other one's journal consists of (overlay/recovery/journal_fork.h):
 * this costs what that one has not on disk yet, and nothing by how much is uncaptured. Where there are no hard links, what
 * is not captured is made a state, with which the new thread begins, and that costs what changed.
 *
 * Threads     Any. Ownership: the caller clears the operation.
 * Durability  When it returns 0 the new thread and all that it begins with survive a power cut. Killed before its row is
 *             written there is no such thread, and what is left is a directory below threads/ that nobody looks into.
 * Errors      -HD_E_THREAD_EXISTS, -HD_E_NAME_INVALID, -HD_E_MEMORY_DAMAGED; -EUCLEAN (bare) without OVERLAY: the thread must
 *             be opened to know what there is.
 */

#include "overlay/overlay.h"
#include "overlay/store/index/index_operations.h"

struct hd_thread_fork {
	const char *from, *name; /* threads, that is and that is to be */
	const char *actor;       /* "Name <mail>", or empty */
	struct hd_overlay
		*overlay; /* FROM's, borrowed; NULL: nobody has it open, and the caller has its lease */
};

/* *RET_CHANGES: whether it may begin with more than the head. */
int hd_thread_fork(struct hd_store *store, const struct hd_thread_fork *fork,
	struct hd_operation *ret_operation, bool *ret_changes);

#endif
