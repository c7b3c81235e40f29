/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The worker's life as its supervisor sees it: ended well, or dead and salvaged.
 *
 * Order after a death: the mountpoint is detached first and the device closed after that, so that no path
 * ever leads to a mount that answers "transport endpoint is not connected"; programs inside it get that
 * answer, because nobody will ever answer them. Then the salvager attaches to the same memory, completes what
 * was half done, and closes the overlay like any worker: everything acknowledged is on disk afterwards.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/format_numbers.h"
#include "mount/mount_place.h"
#include "mount/parts/mount_parts.h"
#include "mount/program_spawn.h"
#include "mount/run_file.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/log.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

#define SALVAGE_LIMIT 3
#define ROOM_RETRY_MS 2000
#define DRAIN_TIMEOUT_MS 1000
#define HELD_AFTER_NS 200000000u

static void close_fd(int *fd)
{
	hd_cleanup_close(fd);
	*fd = -1;
}

/* ---- death ---- */

static void describe_end(const struct hd_supervisor *supervisor, int status, char *text, size_t size)
{
	pid_t worker = supervisor->worker;

	if (supervisor->replaces)
		(void)snprintf(text, size, "worker %d made way for heddle %s", (int)worker, hd_version);
	else if (supervisor->foreign || supervisor->held == worker)
		(void)snprintf(text, size, "worker %d died", (int)worker);
	else if (WIFSIGNALED(status))
		(void)snprintf(text, size, "worker %d was killed by signal %d (%s)", (int)worker,
			WTERMSIG(status), strsignal(WTERMSIG(status)));
	else
		(void)snprintf(text, size, "worker %d ended with status %d without closing its overlay",
			(int)worker, WEXITSTATUS(status));
}

/* Starts a salvager and gives it what the dead worker held. */
static int begin_salvage(struct hd_supervisor *supervisor)
{
	int r;

	supervisor->phase = SUPERVISOR_SALVAGING;
	supervisor->salvages++;
	supervisor->closed = false;
	r = hd_supervisor_spawn(supervisor, HD_WORKER_SALVAGES);
	return r < 0 ? r : hd_supervisor_hand_over(supervisor, json_pack("{s:s}", "op", "go"), -1);
}

static void give_up(struct hd_supervisor *supervisor, const char *why)
{
	HD_AUTO_FREE char *text = NULL;

	hd_log(HD_LOG_ERROR, "the memory of thread '%s' could not be brought to disk: %s",
		supervisor->arguments.thread, why);
	if (asprintf(&text, "%s; what had not reached the disk is lost", why) < 0)
		text = NULL;
	else
		hd_supervisor_record_last(supervisor, text);
	supervisor->exit_status = 1;
	supervisor->phase = SUPERVISOR_ENDED;
}

/*
 * The disk refused the memory. Whoever asked for the unmount is told, and the memory is kept: false when we are told
 * to end for the second time, after one more try.
 */
static bool await_room(struct hd_supervisor *supervisor)
{
	json_t *failure = HD_STEAL(supervisor->failure);
	const char *message =
		json_string_value(json_object_get(json_object_get(failure, "error"), "message"));
	HD_AUTO_FREE char *text = NULL;
	unsigned ready = 0;
	bool goes_on = !supervisor->told_to_end;

	supervisor->refused = true;
	supervisor->lacks_room = false;
	supervisor->salvages = 0;
	if (asprintf(&text, "%s; heddled %d keeps what is not on disk and tries again",
		    message ? message : "", (int)getpid()) < 0)
		text = NULL;
	else
		hd_supervisor_record_last(supervisor, text);
	hd_supervisor_answer_waiters(supervisor, failure, false);
	json_decref(failure);
	if (goes_on && hd_descriptor_wait(&supervisor->signal_fd, 1, ROOM_RETRY_MS, &ready) >= 0 && ready)
		supervisor->told_to_end = hd_process_signal_read(supervisor->signal_fd) > 0;
	return goes_on;
}

/* The worker is dead and did not close its overlay: removes the mount and starts a salvager. */
static void salvage(struct hd_supervisor *supervisor, const char *why)
{
	int r;

	if (supervisor->phase != SUPERVISOR_SALVAGING)
		hd_supervisor_record_last(supervisor, why);
	hd_supervisor_remove_mount(supervisor);
	if ((supervisor->lacks_room && !await_room(supervisor)) || supervisor->salvages == SALVAGE_LIMIT) {
		give_up(supervisor, why);
		return;
	}
	r = begin_salvage(supervisor);
	if (r < 0)
		give_up(supervisor, hd_error_message(r));
}

static void worker_died(struct hd_supervisor *supervisor, int status)
{
	bool served = supervisor->phase != SUPERVISOR_STARTING;
	char why[256];

	describe_end(supervisor, status, why, sizeof(why));
	if (!served) {
		/* It never had the kernel's requests: what is on disk is all there is. */
		supervisor->exit_status = 1;
		supervisor->phase = SUPERVISOR_ENDED;
		if (!supervisor->failure)
			supervisor->failure = hd_control_error_reply(hd_fail(HD_E_WORKER_DIED, "%s", why));
		return;
	}
	if (supervisor->phase != SUPERVISOR_SALVAGING && hd_supervisor_may_restart(supervisor)) {
		int r = hd_supervisor_restart(supervisor, why);

		if (r >= 0)
			return;
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
	}
	if (supervisor->restarts > 0)
		(void)snprintf(why + strlen(why), sizeof(why) - strlen(why),
			"; %llu were replaced within 5 minutes",
			(unsigned long long)supervisor->window_restarts);
	hd_log(HD_LOG_ERROR, "%s; thread '%s' is unmounted", why, supervisor->arguments.thread);
	salvage(supervisor, why);
}

