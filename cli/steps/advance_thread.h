/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STEPS_ADVANCE_THREAD_H
#define HEDDLE_CLI_STEPS_ADVANCE_THREAD_H

/*
 * Advance thread: what landing and rebasing have in common at the command line.
 *
 * Threads     The main thread. Errors: those of thread_advance.h and live_move.h.
 */

#include <jansson.h>

#include "capture/merge/conflicts.h"
#include "capture/threads/thread_advance.h"
#include "cli/arguments/store_locate.h"

/* Moves the thread at LOCATION, by its worker where it is mounted. OPTIONS without thread, actor and live. */
int hd_advance_thread(const struct hd_location *location, const struct hd_advance_options *options,
	const char *actor, const char *label, struct hd_operation *ret_operation);

/* -HD_E_UNCAPTURED if the thread has changes, of files that are not ignored. */
int hd_advance_check_captured(const struct hd_location *location);

/* Prints the conflicts that are kept in STATE, and what to do. */
int hd_advance_print_conflicts(const struct hd_location *location, const struct hd_conflicts *conflicts,
	const struct hd_state *state);
/* The same as an array of objects; NULL without memory. */
json_t *hd_advance_conflicts_json(const struct hd_conflicts *conflicts);

#endif
