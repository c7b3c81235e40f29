/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_SOCKETS_SOCKET_H
#define HEDDLE_PLATFORM_SOCKETS_SOCKET_H

/*
 * Unix stream sockets that carry frames: u32 little-endian length, then that many bytes (JSON, above this
 * layer).
 *
 * A frame's length is checked against HD_FRAME_LIMIT before anything is allocated. Sockets are close-on-
 * exec.
 *
 * Threads     One per direction of one socket. Ownership: descriptors and frames belong to the caller.
 */

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define HD_FRAME_LIMIT (16u << 20)
#define HD_SOCKET_SEND_TIMEOUT_S 30

/*
 * Listens at PATH with mode 0600, replacing a dead socket file; -EADDRINUSE when somebody listens there, or
 * when the file is no socket. Two callers for one path must be kept apart by somebody else (the thread's
 * lease does). Paths too long for a socket address (unix(7): 107 bytes) go through /proc/self/fd of the
 * directory.
 */
int hd_socket_listen(const char *path);

/* -ECONNREFUSED and -ENOENT when nobody listens at PATH. */
int hd_socket_connect(const char *path);

/* Accepts one peer; -EPERM (and the peer closed) unless SO_PEERCRED says our own uid or root. */
int hd_socket_accept(int listen_fd);

/*
 * A descriptor that becomes readable when the process that listened at the other end of connected FD has ended
 * (SO_PEERCRED, pidfd_open(2)). -ESRCH when it has.
 */
int hd_socket_watch_peer(int fd);

/* Two connected sockets, for a process and its child. */
int hd_socket_pair(int ret_fds[2]);

/*
 * Sends one frame, whole; with PASSED_FD >= 0 that descriptor travels along (SCM_RIGHTS). -EMSGSIZE above the
 * limit, -EPIPE when the peer is gone, without a signal. On accepted and connected sockets a peer that takes
 * nothing for HD_SOCKET_SEND_TIMEOUT_S fails the send with -HD_E_CONTROL_TIMEOUT; the stream is then cut in a
 * frame: close it.
 */
int hd_socket_send(int fd, const void *data, size_t size, int passed_fd);

/*
 * Receives one frame into fresh memory (NUL behind it); *RET_FD is -1 or a descriptor that came along, and found
 * room in this process. A
 * TIMEOUT_MS of -1 waits for ever; else it bounds the whole frame. -ECONNRESET when the peer closed between
 * frames, -HD_E_CONTROL_PROTOCOL for a bad frame, -HD_E_CONTROL_TIMEOUT.
 */
int hd_socket_receive(int fd, int timeout_ms, char **ret_data, size_t *ret_size, int *ret_fd);

#endif
