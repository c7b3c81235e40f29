/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PARTS_MOUNT_PARTS_H
#define HEDDLE_MOUNT_PARTS_MOUNT_PARTS_H

/*
 * Mount parts: the descriptors that are a mount. Whoever has them all, and the large files, can serve it or have it
 * served; the mount is there for as long as one process has the device, its memory for as long as one has that.
 *
 * All but the device are inherited by workers and keepers, as descriptor HD_PART_FIRST_FD + part; the device, which is
 * there only once something is mounted, is sent.
 */

enum hd_mount_part {
	HD_PART_ARENA,    /* the overlay's tables */
	HD_PART_HOT,      /* the overlay's bytes */
	HD_PART_LEASE,    /* run_file.h; kept open to the end, never used */
	HD_PART_CLOSED,   /* a flag: the overlay is closed, its memory is of no use any more */
	HD_PART_REQUESTS, /* request_area.h */
	HD_PART_ADOPTION, /* a listening socket: the worker answers there, see adoption.h */
	HD_PART_DEVICE,   /* /dev/fuse */
	HD_PART_COUNT
};

/* The worker's thread that tells the kernel, once it has nothing of the parts but the device: it waits there for what programs wait
 * for, and may do so when the rest of the worker is dead. */
#define HD_NOTIFIER_THREAD "notify-alone"

#define HD_PART_FIRST_FD 4
#define HD_PARTS_INHERITED HD_PART_DEVICE

/* The descriptor of an inherited part. */
#define HD_PART_FD(part) (HD_PART_FIRST_FD + (part))

#include "overlay/platform/processes/process.h"

/* Fills in what a child inherits: HD_PARTS_INHERITED rows. */
static inline void hd_mount_parts_inherit(const int parts[HD_PART_COUNT], struct hd_inherited_fd *ret_fds)
{
	int part;

	for (part = 0; part < HD_PARTS_INHERITED; part++)
		ret_fds[part] = (struct hd_inherited_fd){parts[part], HD_PART_FD(part)};
}

#endif
