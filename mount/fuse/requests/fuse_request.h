/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_FUSE_REQUEST_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_FUSE_REQUEST_H

/*
 * The request that a thread works on, as the kernel sent it: libfuse tells handlers neither its unique id nor what it does not
 * know itself.
 *
 * Calling sequence
 *     hd_fuse_thread_new → messages are read into ->message and processed (fuse_process.h) → hd_fuse_thread_free
 *
 * Ownership   A thread has its slot of the request area to itself. What the functions below give out lies in it, and is gone
 *             when the request is done.
 * Threads     All but _new and _free ask for the calling thread's own request.
 */

#include "mount/fuse/session/fuse_session_types.h"
#include "overlay/platform/threads/activity.h"

/* One request thread: its buffers live as long as it does, so that a request allocates nothing. */
struct hd_fuse_thread {
	struct hd_fuse_session *session; /* borrowed */
	uint32_t slot;                   /* of the request area */
	void *message; /* in the slot: HD_FUSE_MESSAGE_SIZE bytes, the request as the kernel sent it */
	void *reply;   /* likewise: HD_FUSE_DATA_SIZE bytes for a reply's data */
	bool rests;    /* the slot has no memory: nothing may be read into it */
	bool inside;   /* what it works on has passed the gate */
	struct hd_activity activity; /* what this thread works on */
};

/*
 * The calling request thread, with the request it works on in ->message; NULL in every other thread. libfuse
 * gives handlers neither the request's unique id nor the flags it does not know itself.
 */
extern _Thread_local struct hd_fuse_thread *hd_fuse_thread_current;

/* The header of the request that the calling request thread works on. */
const struct fuse_in_header *hd_fuse_request_header(void);
/* Its body of SIZE bytes, or NULL if it is shorter. */
const void *hd_fuse_request_body(size_t size);

/* Who asked for REQ. */
struct hd_caller hd_fuse_caller(fuse_req_t req);

/* The buffers of one request thread. -ENOMEM; -EAGAIN if the area has no slot. */
int hd_fuse_thread_new(struct hd_fuse_session *session, struct hd_fuse_thread **ret_thread);
/* NULL is fine. */
void hd_fuse_thread_free(struct hd_fuse_thread *thread);

/* THREAD, which works on nothing, has not had a request for long: its buffers' memory goes back to the system until _rouse. */
void hd_fuse_thread_rest(struct hd_fuse_thread *thread);
/* Before THREAD reads: the memory is there. Costs nothing for one that did not rest. */
void hd_fuse_thread_rouse(struct hd_fuse_thread *thread);

#endif
