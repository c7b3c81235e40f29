/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

#include "mount/control/control_channel.h"
#include "mount/program_spawn.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

/*
 * Starting a worker, and giving it what it does not inherit.
 *
 * While a mount is served this must not fail for what passes: the machine is out of descriptors, of processes or of
 * memory for a moment, and what the dead worker left is in our hands alone. So descriptors are kept back for it, and it is
 * tried again; programs in the mount wait meanwhile.
 *
 * A worker that is killed is heard of when the kernel has taken back its memory, some milliseconds later. A thread of it
 * that only waits ends before that: then the next worker is started, so that it is linked and has the store open when it
 * is needed. It waits for the mount at its end of the link, and before that it maps nothing of the mount's memory: what
 * the dying one's other threads still do is nobody's to know before it has ended as a whole.
 */

#define TAKE_OVER_PATIENCE_NS 60000000000u
#define RETRY_MS 100
#define DISCARD_MS 1000

/* A worker that nobody would see ending must not begin. */
static int watch_worker(struct hd_started_worker *worker)
{
	int status;
	int r = hd_process_watch(worker->pid);

	if (r < 0) {
		(void)hd_process_kill(worker->pid, SIGKILL);
		(void)hd_process_wait(worker->pid, &status);
		return hd_fail_in(r, "watch worker %d", (int)worker->pid);
	}
	worker->watch_fd = r;
	return 0;
}

static int start_worker(
	const struct hd_supervisor *supervisor, enum hd_worker_role role, struct hd_started_worker *ret)
{
	HD_AUTO_FREE char *options = hd_mount_options_format(&supervisor->options);
	const struct hd_program_arguments arguments = {.store = supervisor->arguments.store,
		.thread = supervisor->arguments.thread,
		.number = supervisor->number,
		.options = options,
		.take_over = role == HD_WORKER_TAKES_OVER,
		.salvage = role == HD_WORKER_SALVAGES};
	struct hd_inherited_fd fds[1 + HD_PARTS_INHERITED];
	HD_AUTO_CLOSE int ours = -1;
	HD_AUTO_CLOSE int theirs = -1;
	struct hd_started_worker worker;
	int ends[2];
	int r;

	if (!options)
		return -ENOMEM;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	ours = ends[0];
	theirs = ends[1];
	fds[0] = (struct hd_inherited_fd){theirs, HD_WORKER_LINK_FD};
	hd_mount_parts_inherit(supervisor->parts, fds + 1);
	r = hd_program_spawn("heddle-fuse-worker", &arguments, fds, HD_ARRAY_SIZE(fds), &worker.pid);
	if (r >= 0)
		r = watch_worker(&worker);
	if (r < 0)
		return r;
	worker.link_fd = hd_steal_fd(&ours);
	*ret = worker;
	return 0;
}

/* It is the mount's worker from now on. */
static void appoint(struct hd_supervisor *supervisor, struct hd_started_worker *worker)
{
	hd_descriptor_close(&supervisor->link_fd);
	hd_descriptor_close(&supervisor->watch_fd);
	hd_descriptor_close(&supervisor->dying_fd);
	supervisor->link_fd = worker->link_fd;
	supervisor->link_lost = false;
	supervisor->watch_fd = worker->watch_fd;
	supervisor->foreign = false;
	supervisor->worker = worker->pid;
	worker->pid = 0;
}

/* ---- before it is needed ---- */

void hd_supervisor_watch_dying(struct hd_supervisor *supervisor, pid_t thread)
{
	supervisor->dying_since_ns = 0;
	hd_descriptor_close(&supervisor->dying_fd);
	/* A kernel that does not send again does not tell this either: the next worker is started when this one has ended. */
	if (!getenv("HEDDLE_DEBUG_NO_RESEND"))
		supervisor->dying_fd = hd_process_watch_thread(thread);
}

