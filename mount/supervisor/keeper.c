/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keeper does nothing but receive descriptors until its supervisor's end of the link closes. It ignores every
 * signal that asks a process to end: its supervisor tells it when.
 *
 * What it has no descriptor for does not come. It keeps some back for that, asks to be told again, and goes on to ask: in a
 * death of both others what it lacks would be lost.
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

#define AGAIN_MS 1000
#define ROOM_PATIENCE_NS 60000000000u
#define ROOM_RETRY_NS 100000000u

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
	kept->lacks_device = false;
}

/* Whether MESSAGE lacks the descriptor that it was sent with. */
static bool is_incomplete(const json_t *message, int fd)
{
	const char *op = hd_control_op(message);

	return fd < 0 && (strcmp(op, "worker") == 0 || strcmp(op, "hold") == 0 ||
				 json_is_true(json_object_get(message, "there")));
}

static void note_lack(struct hd_supervisor *kept, const json_t *message)
{
	int none = -1;

	if (!kept->lacks)
		hd_log(HD_LOG_WARNING,
			"the keeper has no descriptor for what the mount has in memory: it asks again");
	kept->lacks = kept->lacks_still = true;
	/* What the slot had before is another file's. */
	if (strcmp(hd_control_op(message), "hold") == 0)
		(void)hd_held_files_hear(&kept->large, message, &none);
	else if (strcmp(hd_control_op(message), "device") == 0)
		kept->lacks_device = true;
}

/* All that is lacking now is told after this. */
static void ask_again(struct hd_supervisor *kept)
{
	(void)hd_reserve_release(&kept->reserve);
	kept->lacks_still = false;
	(void)hd_control_send(HD_WORKER_LINK_FD, json_pack("{s:s}", "op", "again"), -1);
}

static void hear(struct hd_supervisor *kept, const json_t *message, int *fd)
{
	const char *op = hd_control_op(message);

	if (is_incomplete(message, *fd)) {
		note_lack(kept, message);
		if (hd_reserve_release(&kept->reserve))
			ask_again(kept);
	} else if (strcmp(op, "worker") == 0) {
		hear_worker(kept, message, fd);
		/* The last of all that is told. */
		kept->lacks = kept->lacks_still;
		if (!kept->lacks)
			hd_reserve_fill(&kept->reserve);
	} else if (strcmp(op, "device") == 0) {
		hear_device(kept, fd);
	} else if (strcmp(op, "hold") == 0 || strcmp(op, "drop") == 0) {
		(void)hd_held_files_hear(&kept->large, message, fd);
	}
}

/* Keeps what the supervisor sends: true when it dismisses us, false when it dies. */
static bool keep(struct hd_supervisor *kept)
{
	for (;;) {
		HD_AUTO_CLOSE int fd = -1;
		json_t *message;
		bool finished;
		int r;

		r = hd_control_receive(HD_WORKER_LINK_FD, kept->lacks ? AGAIN_MS : -1, &message, &fd);
		if (r == -HD_E_CONTROL_TIMEOUT) {
			ask_again(kept);
			continue;
		}
		if (r < 0)
			return false;
		finished = strcmp(hd_control_op(message), "finished") == 0;
		hear(kept, message, &fd);
		json_decref(message);
		if (finished)
			return true;
	}
}

/* To give up for want of them would be to lose what the mount has in memory; programs wait meanwhile. */
static void await_descriptors(struct hd_supervisor *kept)
{
	uint64_t deadline = hd_clock_monotonic_ns() + ROOM_PATIENCE_NS;

	hd_reserve_fill(&kept->reserve);
	if (!hd_reserve_is_full(&kept->reserve))
		hd_log(HD_LOG_WARNING, "heddled is dead, and its keeper waits for descriptors");
	while (!hd_reserve_is_full(&kept->reserve) && hd_clock_monotonic_ns() < deadline) {
		hd_clock_sleep_ns(ROOM_RETRY_NS);
		hd_reserve_fill(&kept->reserve);
	}
	(void)hd_reserve_release(&kept->reserve);
}

static void become_supervisor(struct hd_supervisor *kept)
{
	int r;

	await_descriptors(kept);
	r = hd_supervisor_succeed(kept);
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
	hd_reserve_fill(&kept.reserve);
	if (!keep(&kept) && kept.worker != 0)
		become_supervisor(&kept);
	hd_supervisor_clear(&kept);
	return kept.exit_status;
}
