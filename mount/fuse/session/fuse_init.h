/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_INIT_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_INIT_H

/*
 * INIT: what this session and the kernel promise each other, as the kernel's first request asks (fuse(4), protocol 7.x). What
 * was answered is kept in the request area, because a kernel asks once in the life of a mount and each worker's libfuse has to
 * be asked.
 *
 * Threads     One, before the loop runs. Errors: -EPROTO for what is no INIT or would break the promise, those of the device.
 */

#include "mount/fuse/requests/fuse_request.h"

/* Waits for the INIT of a new mount in THREAD's message, and answers and keeps it. */
int hd_fuse_init_answer(struct hd_fuse_thread *thread);

/* The INIT that a dead worker answered: libfuse gets it again, the kernel gets nothing. */
int hd_fuse_init_repeat(struct hd_fuse_thread *thread);

#endif
