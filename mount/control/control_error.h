/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_ERROR_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_ERROR_H

/*
 * How a failure travels over a control connection, both ways. Apart from what executes requests, because the supervisor and
 * the keeper send it too and have nothing else of that; apart from the client, because who starts mounts reads it as well.
 *
 * Ownership   The reply is the caller's, what is given is borrowed. Threads: any.
 */

#include <jansson.h>

/* The `"ok": false` reply for code R with this thread's detail. NULL when memory is short. */
json_t *hd_control_error_reply(int r);

/* Keeps the failure in OBJECT's "error" as this thread's detail and returns its negative code; 0 when there is none. */
int hd_control_error(const json_t *object);

/* 0 for "ok": true; else the reply's code, with its message as this thread's detail. -HD_E_CONTROL_PROTOCOL: it says neither. */
int hd_control_reply_status(const json_t *reply);

#endif