void hd_supervisor_spawn_next(struct hd_supervisor *supervisor)
{
	/* What it lacks now it may not lack when it is needed, and then it is worth the reserve. */
	if (supervisor->next.pid == 0 &&
		start_worker(supervisor, HD_WORKER_TAKES_OVER, &supervisor->next) < 0)
		hd_error_clear();
}

void hd_supervisor_discard_next(struct hd_supervisor *supervisor)
{
	struct hd_started_worker *next = &supervisor->next;
	unsigned ready = 0;
	int status;

	if (next->pid == 0)
		return;
	(void)hd_process_kill(next->pid, SIGKILL);
	/* What it has open keeps the disk that the store is on from being unmounted. */
	if (hd_descriptor_wait(&next->watch_fd, 1, DISCARD_MS, &ready) >= 0 && ready)
		(void)hd_process_reap(next->pid, &status);
	hd_descriptor_close(&next->link_fd);
	hd_descriptor_close(&next->watch_fd);
	next->pid = 0;
}

/* False: there is none, or it has ended meanwhile. */
static bool appoint_next(struct hd_supervisor *supervisor)
{
	if (supervisor->next.pid == 0)
		return false;
	if (hd_descriptor_flag_is_raised(supervisor->next.watch_fd)) {
		hd_supervisor_discard_next(supervisor);
		return false;
	}
	appoint(supervisor, &supervisor->next);
	hd_keeper_tell_worker(supervisor);
	return true;
}

/* ---- when it is needed ---- */

static bool passes(int r)
{
	return r == -EMFILE || r == -ENFILE || r == -ENOMEM || r == -ENOBUFS || r == -EAGAIN;
}

/* A pause; false when we were told to end in it. */
static bool pause_for_room(struct hd_supervisor *supervisor)
{
	unsigned ready = 0;

	if (hd_descriptor_wait(&supervisor->signal_fd, 1, RETRY_MS, &ready) >= 0 && ready)
		supervisor->told_to_end = hd_process_signal_read(supervisor->signal_fd) > 0;
	return !supervisor->told_to_end;
}

int hd_supervisor_spawn(struct hd_supervisor *supervisor, enum hd_worker_role role)
{
	uint64_t deadline = hd_clock_monotonic_ns() + TAKE_OVER_PATIENCE_NS;
	bool told = false;

	if (role == HD_WORKER_TAKES_OVER && appoint_next(supervisor))
		return 0;
	hd_supervisor_discard_next(supervisor);
	for (;;) {
		struct hd_started_worker worker;
		int r;

		hd_error_clear();
		(void)hd_reserve_release(&supervisor->reserve);
		r = start_worker(supervisor, role, &worker);
		if (r >= 0)
			appoint(supervisor, &worker);
		hd_reserve_fill(&supervisor->reserve);
		if (r >= 0)
			hd_keeper_tell_worker(supervisor);
		/* A salvager has the only copy of something: it is tried for as long as we may. */
		if (!passes(r) || role == HD_WORKER_FIRST ||
			(role == HD_WORKER_TAKES_OVER && hd_clock_monotonic_ns() > deadline))
			return r;
		if (!told)
			hd_log(HD_LOG_WARNING,
				"no worker can be started, programs wait while it is tried again: %s",
				hd_error_message(r));
		told = true;
		if (!pause_for_room(supervisor))
			return r;
	}
}

int hd_supervisor_hand_over(struct hd_supervisor *supervisor, json_t *message, int device)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < supervisor->large.count; i++) {
		const struct hd_held_file *file = &supervisor->large.files[i];

		if (file->fd >= 0)
			r = hd_control_send(supervisor->link_fd,
				json_pack("{s:s, s:I}", "op", "large", "slot", (json_int_t)file->slot),
				file->fd);
	}
	hd_held_files_restart(&supervisor->large);
	if (r >= 0)
		r = hd_control_send(supervisor->link_fd, message, device);
	else
		json_decref(message);
	/* One that died meanwhile is found by its watch. */
	return r == -EPIPE ? 0 : r;
}
