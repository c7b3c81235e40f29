/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_FUSE_ANSWER_H
#define HEDDLE_MOUNT_FUSE_FUSE_ANSWER_H

/*
 * Answers that are an error and nothing else, and that arrive: who asked waits for them, and for nothing else.
 *
 * A device that does not take them is tried for a second, in which the caller waits; then this process is ended by SIGKILL, so
 * that another worker takes over.
 *
 * Threads     Any, without a lock.
 */

#include "mount/fuse/session/fuse_session_types.h"

/* Answers request UNIQUE, as the kernel numbered it, with ERROR (negative errno). If it was answered, nothing happens. */
void hd_fuse_answer(const struct hd_fuse_session *session, uint64_t unique, int error);

/* R is what writing an answer to UNIQUE came to: one that the device did not take is followed by EIO. Returns R. */
int hd_fuse_answered(const struct hd_fuse_session *session, uint64_t unique, int r);

#endif
