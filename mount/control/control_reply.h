/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_REPLY_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_REPLY_H

/*
 * Control replies: replies of any size. One that does not fit a frame travels in the reply's memory file, behind
 * what the file holds anyway; docs/design/control-protocol.md has the form.
 *
 * Ownership   Received objects and descriptors are the caller's. Threads: one per direction of one socket.
 * Errors      Those of control_channel.h; -EFBIG beyond HD_REPLY_LIMIT.
 */

#include <jansson.h>

#define HD_REPLY_LIMIT (1u << 30)

/* Consumes the reference to REPLY; NULL is -ENOMEM. PASSED_FD (or -1) is borrowed, and may get longer. */
int hd_control_send_reply(int fd, json_t *reply, int passed_fd);

/* *RET_FD is -1 or the reply's memory file, of the length it had before. */
int hd_control_receive_reply(int fd, json_t **ret_reply, int *ret_fd);

#endif
