/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CLIENT_CONTROL_CLIENT_H
#define HEDDLE_MOUNT_CLIENT_CONTROL_CLIENT_H

/*
 * Control client: asks a thread something, whether it is mounted or not.
 *
 * If somebody serves the thread's control socket the request goes there; if nobody does, this process opens
 * the thread's overlay, executes the request itself (control_execute.h) and closes it again, durably. The
 * reply is the same either way. While a mount comes or goes neither works; both are tried again for
 * HD_CONTROL_PATIENCE_MS.
 *
 * Ownership   The reply and the descriptor are the caller's. The request is borrowed.
 * Threads     Any.
 * Errors      A reply with "ok": false is a result, 0 is returned: see hd_control_reply_status
 *             (control_error.h). Negative:
 *             there is no reply (-HD_E_THREAD_MISSING, -HD_E_THREAD_BUSY, -HD_E_CONTROL_PROTOCOL,
 *             -ECONNRESET, ...).
 */

#include <jansson.h>

#include "overlay/store/store.h"

#define HD_CONTROL_PATIENCE_MS 5000
/* A worker that does not answer a ping for so long is stopped or stuck: -HD_E_CONTROL_TIMEOUT. */
#define HD_CONTROL_ALIVE_MS 10000

/* Sets *RET_REPLY and *RET_FD (-1 or a memory file that came along). */
int hd_thread_request(
	struct hd_store *store, const char *thread, json_t *request, json_t **ret_reply, int *ret_fd);

/* Pings over the connected socket FD and waits for the answer, at most HD_CONTROL_ALIVE_MS. */
int hd_control_check_alive(int fd, const char *thread);

#endif
