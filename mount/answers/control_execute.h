/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_EXECUTE_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_EXECUTE_H

/*
 * Control execution: the one implementation of every request of docs/design/control-protocol.md.
 *
 * Used by the worker for a mounted thread and by the command line, with its own opened overlay, for one that
 * is not.
 *
 * Ownership   Request and environment are borrowed; reply and descriptor are the caller's.
 * Threads     Any; blocks on disks and bases, so never in a request thread.
 * Errors      What goes wrong is in the reply. The result is negative only when there is no memory for a
 *             reply.
 */

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "mount/control/control_error.h"
#include "overlay/overlay.h"

struct hd_diff;
struct hd_fuse_session;
struct hd_message_counters;
struct hd_mount_options;
struct hd_switch;
struct hd_watchdog;
struct hd_witness;

/* What a mount does around a switch of its tree: mount/fuse/session/fuse_switch.h, which the command line is not linked with. */
struct hd_control_switching {
	void (*hold_changes)(struct hd_fuse_session *session);
	void (*release_changes)(struct hd_fuse_session *session, const struct hd_switch *tree_switch);
	void (*changes_are_shown)(struct hd_fuse_session *session);
	bool (*kernel_keeps_sizes)(const struct hd_fuse_session *session);
};

/* What `status` and `ping` say beyond the overlay. All zero when the thread is not mounted. */
struct hd_control_environment {
	const char *mountpoint; /* borrowed; NULL when not mounted */
	pid_t supervisor;
	pid_t worker;
	uint64_t started_ns;             /* hd_clock_monotonic_ns when the worker began to serve */
	struct hd_fuse_session *session; /* borrowed; NULL when not mounted */
	const struct hd_control_switching *switching; /* borrowed; of the session */
	/* Gives the session's file .git another text, which is taken over: hd_fuse_session_set_git. */
	void (*set_git)(struct hd_fuse_session *session, char *text);
	struct hd_witness *witness; /* borrowed: who notes which process changes what; may be NULL */
	struct hd_message_counters *messages;   /* borrowed; may be NULL */
	struct hd_watchdog *watchdog;           /* borrowed; may be NULL */
	const struct hd_mount_options *options; /* borrowed; NULL when not mounted */
	const char
		*last_end; /* borrowed: how the last mount of this thread ended badly; NULL when it did not */
	uint64_t restarts; /* workers of this mount that died and were replaced */
	const char *last_restart; /* borrowed: why the last one was; NULL when none was */
};

/* Sets *RET_REPLY and *RET_FD (-1 or an owned memory file). */
int hd_control_execute(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply, int *ret_fd);

/* The fields `changes` and `entries` of the reply to `diff`. NULL when memory is short. */
json_t *hd_control_diff(const struct hd_diff *diff);

#endif
