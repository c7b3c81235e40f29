/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_THREAD_OVERLAY_H
#define HEDDLE_CLI_STEPS_THREAD_OVERLAY_H

/*
 * Thread overlay: the tree of a thread as it is now, mounted or not, as a state that no thread names.
 *
 * Threads     The main thread. Errors: those of hd_thread_ask, -HD_E_CONTROL_PROTOCOL.
 */

#include "cli/arguments/store_locate.h"

/* The thread's head, and the state that has its tree: the head itself if nothing is uncaptured. MESSAGE describes it. */
int hd_thread_overlay_read(const struct hd_location *location, const char *message,
	struct hd_state_id *ret_head, struct hd_state_id *ret_tree);

#endif
