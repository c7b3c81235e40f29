/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_FORK_THREAD_H
#define HEDDLE_CLI_STEPS_FORK_THREAD_H

/*
 * Fork thread: a new thread from one with what is not captured of it, mounted or not.
 *
 * Ownership   The caller clears the operation. Threads: the main thread.
 * Errors      Those of hd_thread_fork and of requests to a mount.
 */

#include "cli/arguments/store_locate.h"
#include "overlay/store/index/index_operations.h"

/* Of the thread of LOCATION. *RET_CHANGES: whether NAME may begin with more than its head. */
int hd_fork_thread(const struct hd_location *location, const char *name, struct hd_operation *ret_operation,
	bool *ret_changes);

#endif
