/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_FUSE_WITNESS_H
#define HEDDLE_MOUNT_FUSE_FUSE_WITNESS_H

/*
 * FUSE witness: tells the witness who asks, when a request is read, so that he is looked at while he waits, often for a
 * mere lookup before what he changes; and of what changes a tree before the answer is sent, so that a capture that comes
 * later knows of it.
 *
 * Threads     The request thread. Takes no lock but the witness's.
 */

#include "mount/fuse/requests/fuse_request.h"

/* THREAD has read a message. */
void hd_fuse_witness_begin(const struct hd_fuse_thread *thread);
/* The request that the calling thread works on is done, with result R: what failed changed nothing. In a thread that
 * works on none, nothing. */
void hd_fuse_witness_done(int r);
/* The request that the calling thread works on changed the mode of INO, which its message does not say. */
void hd_fuse_witness_mode(hd_ino ino);

#endif
