/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_MOUNTS_MOUNT_POINT_H
#define HEDDLE_PLATFORM_MOUNTS_MOUNT_POINT_H

/*
 * Mountpoints: /dev/fuse, mount(2) or fusermount3, unmount, and what /proc/self/mountinfo says.
 * Protocol of fusermount3: it hands the descriptor over the socket named by _FUSE_COMMFD (libfuse,
 * util/fusermount.c).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct hd_mount_request {
	const char *directory; /* absolute; must exist */
	const char *source;    /* shown in /proc/mounts, "heddle:main" */
	bool allow_other;
	bool default_permissions;
	bool read_only;
	bool noatime, nodiratime, strictatime;
	bool suid, dev; /* honour set-user-id programs and device nodes: counts for root alone */
};

/* /dev/fuse, opened. -HD_E_FUSE_DEVICE: there is none that works; -HD_E_MOUNT_REFUSED: not for this user. */
int hd_mount_point_open_device(void);

/*
 * Mounts as type fuse.heddle: root by mount(2), others by fusermount3(1), which takes set-user-id programs and
 * devices away. Returns the /dev/fuse descriptor (blocking, close-on-exec), owned by the caller. -EINVAL
 * for a relative path, -ENOTDIR, -HD_E_FUSE_DEVICE, -HD_E_MOUNT_REFUSED with fusermount3's own words as the detail, or
 * mount(2)'s errno.
 */
int hd_mount_point_attach(const struct hd_mount_request *request);

/* The same by mount(2), whoever we are: for a process in a namespace of its own (namespace.h). */
int hd_mount_point_attach_here(const struct hd_mount_request *request);

/* Unmounts: umount2 as root, fusermount3 -u otherwise. LAZY detaches a busy mount (MNT_DETACH, -z). -EBUSY
 * when in use, -EINVAL when nothing is mounted there. Never waits for the filesystem itself, so that a dead
 * one can be removed. */
int hd_mount_point_detach(const char *directory, bool lazy);

/* Detaches the mount of processes that are dead. What the kernel kept of one may have its device still (process_remains.h): programs
 * that wait there for an answer get ECONNABORTED, if we are root (MNT_FORCE). */
int hd_mount_point_abandon(const char *directory);

/* One mount of type fuse.heddle as /proc/self/mountinfo names it. */
struct hd_mount_entry {
	const char *directory; /* unescaped */
	const char *root;      /* what of the filesystem is there: "/", or where a bind mount begins */
	const char *source;
	unsigned major, minor;
};
typedef int (*hd_mount_emit)(const struct hd_mount_entry *entry, void *payload);
/* Calls EMIT for each; its nonzero result ends the listing and is returned. */
int hd_mount_point_list(hd_mount_emit emit, void *payload);

/* hd_mount_point_list of TEXT in the form of /proc/self/mountinfo (proc(5)), which is changed while it is
 * read. Lines that do not parse are left out. */
int hd_mount_point_parse(char *text, hd_mount_emit emit, void *payload);

/* Where fusermount3 is, with which ordinary users mount; NULL if it is nowhere. */
const char *hd_mount_point_helper(void);

#endif
