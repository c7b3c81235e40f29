/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Becoming the supervisor of a mount that another one began.
 *
 * Two get here: the keeper, at once, when its supervisor has died, and a heddled that a command started because it found
 * a mount without either. What both need the worker has (adoption.h). The keeper has it too, so that it goes on even if
 * the worker is dead.
 *
 * Nothing is undone when this fails or dies half-way: the worker serves, and can be asked again.
 */

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/client/control_client.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/parts/adoption.h"
#include "mount/run_file.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"

#define LOCK_PATIENCE_NS 10000000000u
#define LOCK_RETRY_NS 1000000u
#define PART_TIMEOUT_MS 10000

/* ---- what the worker has ---- */

static int learn(struct hd_supervisor *supervisor, const json_t *reply)
{
	HD_AUTO_FREE char *mountpoint = hd_control_get_name(reply, "mountpoint");
	const char *options = json_string_value(json_object_get(reply, "options"));
	const char *last = json_string_value(json_object_get(reply, "last_restart"));
	pid_t worker = (pid_t)json_integer_value(json_object_get(reply, "worker"));
	int r;

	if (!mountpoint || !options || worker <= 1)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the worker does not say what it serves");
	hd_mount_options_default(&supervisor->options);
	r = hd_mount_options_parse(&supervisor->options, options);
	if (r < 0)
		return r;
	free(supervisor->directory);
	supervisor->arguments.directory = supervisor->directory = HD_STEAL(mountpoint);
	supervisor->worker = worker;
	supervisor->restarts = (uint64_t)json_integer_value(json_object_get(reply, "restarts"));
	(void)snprintf(supervisor->last_restart, sizeof(supervisor->last_restart), "%s", last ? last : "");
	hd_descriptor_close(&supervisor->watch_fd);
	r = supervisor->watch_fd = hd_process_watch(worker);
	return r < 0 ? hd_fail_in(r, "watch worker %d", (int)worker) : 0;
}

static void take_part(struct hd_supervisor *supervisor, const json_t *message, int *fd)
{
	json_int_t part = json_integer_value(json_object_get(message, "part"));

	if (part < 0 || part >= HD_PART_COUNT || *fd < 0)
		return;
	hd_descriptor_close(&supervisor->parts[part]);
	supervisor->parts[part] = hd_steal_fd(fd);
}

/* The worker's answer, up to the point from which the connection is its link. */
static int receive_parts(struct hd_supervisor *supervisor, int fd)
{
	bool adopted = false;
	int r = 0;

	while (r >= 0 && !adopted) {
		HD_AUTO_CLOSE int passed_fd = -1;
		json_t *message;
		const char *op;

		r = hd_control_receive(fd, PART_TIMEOUT_MS, &message, &passed_fd);
		if (r < 0)
			return r;
		op = hd_control_op(message);
		r = hd_control_error(message);
		if (r >= 0 && strcmp(op, "parts") == 0)
			r = learn(supervisor, message);
		else if (r >= 0 && strcmp(op, "part") == 0)
			take_part(supervisor, message, &passed_fd);
		adopted = r >= 0 && strcmp(op, "adopted") == 0;
		json_decref(message);
	}
	return r;
}

static bool is_complete(const struct hd_supervisor *supervisor)
{
	size_t part;

	for (part = 0; part < HD_PART_COUNT; part++)
		if (supervisor->parts[part] < 0)
			return false;
	return supervisor->worker != 0;
}

/* A keeper waits for as long as the worker lives: it may be stopped, or still on its way. */
static int await_answer(const struct hd_supervisor *supervisor, int fd)
{
	const int fds[] = {fd, supervisor->watch_fd};
	bool knows_worker = supervisor->watch_fd >= 0;
	unsigned ready = 0;
	int r;

	do
		r = hd_descriptor_wait(
			fds, HD_ARRAY_SIZE(fds), knows_worker ? HELD_LOOK_MS : HD_CONTROL_ALIVE_MS, &ready);
	while (r >= 0 && ready == 0 && knows_worker &&
		!hd_process_is_held(supervisor->worker, HD_NOTIFIER_THREAD));
	if (r < 0 || (ready & 1))
		return r < 0 ? r : 0;
	return knows_worker ? -ECONNREFUSED : hd_fail(HD_E_CONTROL_TIMEOUT, "ask the worker");
}

