/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What a command does about a mount that is served and not supervised: both heddled and its keeper were killed. It
 * starts a heddled that adopts the worker; of several commands that do that at once one heddled gets the locks, and the
 * others have nothing to do.
 */

#include "mount/client/control_client.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/program_spawn.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/sockets/socket.h"

static int spawn_adopter(
	const struct hd_store *store, const char *thread, uint32_t number, bool replace, int report_fd)
{
	const struct hd_inherited_fd fds[] = {{report_fd, HD_SUPERVISOR_REPORT_FD}};
	const struct hd_program_arguments arguments = {.store = store->path,
		.thread = thread,
		.number = number,
		.adopt = true,
		.replace = replace,
		.report = true};
	pid_t pid;

	return hd_program_spawn("heddled", &arguments, fds, HD_ARRAY_SIZE(fds), &pid);
}

static int adopt(const struct hd_store *store, const char *thread, uint32_t number, bool replace)
{
	HD_AUTO_CLOSE int ours = -1;
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *report;
	int ends[2];
	int r;

	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	ours = ends[0];
	r = spawn_adopter(store, thread, number, replace, ends[1]);
	hd_cleanup_close(&ends[1]);
	if (r >= 0)
		r = hd_control_receive(ours, -1, &report, &passed_fd);
	if (r < 0)
		return r;
	r = hd_control_reply_status(report);
	json_decref(report);
	return r;
}

int hd_mount_adopt(const struct hd_store *store, const char *thread, uint32_t number)
{
	/* Who has one of them serves the thread, or is about to. */
	if (hd_run_lock_is_held(store->path, number, HD_RUN_SUPERVISOR) ||
		hd_run_lock_is_held(store->path, number, HD_RUN_KEEPER))
		return 0;
	return adopt(store, thread, number, false);
}

int hd_mount_replace(const struct hd_store *store, const char *thread, uint32_t number)
{
	return adopt(store, thread, number, true);
}
