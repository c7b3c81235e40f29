/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_SESSION_TYPES_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_SESSION_TYPES_H

/* What the fuse_*.c files of one session share. Nobody outside of them includes this. */

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <linux/fuse.h>

#include "mount/fuse/kernel_cache.h"
#include "mount/fuse/requests/message_counters.h"
#include "mount/fuse/requests/request_area.h"
#include "mount/fuse/requests/request_gate.h"
#include "mount/fuse/sync_pool.h"
#include "mount/mount_options.h"
#include "mount/owner_map.h"
#include "mount/witness/witness.h"
#include "overlay/overlay.h"

/* The most data of one READ or WRITE: 256 pages, the kernel's own limit for max_pages. */
#define HD_FUSE_DATA_SIZE (256u * 4096u)
/* Room before the data: headers and names. As large as libfuse's own. */
#define HD_FUSE_MESSAGE_SIZE (HD_FUSE_DATA_SIZE + 4096u)

struct hd_fuse_loop;
struct hd_dot_directory;
struct hd_dot_crowd;

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
	struct hd_dot_crowd *crowd;           /* owned */
	struct hd_fuse_loop *loop;            /* owned */
	unsigned view;                        /* our number in the kernel cache */
	int fd;                               /* number of the descriptor; closed by native */
	bool killpriv;                        /* negotiated: set-user-id bits are ours to drop */
	bool acl;                   /* negotiated: the kernel asks for ACLs, umasks are ours to apply */
	bool long_setxattr;         /* negotiated: SETXATTR has flags that libfuse does not know */
	struct hd_witness *witness; /* owned; NULL: nobody records who changes what */
	bool begun;                 /* fd is the device */
};

static inline struct hd_fuse_session *hd_fuse_session_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

#endif
