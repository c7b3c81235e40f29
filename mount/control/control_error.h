/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_ERROR_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_ERROR_H

/*
 * How a failure travels over a control connection. Apart from what executes requests, because the supervisor and the keeper
 * send it too and have nothing else of that.
 *
 * Ownership   The reply is the caller's. Threads: any.
 */

#include <jansson.h>

/* The `"ok": false` reply for code R with this thread's detail. NULL when memory is short. */
json_t *hd_control_error_reply(int r);

#endif
