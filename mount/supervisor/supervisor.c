/* SPDX-License-Identifier: Apache-2.0 */

/*
 * One thread, one poll loop, no parsing of what strangers say: what can go wrong here is what would lose
 * data, so there is little of it. Everything that serves is in the worker, which may die.
 *
 * The overlay is opened by the worker before anything is mounted: a thread that cannot be opened never hangs
 * a path. The store is opened by nobody else: which number the thread has, who starts us knows, and the worker sees whether it
 * has that still, after the locks of that number are ours.
 */

#include "mount/supervisor/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/fuse/requests/request_area.h"
#include "mount/run_file.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "mount/thread_log.h"
#include "overlay/overlay.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

#define HEAR_TIMEOUT_MS 1000
#define WAIT_AGAIN_NS 1000000000u
#define LEASE_PATIENCE_NS 10000000000u
#define LEASE_RETRY_NS 10000000u
#define ASK_NS 300000000u
#define ANSWER_MS 100

static const int ending_signals[] = {SIGTERM, SIGINT, SIGHUP};

/* Whether a mount of the thread answers: it was begun at the same time as this one, and was quicker. */
static bool is_served(const struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *path =
		hd_run_file_path(supervisor->arguments.store, supervisor->number, HD_RUN_SOCKET);
	HD_AUTO_CLOSE int fd = path ? hd_socket_connect(path) : -ENOMEM;
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *reply = NULL;
	bool served;

	served = fd >= 0 && hd_control_send(fd, json_pack("{s:s}", "op", "ping"), -1) >= 0 &&
		 hd_control_receive(fd, ANSWER_MS, &reply, &passed_fd) >= 0 &&
		 hd_control_reply_status(reply) >= 0;
	json_decref(reply);
	hd_error_clear();
	return served;
}

/* The locks that say who is who, for which the processes of the mount before are waited for: of these nobody answers for long. */
static int await_lock(const struct hd_supervisor *supervisor, enum hd_run_file file)
{
	uint64_t began = hd_clock_monotonic_ns(), waited = 0, ask_at = ASK_NS;
	int r;

	for (;;) {
		r = hd_run_lock_take(supervisor->arguments.store, supervisor->number, file);
		if (r != -HD_E_THREAD_BUSY || waited > LEASE_PATIENCE_NS)
			return r;
		if (waited > ask_at && is_served(supervisor))
			return r;
		if (waited > ask_at)
			ask_at += ASK_NS;
		hd_clock_sleep_ns(LEASE_RETRY_NS);
		waited = hd_clock_monotonic_ns() - began;
	}
}

/* Goes to the background, with the thread's log. */
static int prepare(struct hd_supervisor *supervisor)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;
	HD_AUTO_CLOSE int log_fd = -1;
	int r;

	hd_mount_options_default(&supervisor->options);
	r = hd_mount_options_parse(&supervisor->options, arguments->options);
	if (r >= 0)
		r = hd_mount_options_settle(&supervisor->options);
	if (r < 0)
		return r;
	if (!arguments->directory && !arguments->adopt)
		return hd_fail(HD_E_USAGE, "--directory is missing");
	if (!arguments->number)
		return hd_fail(HD_E_USAGE, "--number is missing");
	supervisor->number = arguments->number;
	r = hd_run_directory_make(arguments->store);
	if (r >= 0)
		r = log_fd = hd_thread_log_open(arguments->store, supervisor->number);
	if (r < 0)
		return hd_fail_in(r, "open the log of thread '%s'", arguments->thread);
	if (supervisor->report_fd >= 0) {
		r = hd_process_daemonize(log_fd);
		if (r < 0)
			return hd_fail_in(r, "go to the background");
	}
	r = supervisor->signal_fd = hd_process_signal_fd(ending_signals, HD_ARRAY_SIZE(ending_signals));
	if (r < 0)
		return hd_fail_in(r, "wait for signals");
	/* Every large file is a descriptor here. */
	hd_process_raise_limits();
	hd_process_ignore_broken_pipes();
	return 0;
}

/* The locks in the order in which they are free once a mount has ended: what it had in memory is on disk then. */
static int take_locks(struct hd_supervisor *supervisor)
{
	int r;

	r = supervisor->parts[HD_PART_LEASE] = await_lock(supervisor, HD_RUN_LEASE);
	if (r >= 0)
		r = supervisor->keeper_lock_fd = await_lock(supervisor, HD_RUN_KEEPER);
	if (r >= 0)
		r = supervisor->lock_fd = await_lock(supervisor, HD_RUN_SUPERVISOR);
	return r < 0 ? hd_supervisor_explain_busy(supervisor, r) : 0;
}

static int make_parts(struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *adoption =
		hd_run_file_path(supervisor->arguments.store, supervisor->number, HD_RUN_ADOPTION);
	int *parts = supervisor->parts;
	int r;

	if (!adoption)
		return -ENOMEM;
	r = parts[HD_PART_CLOSED] = hd_descriptor_flag();
	if (r < 0)
		return hd_fail_in(r, "make a flag");
	r = hd_overlay_memory(&parts[HD_PART_ARENA], &parts[HD_PART_HOT]);
	if (r < 0)
		return hd_fail_in(r, "make the overlay's memory");
	r = parts[HD_PART_REQUESTS] = hd_request_area_create();
	if (r < 0)
		return hd_fail_in(r, "make the requests' memory");
	/* As with the other socket: nobody else can be at it. */
	hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_ADOPTION);
	r = parts[HD_PART_ADOPTION] = hd_socket_listen(adoption);
	return r < 0 ? hd_fail_in(r, "listen at %s", adoption) : 0;
}

