/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_CHANNEL_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_CHANNEL_H

/*
 * Control channel: JSON objects over a socket's frames, and the words that supervisor and worker exchange.
 *
 * Worker to supervisor     {"op":"opened","epochs":N,"torn":N}  {"op":"ready"}  {"op":"failed","error":{…}}
 * {"op":"closed","error":{…}?}
 *                          {"op":"hold"|"drop",…}: large_files.h
 *                          {"op":"unmount","lazy":B} + the client's socket  {"op":"synced"}
 *                          {"op":"step_down"} + the client's socket
 *                          {"op":"left"}: another supervisor has adopted the worker
 * Supervisor to worker     {"op":"mounted","mountpoint":S,"last_end":S?} + /dev/fuse
 *                          {"op":"client"} + a client's socket  {"op":"sync"}  {"op":"stop"}
 *                          {"op":"yield"}: ends, and leaves the memory to another worker
 *                          to one that takes over or salvages: {"op":"large","slot":N} + descriptor
 *                          {"op":"go"}
 *
 * A client's socket is handed to the worker, which serves it; the supervisor never waits for a client.
 *
 * Ownership   Received objects and descriptors are the caller's.
 * Threads     Several threads may send on one channel: a frame this small is one sendmsg(2), which Linux
 *             queues as a whole. One thread receives.
 * Errors      Those of hd_socket_send and hd_socket_receive; -HD_E_CONTROL_PROTOCOL for what is no JSON
 *             object.
 */

#include <jansson.h>
#include <stdint.h>

/* Consumes the reference to OBJECT; NULL is -ENOMEM. PASSED_FD (or -1) is borrowed. */
int hd_control_send(int fd, json_t *object, int passed_fd);

/* *RET_FD is -1 or a descriptor that came along. */
int hd_control_receive(int fd, int timeout_ms, json_t **ret_object, int *ret_fd);

/* The "op" of OBJECT, "" when it has none. */
const char *hd_control_op(const json_t *object);

#endif
