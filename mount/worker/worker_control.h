/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WORKER_WORKER_CONTROL_H
#define HEDDLE_MOUNT_WORKER_WORKER_CONTROL_H

/*
 * Worker control: serves the clients whose sockets the supervisor passes, and hears the supervisor itself.
 *
 *     hd_worker_control_start → clients are served → hd_worker_control_stop (waits for requests that run)
 *
 * Threads     One listens to the link, a few serve clients; none of them is a request thread of the mount.
 * Ownership   Everything in the settings is borrowed until stop returns.
 */

#include <stdbool.h>
#include <sys/types.h>

#include "mount/answers/control_execute.h"
#include "mount/fuse/session/fuse_session.h"
#include "mount/parts/large_files.h"

struct hd_worker_control_settings {
	struct hd_overlay *overlay;
	struct hd_fuse_session *session; /* told to stop when the supervisor says so */
	struct hd_control_environment environment;
	int link_fd;
	struct hd_announcements *announcements; /* told again to another supervisor */
	int signal_fd; /* readable when the session is to end: hd_process_signal_fd */
};

struct hd_worker_control;

/* Copies SETTINGS. */
int hd_worker_control_start(
	const struct hd_worker_control_settings *settings, struct hd_worker_control **ret_control);
/* Tells the supervisor at LINK_FD of a THREAD that ends with the process and not before. */
void hd_worker_control_name_thread(int link_fd, pid_t thread);
/* Whether the supervisor said that another worker is to go on in the place of this one. */
bool hd_worker_control_yields(const struct hd_worker_control *control);
/* No client is heard any more; those that were are answered. NULL is fine. */
void hd_worker_control_stop(struct hd_worker_control *control);

#endif
