/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "mount/control/control_json.h"
#include "mount/run_file.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/sockets/socket.h"

/* What other processes find of a supervisor in the store: its socket, who it is, and how the mount before it ended. */

int hd_supervisor_listen(struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *path =
		hd_run_file_path(supervisor->arguments.store, supervisor->number, HD_RUN_SOCKET);
	int r;

	if (!path)
		return -ENOMEM;
	/*
	 * We have the supervisor's lock, so a socket that is there is a dead supervisor's, even if it still takes
	 * connections: its lock may be free before its other descriptors are closed.
	 */
	hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_SOCKET);
	r = supervisor->listen_fd = hd_socket_listen(path);
	return r < 0 ? hd_fail_in(r, "listen at %s", path) : 0;
}

void hd_supervisor_write_status(struct hd_supervisor *supervisor)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;
	json_t *status = hd_control_with_name(
		json_pack("{s:i, s:i, s:s, s:I}", "pid", (int)getpid(), "worker", (int)supervisor->worker,
			"thread", arguments->thread, "started", (json_int_t)hd_clock_now().tv_sec),
		"mountpoint", arguments->directory);
	HD_AUTO_FREE char *text = status ? json_dumps(status, JSON_COMPACT | JSON_ENSURE_ASCII) : NULL;
	int r = text ? hd_run_file_write(arguments->store, supervisor->number, HD_RUN_STATUS, text) : -ENOMEM;

	json_decref(status);
	if (r >= 0)
		supervisor->status_due = false;
	else if (hd_supervisor_put_off(supervisor, &supervisor->status_due))
		hd_log(HD_LOG_WARNING, "cannot write the status file, trying again: %s", hd_error_message(r));
}

void hd_supervisor_remove_files(const struct hd_supervisor *supervisor)
{
	hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_ADOPTION);
	hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_SOCKET);
	hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_STATUS);
}

void hd_supervisor_record_last(const struct hd_supervisor *supervisor, const char *text)
{
	HD_AUTO_FREE char *line = NULL;
	struct timespec now = hd_clock_now();
	struct tm parts;
	char when[32] = "";

	if (gmtime_r(&now.tv_sec, &parts))
		(void)strftime(when, sizeof(when), "%Y-%m-%dT%H:%M:%SZ", &parts);
	if (asprintf(&line, "%s %s", when, text) < 0) {
		line = NULL;
		return;
	}
	(void)hd_run_file_write(supervisor->arguments.store, supervisor->number, HD_RUN_LAST, line);
}
