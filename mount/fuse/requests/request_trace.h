/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_TRACE_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_REQUEST_TRACE_H

/*
 * Request trace (-o trace): one line of the log when a request is begun and one when its handler is done.
 *
 * An fsync is done when its handler has handed it on; a third line says when it is answered.
 *
 * Threads     Any.
 */

#include "mount/fuse/session/fuse_session_types.h"

/* "enter READ 12 of inode 5 for process 99" */
void hd_trace_enter(const struct hd_fuse_session *session, const struct fuse_in_header *header);
/* "leave READ 12 after 35 us" */
void hd_trace_leave(
	const struct hd_fuse_session *session, uint32_t opcode, uint64_t unique, uint64_t took_ns);
/* "answered FSYNC 12 after 5000 us" */
void hd_trace_answer(
	const struct hd_fuse_session *session, uint32_t opcode, uint64_t unique, uint64_t took_ns);

#endif