/* -ECONNREFUSED and -ENOENT: there is no worker. */
static int ask_worker(struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *path =
		hd_run_file_path(supervisor->arguments.store, supervisor->number, HD_RUN_ADOPTION);
	HD_AUTO_CLOSE int fd = path ? hd_socket_connect(path) : -ENOMEM;
	int r;

	if (fd < 0)
		return fd;
	r = hd_control_send(fd,
		json_pack("{s:s, s:o, s:i}", "op", "adopt", "formats", hd_formats_describe(), "pid",
			(int)getpid()),
		-1);
	if (r >= 0)
		r = await_answer(supervisor, fd);
	if (r >= 0)
		r = receive_parts(supervisor, fd);
	if (r >= 0 && !is_complete(supervisor))
		r = hd_fail(HD_E_CONTROL_PROTOCOL, "the worker has not given everything");
	if (r < 0)
		return r;
	hd_descriptor_close(&supervisor->link_fd);
	supervisor->link_fd = hd_steal_fd(&fd);
	supervisor->foreign = true;
	return 0;
}

int hd_supervisor_take_office(struct hd_supervisor *supervisor)
{
	int r;

	supervisor->adopted = true;
	hd_run_lock_sign(supervisor->parts[HD_PART_LEASE]);
	if (supervisor->listen_fd < 0) {
		r = hd_supervisor_listen(supervisor);
		if (r < 0)
			return r;
	}
	hd_supervisor_write_status(supervisor);
	hd_keeper_ensure(supervisor);
	return 0;
}

/* A lock that the end of its holder's process gives back. */
static int await_lock(const struct hd_supervisor *supervisor, enum hd_run_file file, uint64_t patience_ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + patience_ns;
	int r;

	for (;;) {
		r = hd_run_lock_take(supervisor->arguments.store, supervisor->number, file);
		if (r != -HD_E_THREAD_BUSY || hd_clock_monotonic_ns() >= deadline)
			return r;
		hd_clock_sleep_ns(LOCK_RETRY_NS);
	}
}

/* ---- from outside ---- */

static int report_nothing_to_do(struct hd_supervisor *supervisor, int r)
{
	if (r != -HD_E_THREAD_BUSY)
		return r;
	hd_supervisor_report(supervisor, json_pack("{s:b, s:b}", "ok", 1, "adopted", 0));
	return 0;
}

static int report_no_worker(struct hd_supervisor *supervisor)
{
	supervisor->worker = 0;
	hd_supervisor_report(supervisor, hd_control_error_reply(hd_fail(HD_E_NOT_MOUNTED, "thread '%s'",
						 supervisor->arguments.thread)));
	return 0;
}

int hd_supervisor_take_locks(struct hd_supervisor *supervisor, bool patient)
{
	uint64_t patience_ns = patient ? LOCK_PATIENCE_NS : 0;
	int r;

	r = supervisor->keeper_lock_fd = await_lock(supervisor, HD_RUN_KEEPER, patience_ns);
	if (r >= 0)
		r = supervisor->lock_fd = await_lock(supervisor, HD_RUN_SUPERVISOR, patience_ns);
	return r;
}

