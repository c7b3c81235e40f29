/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_FUSE_SESSION_TYPES_H
#define HEDDLE_MOUNT_FUSE_FUSE_SESSION_TYPES_H

/* What the fuse_*.c files of one session share. Nobody outside of them includes this. */

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

#include "mount/fuse/fuse_options.h"
#include "mount/fuse/kernel_cache.h"
#include "mount/fuse/message_counters.h"
#include "mount/fuse/owner_map.h"
#include "mount/fuse/request_area.h"
#include "mount/fuse/request_gate.h"
#include "mount/witness/witness.h"
#include "mount/worker/sync_pool.h"
#include "overlay/overlay.h"
#include "overlay/platform/activity.h"

/* The most data of one READ or WRITE: 256 pages, the kernel's own limit for max_pages. */
#define HD_FUSE_DATA_SIZE (256u * 4096u)
/* Room before the data: headers and names. As large as libfuse's own. */
#define HD_FUSE_MESSAGE_SIZE (HD_FUSE_DATA_SIZE + 4096u)

struct hd_fuse_loop;
struct hd_dot_directory;

struct hd_fuse_session {
	struct hd_overlay *overlay;           /* borrowed */
	struct hd_message_counters *counters; /* borrowed */
	struct hd_activities *activities;     /* borrowed */
	struct hd_request_area *area;         /* borrowed */
	struct hd_mount_options options;      /* immutable */
	struct hd_owner_map owners;           /* immutable */
	struct fuse_session *native;          /* owned */
	struct hd_kernel_cache *cache;        /* owned */
	struct hd_sync_pool *sync;            /* owned */
	struct hd_request_gate *gate;         /* owned */
	struct hd_dot_directory *dot;         /* owned */
	struct hd_fuse_loop *loop;            /* owned */
	unsigned view;                        /* our number in the kernel cache */
	int fd;                               /* number of the descriptor; closed by native */
	bool killpriv;                        /* negotiated: set-user-id bits are ours to drop */
	bool acl;                   /* negotiated: the kernel asks for ACLs, umasks are ours to apply */
	bool long_setxattr;         /* negotiated: SETXATTR has flags that libfuse does not know */
	struct hd_witness *witness; /* owned; NULL: nobody records who changes what */
	bool begun;                 /* fd is the device */
};

/* One request thread: its buffers live as long as it does, so that a request allocates nothing. */
struct hd_fuse_thread {
	struct hd_fuse_session *session; /* borrowed */
	uint32_t slot;                   /* of the request area */
	void *message; /* in the slot: HD_FUSE_MESSAGE_SIZE bytes, the request as the kernel sent it */
	void *reply;   /* likewise: HD_FUSE_DATA_SIZE bytes for a reply's data */
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

static inline struct hd_fuse_session *hd_fuse_session_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* Who asked for REQ. */
struct hd_caller hd_fuse_caller(fuse_req_t req);

/* Hands THREAD's message of SIZE bytes, which hd_request_begin announced, to its handler, and ends it. */
void hd_fuse_session_process(struct hd_fuse_thread *thread, size_t size);
/* The request in THREAD's message is answered. */
void hd_fuse_session_done(struct hd_fuse_thread *thread);

#endif
