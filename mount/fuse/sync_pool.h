/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SYNC_POOL_H
#define HEDDLE_MOUNT_FUSE_SYNC_POOL_H

/*
 * Sync pool: FSYNC and FSYNCDIR wait for disks, so they run and are answered on threads of their own.
 *
 * Threads     submit never blocks; the reply comes from a thread of the pool. _free answers all that was
 *             submitted.
 */

#define FUSE_USE_VERSION 314
#include <fuse3/fuse_lowlevel.h>
#include <stdbool.h>

#include "overlay/overlay.h"
#include "overlay/platform/threads/activity.h"

struct hd_sync_pool;

/* OVERLAY and ACTIVITIES are borrowed. */
int hd_sync_pool_new(
	struct hd_overlay *overlay, struct hd_activities *activities, struct hd_sync_pool **ret_pool);
/* Waits until all is answered. NULL is fine. */
void hd_sync_pool_free(struct hd_sync_pool *pool);

/* Makes INO durable and replies to REQ, which is consumed. In a request thread. */
void hd_sync_pool_submit(struct hd_sync_pool *pool, fuse_req_t req, hd_ino ino, bool data_only);

#endif
