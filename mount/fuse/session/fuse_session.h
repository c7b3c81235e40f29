/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_SESSION_FUSE_SESSION_H
#define HEDDLE_MOUNT_FUSE_SESSION_FUSE_SESSION_H

/*
 * FUSE session: answers one kernel connection from one overlay.
 *
 *     hd_fuse_session_new → _begin (the kernel's INIT) → _serve (until the mount is gone or _stop) → _free
 *
 * The device was opened and mounted by somebody else (the supervisor), and nothing here unmounts.
 *
 * Ownership   Overlay, counters, watchdog and request area are borrowed and must outlive the session; the device is taken over by
 *             _new.
 * Threads     _serve blocks its caller and runs threads of its own; _stop may run in any thread.
 * Errors      -errno of the device; -ENODEV when the mount is gone before it began.
 */

#include "mount/fuse/requests/message_counters.h"
#include "mount/fuse/requests/request_area.h"
#include "mount/mount_options.h"
#include "mount/watchdog/watchdog.h"
#include "overlay/overlay.h"

struct hd_fuse_session;

/* Takes DEVICE over, on failure too. */
int hd_fuse_session_new(struct hd_overlay *overlay, const struct hd_mount_options *options,
	struct hd_message_counters *counters, struct hd_watchdog *watchdog, struct hd_request_area *area,
	int device, struct hd_fuse_session **ret_session);
void hd_fuse_session_free(struct hd_fuse_session *session);

/*
 * Answers INIT: from then on the mount serves, once _serve runs. TAKEN_OVER: a worker that died had begun, and what it
 * left is finished or asked for again (fuse_take_over.h).
 */
int hd_fuse_session_begin(struct hd_fuse_session *session, bool taken_over);

/* 0 when the mount is gone or _stop was called. */
int hd_fuse_session_serve(struct hd_fuse_session *session);
void hd_fuse_session_stop(struct hd_fuse_session *session);

/* The device, borrowed until _free. */
int hd_fuse_session_device(const struct hd_fuse_session *session);

/* From now on the mount's file .git, which must be there already, has the TEXT, which is taken over. */
void hd_fuse_session_set_git(struct hd_fuse_session *session, char *text);

struct hd_witness;
/* Who notes which process changes what, borrowed; NULL: nobody does. */
struct hd_witness *hd_fuse_session_witness(const struct hd_fuse_session *session);

#endif
