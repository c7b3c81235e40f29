/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CLIENT_MOUNT_START_H
#define HEDDLE_MOUNT_CLIENT_MOUNT_START_H

/*
 * Mount start: brings a thread's mount up and down from the command line, and finds mounts.
 *
 *     hd_mount_start → the mountpoint serves when it returns 0 → hd_mount_stop
 *
 * Ownership   Found places own their strings, released by hd_mount_place_clear.
 * Threads     Any.
 * Errors      -HD_E_MOUNTED, -HD_E_MOUNT_REFUSED, -HD_E_THREAD_BUSY, -HD_E_NOT_MOUNTED, -EBUSY, or what
 *             the worker said, with its detail.
 */

#include <stdbool.h>

#include "mount/mount_options.h"
#include "overlay/store/store.h"

/*
 * Mounts THREAD at DIRECTORY, which must exist and be empty of other mounts; NULL: the store's mnt/<thread>,
 * which is made. A dead mount of ours that stands there is detached first.
 */
int hd_mount_start(struct hd_store *store, const char *thread, const char *directory,
	const struct hd_mount_options *options);

/*
 * A private mount is made by the caller, where nobody else sees it (private/warden.h), and then served like any other:
 * hd_mount_prepare_private → mount it → hd_mount_start_private → ... → hd_mount_stop_private
 *
 * Prepare says where THREAD, which must not be mounted, is to be mounted: at DIRECTORY, or NULL: at the store's
 * mnt/<thread>, which is made. Start takes a copy of DEVICE. Stop returns when all is durable, whoever uses the mount, or
 * -HD_E_NOT_MOUNTED.
 */
int hd_mount_prepare_private(
	const struct hd_store *store, const char *thread, const char *directory, char **ret_directory);
int hd_mount_start_private(struct hd_store *store, const char *thread, const char *directory,
	const struct hd_mount_options *options, int device);
int hd_mount_stop_private(struct hd_store *store, uint32_t number, const char *thread);

/* Unmounts and returns when all is durable. LAZY detaches a busy mount. -HD_E_NOT_MOUNTED. */
int hd_mount_stop(struct hd_store *store, const char *thread, bool lazy);

/*
 * Thread NUMBER is in use and nobody answers at its socket: if its worker lives without a supervisor, it has one when
 * this returns 0. That somebody else is about to see to it is 0 too. -HD_E_OTHER_FORMATS, -HD_E_NOT_MOUNTED.
 */
int hd_mount_adopt(const struct hd_store *store, const char *thread, uint32_t number);

/*
 * Puts the programs of this build in the place of those that serve THREAD; what uses the mount waits for a moment.
 * *RET_VERSION is the version of those (fresh memory). -HD_E_OTHER_FORMATS, before anything happened; -HD_E_NOT_MOUNTED.
 */
int hd_mount_upgrade(const struct hd_store *store, const char *thread, char **ret_version);
/* The second half of that: THREAD's worker has no supervisor, and gets another supervisor and another worker. */
int hd_mount_replace(const struct hd_store *store, const char *thread);

/* The control socket of thread NUMBER, of a mount that has no supervisor once it got one. -ENOENT, -ECONNREFUSED. */
int hd_mount_connect(const struct hd_store *store, const char *thread, uint32_t number);

/* Where a mount of ours is and what it shows. */
struct hd_mount_place {
	char *directory; /* owned: the mountpoint, absolute */
	char *store;     /* owned: path of the .heddle directory */
	char *thread;    /* owned */
};

/* The mount that PATH (resolved where that is possible, by text where a dead mount forbids it) lies in.
 * -HD_E_NOT_MOUNTED. */
int hd_mount_find(const char *path, struct hd_mount_place *ret_place);

/* The mount of THREAD of the store at STORE_PATH. -HD_E_NOT_MOUNTED. */
int hd_mount_find_thread(const char *store_path, const char *thread, struct hd_mount_place *ret_place);

/*
 * Whether nobody serves the mount any more. The thread's lease says so, which everybody who could serve it has: a call
 * into the mount would be answered from the kernel's cache, or never.
 */
bool hd_mount_is_dead(const struct hd_mount_place *place);

/*
 * The same, for who would go on if it were: processes of the mount that were killed may still be ending, which is waited for
 * (10 s). A worker without a supervisor gets one. False when somebody answers, or does not and does not end.
 */
bool hd_mount_await_end(const struct hd_mount_place *place);

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
