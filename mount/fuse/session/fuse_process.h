/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_PROCESS_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_PROCESS_H

/*
 * What becomes of one message: it is put into a form that libfuse knows, refused if it must not be carried out, else given to
 * its handler; then its slot is free for the next.
 *
 * Calling sequence
 *     hd_request_begin → hd_fuse_process, or an answer of the caller's own and hd_fuse_done
 *
 * Threads     A thread's message is processed in that thread.
 */

#include "mount/fuse/requests/fuse_request.h"

/* Hands THREAD's message of SIZE bytes, which hd_request_begin announced, to its handler, and ends it. */
void hd_fuse_process(struct hd_fuse_thread *thread, size_t size);

/* The request in THREAD's message is answered. */
void hd_fuse_done(struct hd_fuse_thread *thread);

#endif
