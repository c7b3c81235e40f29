/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The keeper does nothing but receive descriptors until its supervisor's end of the link closes. It ignores every
 * signal that asks a process to end: its supervisor tells it when.
 *
 * Whether the worker closed its overlay is told by a flag that both hold (HD_WORKER_CLOSED_FD): the keeper is not the
 * worker's parent and learns no exit status. The lease, which it holds too, makes sure that nobody has opened the
 * thread since, so that the memory it holds is never older than the disk.
 */

#include "mount/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "mount/control_channel.h"
#include "mount/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/descriptor.h"
#include "overlay/platform/error.h"
#include "overlay/platform/log.h"
#include "overlay/platform/process.h"
#include "overlay/platform/socket.h"

int hd_keeper_spawn(struct hd_supervisor *supervisor)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;
	HD_AUTO_FREE char *program = NULL;
	HD_AUTO_FREE char *options = NULL;
	HD_AUTO_CLOSE int theirs = -1;
	char names[][16] = {"--store", "--thread", "--options", "--keeper"};
	int ends[2];
	pid_t pid;
	int r;

	r = hd_process_own_program("heddled", &program);
	if (r < 0)
		return hd_fail_in(r, "find heddled");
	options = hd_mount_options_format(&supervisor->options);
	if (!options)
		return -ENOMEM;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	supervisor->keeper_fd = ends[0];
	theirs = ends[1];

	char *argv[] = {program, names[0], (char *)(uintptr_t)arguments->store, names[1],
		(char *)(uintptr_t)arguments->thread, names[2], options, names[3], NULL};
	const struct hd_inherited_fd fds[] = {{theirs, HD_WORKER_LINK_FD},
		{supervisor->arena_fd, HD_WORKER_ARENA_FD}, {supervisor->hot_fd, HD_WORKER_HOT_FD},
		{supervisor->lease_fd, HD_WORKER_LEASE_FD}, {supervisor->closed_fd, HD_WORKER_CLOSED_FD}};

	r = hd_process_spawn(program, argv, fds, HD_ARRAY_SIZE(fds), false, &pid);
	if (r < 0)
		hd_descriptor_close(&supervisor->keeper_fd);
	return r < 0 ? hd_fail_in(r, "start %s", program) : 0;
}

static void tell(struct hd_supervisor *supervisor, json_t *message, int fd)
{
	if (supervisor->keeper_fd < 0) {
		json_decref(message);
		return;
	}
	if (hd_control_send(supervisor->keeper_fd, message, fd) >= 0)
		return;
	hd_log(HD_LOG_WARNING, "the keeper is gone");
	hd_descriptor_close(&supervisor->keeper_fd);
}

void hd_keeper_tell_worker(struct hd_supervisor *supervisor)
{
	tell(supervisor,
		json_pack("{s:s, s:i, s:I}", "op", "worker", "pid", (int)supervisor->worker, "number",
			(json_int_t)supervisor->number),
		-1);
}

void hd_keeper_tell_large(struct hd_supervisor *supervisor, uint32_t slot, int fd)
{
	tell(supervisor, json_pack("{s:s, s:I}", "op", fd >= 0 ? "hold" : "drop", "slot", (json_int_t)slot),
		fd);
}

void hd_keeper_dismiss(struct hd_supervisor *supervisor)
{
	tell(supervisor, json_pack("{s:s}", "op", "finished"), -1);
}

/* ---- the keeper itself ---- */

static void watch_worker(struct hd_supervisor *kept, const json_t *message)
{
	hd_descriptor_close(&kept->watch_fd);
	kept->worker = (pid_t)json_integer_value(json_object_get(message, "pid"));
	kept->number = (uint32_t)json_integer_value(json_object_get(message, "number"));
	/* -ESRCH: it has ended already, which its flag explains. */
	kept->watch_fd = hd_process_watch(kept->worker);
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
			watch_worker(kept, message);
		else if (strcmp(op, "hold") == 0 || strcmp(op, "drop") == 0)
			hd_supervisor_hear_large(kept, message, &fd);
		json_decref(message);
		if (finished)
			return true;
	}
}

static bool flag_is_raised(int fd)
{
	unsigned ready = 0;

	return hd_descriptor_wait(&fd, 1, 0, &ready) >= 0 && ready != 0;
}

/* The supervisor is dead: waits for the worker's end, and salvages unless it was a good one. */
static void act_for_the_dead(struct hd_supervisor *kept)
{
	unsigned ready = 0;

	kept->adopted = true;
	while (kept->watch_fd >= 0 && ready == 0) {
		if (hd_descriptor_wait(&kept->watch_fd, 1, -1, &ready) < 0)
			break;
	}
	hd_descriptor_close(&kept->watch_fd);
	kept->closed = flag_is_raised(kept->closed_fd);
	if (!kept->closed) {
		hd_log(HD_LOG_ERROR, "heddled and worker %d were killed; thread '%s' is unmounted",
			(int)kept->worker, kept->arguments.thread);
		hd_supervisor_salvage(kept, "heddled and its worker were killed");
		hd_supervisor_serve(kept);
	}
	hd_supervisor_finish(kept);
}

int hd_keeper_run(const struct hd_program_arguments *arguments)
{
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP};
	struct hd_supervisor kept = {.arguments = *arguments,
		.report_fd = -1,
		.signal_fd = hd_process_signal_fd(signals, HD_ARRAY_SIZE(signals)),
		.listen_fd = -1,
		.link_fd = -1,
		.watch_fd = -1,
		.device = -1,
		.arena_fd = HD_WORKER_ARENA_FD,
		.hot_fd = HD_WORKER_HOT_FD,
		.requests_fd = -1,
		.lease_fd = HD_WORKER_LEASE_FD,
		.closed_fd = HD_WORKER_CLOSED_FD,
		.keeper_fd = -1};
	int r;

	hd_process_raise_descriptor_limit();
	hd_process_ignore_broken_pipes();
	hd_mount_options_default(&kept.options);
	r = hd_mount_options_parse(&kept.options, arguments->options);
	if (r < 0)
		hd_log(HD_LOG_WARNING, "keeping with default options: %s", hd_error_message(r));
	if (!keep(&kept) && kept.worker != 0)
		act_for_the_dead(&kept);
	hd_supervisor_clear(&kept);
	return kept.exit_status;
}
