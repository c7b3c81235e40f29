/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_MOUNT_PLACE_H
#define HEDDLE_MOUNT_MOUNT_PLACE_H

/*
 * Mount places: where mounts of heddle are, as the kernel's table of mounts says.
 *
 * Ownership   Found places own their strings, released by hd_mount_place_clear.
 * Threads     Any.
 * Errors      -HD_E_NOT_MOUNTED, -errno.
 */

#include <stdbool.h>

/* Where a mount of ours is and what it shows. */
struct hd_mount_place {
	char *directory; /* owned: the mountpoint, absolute */
	char *store;     /* owned: path of the .heddle directory */
	char *thread;    /* owned */
	char *below;     /* owned: of hd_mount_find, where PATH is in the thread's tree; "" at its root */
};

/* The mount that PATH (resolved where that is possible, by text where a dead mount forbids it) lies in.
 * -HD_E_NOT_MOUNTED. */
int hd_mount_find(const char *path, struct hd_mount_place *ret_place);

/* The mount of THREAD of the store at STORE_PATH. -HD_E_NOT_MOUNTED. */
int hd_mount_find_thread(const char *store_path, const char *thread, struct hd_mount_place *ret_place);

/* Its root directory, as a descriptor. */
int hd_mount_open_thread(const char *store_path, const char *thread);

/*
 * Detaches what THREAD's server mounted at DIRECTORY (hd_mount_point_detach). -EINVAL when another mount of heddle's stands
 * there by now, which somebody mounted after ours was unmounted behind our back.
 */
int hd_mount_detach_own(const char *store_path, const char *thread, const char *directory, bool lazy);

/*
 * Has the kernel send what it holds of written pages, of mappings above all; when it returns, the mount's worker has read
 * them, and answers no request that looks at files before they are in the overlay (mount/fuse/written_pages.h). FD is of a
 * directory of the mount. Best effort (io).
 */
void hd_mount_flush(int fd);

/* Calls EMIT for every mount of heddle's, of whatever store; its nonzero result ends the listing and is returned. */
typedef int (*hd_mount_place_emit)(const struct hd_mount_place *place, void *payload);
int hd_mount_place_list(hd_mount_place_emit emit, void *payload);

/* Frees the strings; a cleared place is fine. */
void hd_mount_place_clear(struct hd_mount_place *place);

#endif
