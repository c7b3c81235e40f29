/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_THREADS_LIVE_MOVE_H
#define HEDDLE_CLI_THREADS_LIVE_MOVE_H

/*
 * Live move: has the mount of a thread do what moves it.
 *
 * Threads     The main thread. Errors: those of hd_thread_request and of the reply.
 */

#include <jansson.h>
#include <stdbool.h>

#include "cli/arguments/store_locate.h"
#include "overlay/store/index/index_operations.h"

/*
 * Sends REQUEST, which is taken over (NULL is -ENOMEM), to THREAD. Where nothing was done *RET_NOTHING is true and
 * *RET_OPERATION empty; else it is the operation, the caller's to clear.
 */
int hd_live_move(const struct hd_location *location, const char *thread, json_t *request, const char *label,
	bool *ret_nothing, struct hd_operation *ret_operation);

#endif
