/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PRIVATE_WARDEN_H
#define HEDDLE_MOUNT_PRIVATE_WARDEN_H

/*
 * Warden: a process in namespaces of its own, in which it mounts, starts one command, and ends whatever that leaves.
 *
 *     hd_warden_start → hd_warden_mount → [somebody serves the device] → hd_warden_run → hd_warden_release
 *
 * When the caller dies the warden ends the command and everything that came of it, and itself; the mount goes with the
 * namespace, and its server sees it go. When the warden dies the command gets SIGKILL, and what came of it is left to
 * the caller, whose hd_warden_release ends that.
 *
 * The command runs in the caller's process group: what a terminal sends goes to both, and stops both. Signals that the
 * caller alone gets while the command runs are passed on.
 *
 * Ownership   The warden owns its descriptors, released by hd_warden_release; a released or zeroed one with pid 0 is fine.
 * Threads     The caller is the only thread of its process until hd_warden_start has returned.
 * Errors      -errno with a detail; -HD_E_COMMAND_MISSING, -HD_E_COMMAND_REFUSED.
 */

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "overlay/platform/mounts/mount_point.h"

struct hd_warden {
	pid_t pid;
	int link_fd;
	int processes_fd;   /* a process table */
	uint64_t namespace; /* the one it mounted in; 0 before that */
};

struct hd_warden_settings {
	char *const *arguments; /* of the command; borrowed for as long as the warden lives */
	bool without_network;
};

/* Begins the process, which begins to make its namespaces. */
int hd_warden_start(const struct hd_warden_settings *settings, struct hd_warden *ret_warden);

/* Mounts in there. *RET_DEVICE is the caller's. */
int hd_warden_mount(struct hd_warden *warden, const struct hd_mount_request *request, int *ret_device);

/*
 * Runs the command in DIRECTORY, with STORE as HEDDLE_STORE, and returns when it and all that it left has ended, and
 * what they wrote has left the kernel. *RET_STATUS is waitpid's. Standard input and output are closed here meanwhile.
 */
int hd_warden_run(struct hd_warden *warden, const char *directory, const char *store, int *ret_status);

/* Ends the warden, and with it the namespaces. */
void hd_warden_release(struct hd_warden *warden);

#endif
