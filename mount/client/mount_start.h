/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CLIENT_MOUNT_START_H
#define HEDDLE_MOUNT_CLIENT_MOUNT_START_H

/*
 * Mount start: brings a thread's mount up and down from the command line.
 *
 *     hd_mount_start → the mountpoint serves when it returns 0 → hd_mount_stop
 *
 * Threads     Any.
 * Errors      -HD_E_MOUNTED, -HD_E_MOUNT_REFUSED, -HD_E_THREAD_BUSY, -HD_E_NOT_MOUNTED, -EBUSY, or what
 *             the worker said, with its detail.
 */

#include <stdbool.h>

#include "mount/mount_options.h"
#include "mount/mount_place.h"
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

/* Why THREAD, which somebody has, cannot be had: where it is mounted, what those who have it answer (the disk may be full), or who they
 * are. */
int hd_mount_explain_busy(const struct hd_store *store, const char *thread);
/*
 * -HD_E_MOUNTED if somebody has thread NUMBER mounted where we cannot see it. Who is about to end is waited for, for PATIENCE_NS as
 * long as it answers still, and then by heddled.
 */
int hd_mount_check_elsewhere(
	const struct hd_store *store, const char *thread, uint32_t number, uint64_t patience_ns);

/*
 * Puts the programs of this build in the place of those that serve THREAD; what uses the mount waits for a moment.
 * *RET_VERSION is the version of those (fresh memory). -HD_E_OTHER_FORMATS, before anything happened; -HD_E_NOT_MOUNTED.
 */
int hd_mount_upgrade(const struct hd_store *store, const char *thread, char **ret_version);
/* The second half of that: THREAD's worker has no supervisor, and gets another supervisor and another worker. */
int hd_mount_replace(const struct hd_store *store, const char *thread, uint32_t number);

/* The control socket of thread NUMBER, of a mount that has no supervisor once it got one. -ENOENT, -ECONNREFUSED. */
int hd_mount_connect(const struct hd_store *store, const char *thread, uint32_t number);

/*
 * Whether nobody serves the mount any more. The thread's lease says so, which everybody who could serve it has: a call
 * into the mount would be answered from the kernel's cache, or never.
 */
bool hd_mount_is_dead(const struct hd_mount_place *place);

/*
 * Whether the mount is dead (hd_mount_is_dead), for who would go on if it were: processes of the mount that were killed may still be ending, which is waited for
 * (10 s). A worker without a supervisor gets one. False when somebody answers, or does not and does not end.
 */
bool hd_mount_await_end(const struct hd_mount_place *place);

#endif
