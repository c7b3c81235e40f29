/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_MOUNTS_FUSERMOUNT_H
#define HEDDLE_PLATFORM_MOUNTS_FUSERMOUNT_H

/*
 * The program fusermount3 as a function: mounts for ordinary users. Used by mount_point.c alone.
 *
 * Errors      As hd_mount_point_attach and hd_mount_point_detach. Threads: any.
 */

#include <stdbool.h>

#include "overlay/platform/mounts/mount_point.h"

/* hd_mount_point_attach and hd_mount_point_detach for everybody but root. */
int hd_fusermount_attach(const struct hd_mount_request *request);
int hd_fusermount_detach(const char *directory, bool lazy);

#endif
