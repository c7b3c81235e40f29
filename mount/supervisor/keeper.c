/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keeper does nothing but receive descriptors until its supervisor's end of the link closes. It ignores every
 * signal that asks a process to end: its supervisor tells it when.
 *
 * One keeper lives per thread: it has a lock that its supervisor took for it. So whoever wants to adopt a worker from
 * outside knows that no keeper is about to.
 */

#include "mount/supervisor/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "mount/control/control_channel.h"
#include "mount/program_spawn.h"
#include "mount/run_file.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

static void hear_worker(struct hd_supervisor *kept, const json_t *message, int *link)
{
	const char *last = json_string_value(json_object_get(message, "last_restart"));

	hd_descriptor_close(&kept->watch_fd);
	hd_descriptor_close(&kept->link_fd);
	kept->link_fd = hd_steal_fd(link);
	kept->worker = (pid_t)json_integer_value(json_object_get(message, "pid"));
	kept->number = (uint32_t)json_integer_value(json_object_get(message, "number"));
	kept->restarts = (uint64_t)json_integer_value(json_object_get(message, "restarts"));
	(void)snprintf(kept->last_restart, sizeof(kept->last_restart), "%s", last ? last : "");
	hd_held_files_restart(&kept->large);
	/* -ESRCH: it has ended already, which its flag explains. */
	kept->watch_fd = hd_process_watch(kept->worker);
	/* The worker is told last: from now on we can take the supervisor's place. */
	hd_run_lock_sign(kept->keeper_lock_fd);
}

static void hear_device(struct hd_supervisor *kept, int *device)
{
	hd_descriptor_close(&kept->parts[HD_PART_DEVICE]);
	kept->parts[HD_PART_DEVICE] = hd_steal_fd(device);
	kept->detached = kept->parts[HD_PART_DEVICE] < 0;
}

/* Keeps what the supervisor sends: true when it dismisses us, false when it dies. */
static bool keep(struct hd_supervisor *kept)
{
	for (;;) {
		HD_AUTO_CLOSE int fd = -1;
		json_t *message;
		const char *op;
		bool finished;

		if (hd_control_receive(HD_WORKER_LINK_FD, -1, &message, &fd) < 0)
			return false;
		op = hd_control_op(message);
		finished = strcmp(op, "finished") == 0;
		if (strcmp(op, "worker") == 0)
			hear_worker(kept, message, &fd);
		else if (strcmp(op, "device") == 0)
			hear_device(kept, &fd);
		else if (strcmp(op, "hold") == 0 || strcmp(op, "drop") == 0)
			(void)hd_held_files_hear(&kept->large, message, &fd);
		json_decref(message);
		if (finished)
			return true;
	}
}

static void become_supervisor(struct hd_supervisor *kept)
{
	int r = hd_supervisor_succeed(kept);

	if (r >= 0) {
		hd_supervisor_serve(kept);
	} else if (r != -HD_E_THREAD_BUSY) {
		hd_log(HD_LOG_ERROR, "heddled is dead and nobody can take its place: %s",
			hd_error_message(r));
		kept->exit_status = 1;
	}
}

int hd_keeper_run(const struct hd_program_arguments *arguments)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct hd_supervisor kept;
	int part;
	int r;

	hd_supervisor_init(&kept, arguments);
	kept.signal_fd = hd_process_signal_fd(signals, HD_ARRAY_SIZE(signals));
	kept.keeper_lock_fd = HD_KEEPER_LOCK_FD;
	for (part = 0; part < HD_PARTS_INHERITED; part++)
		kept.parts[part] = HD_PART_FD(part);
	hd_process_raise_limits();
	hd_process_ignore_broken_pipes();
	hd_mount_options_default(&kept.options);
	r = hd_mount_options_parse(&kept.options, arguments->options);
	if (r < 0)
		hd_log(HD_LOG_WARNING, "keeping with default options: %s", hd_error_message(r));
	if (!keep(&kept) && kept.worker != 0)
		become_supervisor(&kept);
	hd_supervisor_clear(&kept);
	return kept.exit_status;
}