int hd_supervisor_adopt(struct hd_supervisor *supervisor)
{
	bool replaces = supervisor->arguments.replace;
	int r;

	r = hd_supervisor_take_locks(supervisor, replaces);
	if (r < 0)
		return replaces ? hd_supervisor_explain_busy(supervisor, r)
				: report_nothing_to_do(supervisor, r);
	r = ask_worker(supervisor);
	if (r == -ENOENT || r == -ECONNREFUSED)
		return report_no_worker(supervisor);
	if (r < 0)
		return hd_fail_in(r, "adopt the worker of thread '%s'", supervisor->arguments.thread);
	supervisor->phase = SUPERVISOR_SERVING;
	supervisor->dying_since_ns = hd_clock_monotonic_ns(); /* as in hd_supervisor_succeed */
	r = hd_supervisor_take_office(supervisor);
	if (r < 0)
		return r;
	hd_log(HD_LOG_WARNING, "%d goes on with worker %d", (int)getpid(), (int)supervisor->worker);
	supervisor->replaces = replaces;
	if (replaces)
		hd_supervisor_ask_to_go(supervisor, "yield"); /* reported when the other one serves */
	else
		hd_supervisor_report(supervisor, json_pack("{s:b, s:b}", "ok", 1, "adopted", 1));
	return 0;
}

/* ---- the keeper ---- */

/* What the worker said to the dead supervisor, as far as it was not heard. */
static void drain_link(struct hd_supervisor *kept)
{
	unsigned ready = 0;

	while (kept->link_fd >= 0 && hd_descriptor_wait(&kept->link_fd, 1, 0, &ready) >= 0 && ready)
		if (hd_supervisor_hear(kept, 0) < 0)
			break;
	/* A worker that waits for the dead one sees its end. */
	hd_descriptor_close(&kept->link_fd);
	kept->link_lost = true;
}

/* Where the mount is, if the worker does not say: the dead supervisor did not tell everything, or there is no worker. */
static enum supervisor_phase phase_by_itself(const struct hd_supervisor *kept)
{
	if (kept->parts[HD_PART_DEVICE] >= 0)
		return SUPERVISOR_SERVING;
	/* Before anything was mounted there is nothing to go on with, and after it the memory is to be saved. */
	return kept->detached || kept->lacks_device ? SUPERVISOR_SALVAGING : SUPERVISOR_STARTING;
}

/* The worker that had them is dead too. */
static void tell_lacking(const struct hd_supervisor *kept)
{
	size_t lacking = hd_held_files_lacking(&kept->large);
	char text[160];

	if (lacking == 0)
		return;
	(void)snprintf(text, sizeof(text),
		"heddled and its worker died at once, and the keeper had no descriptor for %zu large files: "
		"what of them was not on disk is lost",
		lacking);
	hd_log(HD_LOG_ERROR, "%s", text);
	hd_supervisor_record_last(kept, text);
}

int hd_supervisor_succeed(struct hd_supervisor *kept)
{
	int r;

	/* Busy: the supervisor lives, and has let us go. */
	r = kept->lock_fd = await_lock(kept, HD_RUN_SUPERVISOR, LOCK_PATIENCE_NS);
	if (r < 0)
		return r;
	kept->phase =
		SUPERVISOR_SERVING; /* whatever the worker still wanted of the dead one, it is not to be mounted */
	kept->adopted = true;
	kept->foreign = true;
	drain_link(kept);
	/* For all that is known, until it names a thread. */
	kept->dying_since_ns = hd_clock_monotonic_ns();
	/* A salvager has nothing to give, and one that nobody mounted for has seen its link's end. */
	r = kept->detached ? -ECONNREFUSED : ask_worker(kept);
	if (r >= 0) {
		kept->link_lost = false;
		hd_supervisor_remind(kept);
	} else if (r != -ECONNREFUSED && r != -ECONNRESET && r != -ENOENT)
		hd_log(HD_LOG_WARNING, "worker %d cannot be adopted: %s", (int)kept->worker,
			hd_error_message(r));
	if (r < 0)
		tell_lacking(kept);
	kept->phase = phase_by_itself(kept);
	r = hd_supervisor_take_office(kept);
	if (r < 0)
		return r;
	hd_log(HD_LOG_WARNING, "heddled was killed; its keeper, %d, goes on with worker %d", (int)getpid(),
		(int)kept->worker);
	return 0;
}