/* A status file whose processes are all dead: nobody was left to say how they ended. */
static void notice_sudden_end(struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *status = NULL;

	supervisor->recovers = hd_run_file_read(supervisor->arguments.store, supervisor->number,
				       HD_RUN_STATUS, &status) >= 0;
}

static int begin(struct hd_supervisor *supervisor)
{
	int r;

	r = take_locks(supervisor);
	if (r < 0)
		return r;
	notice_sudden_end(supervisor);
	r = make_parts(supervisor);
	if (r < 0)
		return r;
	/* The worker opens the overlay while the keeper is started; nothing is mounted before both are there. */
	r = hd_supervisor_spawn(supervisor, HD_WORKER_FIRST);
	if (r >= 0)
		hd_keeper_ensure(supervisor);
	return r;
}

/*
 * What the end of the link means, the watch will tell. A worker that cannot be understood, for want of memory or because
 * it has gone mad, would go on by itself, and nobody would hear of its large files or of an unmount: another takes its place.
 */
static void hear_worker(struct hd_supervisor *supervisor)
{
	int r = hd_supervisor_hear(supervisor, HEAR_TIMEOUT_MS);

	if (r >= 0)
		return;
	supervisor->link_lost = true;
	if (r == -ECONNRESET)
		return;
	hd_log(HD_LOG_ERROR, "worker %d cannot be understood, it is ended: %s", (int)supervisor->worker,
		hd_error_message(r));
	(void)hd_process_kill(supervisor->worker, SIGKILL);
}

/* Of two times to wait, of which -1 is for ever. */
static int sooner(int a_ms, int b_ms)
{
	return a_ms < 0 || (b_ms >= 0 && b_ms < a_ms) ? b_ms : a_ms;
}

/* Tries what is due, if it is time. */
static void catch_up(struct hd_supervisor *supervisor)
{
	if (supervisor->catch_up_at_ns == 0 || hd_clock_monotonic_ns() < supervisor->catch_up_at_ns ||
		supervisor->phase == SUPERVISOR_ENDED)
		return;
	supervisor->catch_up_at_ns = 0;
	if (supervisor->status_due)
		hd_supervisor_write_status(supervisor);
	if (supervisor->keeper_due)
		hd_keeper_ensure(supervisor);
}

/* Until SUPERVISOR_ENDED. */
static void serve_mount(struct hd_supervisor *supervisor)
{
	while (supervisor->phase != SUPERVISOR_ENDED) {
		const int fds[] = {supervisor->signal_fd, supervisor->link_lost ? -1 : supervisor->link_fd,
			/* Who asks meanwhile is heard by the next worker. */
			supervisor->phase == SUPERVISOR_TAKING_OVER ? -1 : supervisor->listen_fd,
			supervisor->watch_fd, supervisor->keeper_fd, supervisor->dying_fd};
		unsigned ready = 0;
		int r;

		r = hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds),
			sooner(hd_supervisor_held_timeout(supervisor),
				sooner(hd_supervisor_ladder_timeout(supervisor),
					hd_supervisor_catch_up_timeout(supervisor))),
			&ready);
		if (r < 0) {
			/* For want of memory, say. Nobody would be helped if the mount ended for it. */
			hd_log(HD_LOG_ERROR, "cannot wait for events, trying again: %s", hd_error_message(r));
			hd_clock_sleep_ns(WAIT_AGAIN_NS);
			continue;
		}
		if ((ready & 1u) && hd_process_signal_read(supervisor->signal_fd) > 0)
			hd_supervisor_stop(supervisor);
		if (ready & 2u)
			hear_worker(supervisor);
		if ((ready & 4u) && supervisor->listen_fd >= 0)
			hd_supervisor_accept(supervisor);
		if ((ready & 8u) && !supervisor->stepped_down)
			hd_supervisor_worker_ended(supervisor);
		else if ((ready & 32u) && !supervisor->stepped_down)
			hd_supervisor_prepare_next(supervisor);
		if (!supervisor->stepped_down)
			hd_supervisor_look_at_held(supervisor);
		hd_supervisor_ladder_climb(supervisor);
		catch_up(supervisor);
		if ((ready & 16u) && supervisor->phase != SUPERVISOR_ENDED)
			hd_keeper_hear(supervisor);
	}
}

void hd_supervisor_serve(struct hd_supervisor *supervisor)
{
	do
		serve_mount(supervisor);
	while (supervisor->stepped_down && hd_supervisor_watch_over(supervisor));
	hd_supervisor_discard_next(supervisor);
	if (!supervisor->stepped_down)
		hd_supervisor_finish(supervisor);
}

int hd_supervisor_run(const struct hd_program_arguments *arguments)
{
	struct hd_supervisor supervisor;
	int r;

	hd_supervisor_init(&supervisor, arguments);
	r = prepare(&supervisor);
	if (r >= 0)
		r = arguments->adopt ? hd_supervisor_adopt(&supervisor) : begin(&supervisor);
	if (r < 0) {
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
		hd_supervisor_report(&supervisor, hd_control_error_reply(r));
		supervisor.exit_status = 1;
	} else if (supervisor.worker != 0) {
		hd_supervisor_serve(&supervisor);
	}
	hd_supervisor_clear(&supervisor);
	return supervisor.exit_status;
}
