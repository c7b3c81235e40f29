/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_WRITTEN_PAGES_H
#define HEDDLE_MOUNT_FUSE_WRITTEN_PAGES_H

/*
 * Written pages: what the kernel holds of bytes that were stored into mappings (with -o writeback: of all that was written)
 * and sends by itself.
 *
 *     a command: hd_mount_flush → its request → the worker: hd_written_pages_await → what looks at the files
 *
 * Newer kernels begin to send them in syncfs(2) of a FUSE mount and do not wait for the end. But what was begun is read by
 * the worker before any request that comes later, and so only what it has read and not done is left to wait for.
 *
 * Threads     Any that serves no request of the kernel. Errors: see the function.
 */

#include "overlay/platform/threads/activity.h"

/*
 * Returns when the writes that are in flight now are done; those that begin meanwhile are nobody's matter. -HD_E_INTERRUPTED.
 */
int hd_written_pages_await(struct hd_activities *activities);

#endif
