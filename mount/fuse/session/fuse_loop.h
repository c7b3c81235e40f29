/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_LOOP_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_LOOP_H

/*
 * Request loop: the threads that read the device and run handlers.
 *
 *     hd_fuse_loop_new → _first (INIT) → _run (blocks) → _free
 *
 * One thread at a time leads: it reads, runs the handler itself while requests are quick, and looks again for
 * a while before it sleeps. Whenever it is about to be away for long, or turns out to be, another thread
 * leads: a request that waits for a disk never keeps the next one from being read for more than about two
 * milliseconds.
 *
 * Ownership   _new takes the device over on success.
 * Threads     _stop may run in any thread, also before _run.
 * Errors      _first: -ECANCELED when stopped, -ENODEV when the mount is gone. _run: 0 for both.
 */

#include <stddef.h>

#include "mount/fuse/session/fuse_session_types.h"

struct hd_fuse_thread;

/* Makes DEVICE non-blocking and takes it over. */
int hd_fuse_loop_new(struct hd_fuse_session *session, int device, struct hd_fuse_loop **ret_loop);
/* After _run has returned: closes the device. */
void hd_fuse_loop_free(struct hd_fuse_loop *loop);

/* Borrowed. */
int hd_fuse_loop_device(const struct hd_fuse_loop *loop);

/* Waits for one message: up to HD_FUSE_MESSAGE_SIZE bytes into THREAD's buffer. */
int hd_fuse_loop_first(struct hd_fuse_loop *loop, struct hd_fuse_thread *thread, size_t *ret_size);

/* Starts the threads and returns when all have ended. */
int hd_fuse_loop_run(struct hd_fuse_loop *loop);
/* Requests that run are answered; no further one is read. */
void hd_fuse_loop_stop(struct hd_fuse_loop *loop);

#endif
