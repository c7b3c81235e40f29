/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_TAKE_OVER_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_TAKE_OVER_H

/*
 * Take-over: what a session does with the requests of a worker that died, before any thread of its own reads.
 *
 * Threads     hd_fuse_ask_again and hd_fuse_take_over: one, before the loop runs. The others: the request thread that reads.
 * Errors      -errno of the device.
 */

#include "mount/fuse/requests/fuse_request.h"

/* The bit that marks a request that the kernel sends again, through any number of deaths. */
#define HD_FUSE_RESENT (1ull << 63)

static inline bool hd_fuse_is_resent(const struct fuse_in_header *header)
{
	return header->unique & HD_FUSE_RESENT;
}

/* Whether the kernel sends requests of OPCODE again, and waits for an answer. */
static inline bool hd_fuse_is_answered(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT;
}

/* Has the kernel send again what it gave to dead readers of DEVICE. -EINVAL: it cannot. */
int hd_fuse_ask_again(int device);

/*
 * Applies what was left of FORGETs, notes which requests the last process died of, and asks the kernel to send again
 * what was not answered; a kernel that cannot gets EIO for each. The session answers already.
 */
int hd_fuse_take_over(struct hd_fuse_session *session);

/*
 * Every request that the kernel sends again was read and begun. What a dead worker did for one that did not come again is
 * taken back: its program was killed while nobody served, and the kernel holds none of the lookups and opens that the
 * answer would have brought.
 */
void hd_fuse_resent_begun(struct hd_fuse_session *session);

/* Whether so many processes died of the resent request in THREAD that it is not tried again: it was answered EIO. */
bool hd_fuse_refuse_poison(struct hd_fuse_thread *thread);

#endif