/* What it said before it ended is still in the link: descriptors of large files among it. */
static void hear_last_words(struct hd_supervisor *supervisor, int timeout_ms)
{
	while (supervisor->link_fd >= 0 && hd_supervisor_hear(supervisor, timeout_ms) >= 0)
		;
}

static void go_on(struct hd_supervisor *supervisor, int status)
{
	supervisor->dying_since_ns = 0;
	close_fd(&supervisor->watch_fd);
	close_fd(&supervisor->dying_fd);
	supervisor->act_at_ns = 0;
	/* It may have told another supervisor. */
	if (hd_descriptor_flag_is_raised(supervisor->parts[HD_PART_CLOSED]))
		supervisor->closed = true;
	if (!supervisor->closed) {
		worker_died(supervisor, status);
		return;
	}
	if (supervisor->phase == SUPERVISOR_SALVAGING && !supervisor->lost) {
		json_decref(HD_STEAL(supervisor->failure));
		hd_log(HD_LOG_NOTICE, "everything that thread '%s' had in memory is on disk",
			supervisor->arguments.thread);
	}
	supervisor->phase = SUPERVISOR_ENDED;
}

void hd_supervisor_worker_ended(struct hd_supervisor *supervisor)
{
	int status = 0;

	hear_last_words(supervisor, DRAIN_TIMEOUT_MS);
	if (hd_process_reap(supervisor->worker, &status) != 0)
		go_on(supervisor, status);
}

/* ---- an end that waits for the next worker ---- */

int hd_supervisor_held_timeout(const struct hd_supervisor *supervisor)
{
	return supervisor->held || supervisor->dying_since_ns ? HELD_LOOK_MS : -1;
}

/*
 * Telling the kernel of a page waits for the page, also when the process is killed, and the page may be locked by a program's write,
 * which waits for its answer. So the one that dies would wait for the next worker, and that one for its end.
 */
void hd_supervisor_look_at_held(struct hd_supervisor *supervisor)
{
	int status;

	if (supervisor->held && hd_process_reap(supervisor->held, &status) != 0)
		supervisor->held = 0;
	if (supervisor->dying_since_ns == 0 ||
		hd_clock_monotonic_ns() - supervisor->dying_since_ns < HELD_AFTER_NS ||
		!hd_process_is_held(supervisor->worker, HD_NOTIFIER_THREAD))
		return;
	hd_log(HD_LOG_WARNING, "worker %d is dead, and a thread of it still waits in the kernel for a page",
		(int)supervisor->worker);
	hear_last_words(supervisor, 0);
	supervisor->held = supervisor->worker;
	go_on(supervisor, 0);
}

/* Who is told that the mount has ended may unmount the disk next: nothing of us is on it any more. */
static void let_go_of_the_disk(struct hd_supervisor *supervisor)
{
	HD_AUTO_CLOSE int nowhere = hd_file_open(AT_FDCWD, "/dev/null", O_RDWR, 0);
	int part;

	for (part = 0; part < HD_PART_COUNT; part++)
		close_fd(&supervisor->parts[part]);
	close_fd(&supervisor->keeper_lock_fd);
	close_fd(&supervisor->lock_fd);
	if (nowhere >= 0)
		(void)hd_descriptor_replace(STDERR_FILENO, nowhere); /* the log */
}

void hd_supervisor_finish(struct hd_supervisor *supervisor)
{
	bool clean = supervisor->closed && !supervisor->failure && supervisor->salvages == 0;
	json_t *reply = supervisor->failure ? json_incref(supervisor->failure) : json_pack("{s:b}", "ok", 1);

	hd_supervisor_remove_mount(supervisor);
	if (supervisor->failure) {
		const char *message = json_string_value(
			json_object_get(json_object_get(supervisor->failure, "error"), "message"));

		hd_log(HD_LOG_ERROR, "thread '%s' ended: %s", supervisor->arguments.thread,
			message ? message : "");
		supervisor->exit_status = 1;
		if (supervisor->closed && message)
			hd_supervisor_record_last(supervisor, message);
	}
	if (supervisor->closed && supervisor->refused)
		hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_LAST);
	if (clean) {
		hd_run_file_remove(supervisor->arguments.store, supervisor->number, HD_RUN_LAST);
		hd_log(HD_LOG_NOTICE, "thread '%s' is unmounted, all is on disk",
			supervisor->arguments.thread);
	}
	hd_keeper_dismiss(supervisor);
	let_go_of_the_disk(supervisor);
	hd_supervisor_answer_waiters(supervisor, reply, false);
	json_decref(reply);
	/* Still unanswered: it never served. */
	hd_supervisor_report(supervisor,
		supervisor->failure
			? json_incref(supervisor->failure)
			: hd_control_error_reply(hd_fail(HD_E_WORKER_DIED, "it was ended before it served")));
}
