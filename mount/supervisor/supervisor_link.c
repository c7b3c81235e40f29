/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What the worker and clients say to the supervisor.
 *
 * A client's socket goes straight to the worker. Only an unmount comes back, with the client's socket,
 * because the answer must outlive the worker: it says that the worker has closed everything durably.
 */

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/run_file.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/platform/sockets/socket.h"

#define NO_ROOM_NS 50000000u
#define BUSY_PATIENCE_NS 300000000u
#define BUSY_RETRY_NS 20000000u

/* ---- the mount ---- */

/* The mount that who started us has made where we could not. */
static int take_device(void)
{
	int given = HD_SUPERVISOR_DEVICE_FD;
	int taken = hd_descriptor_duplicate(given);

	if (taken >= 0)
		hd_descriptor_close(&given);
	return taken;
}

static int attach_mount(struct hd_supervisor *supervisor)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;
	HD_AUTO_FREE char *last_end = NULL;
	HD_AUTO_FREE char *source = NULL;
	struct hd_mount_request request = {.directory = arguments->directory,
		.allow_other = supervisor->options.allow_other,
		.default_permissions = supervisor->options.default_permissions,
		.read_only = supervisor->options.read_only,
		.noatime = supervisor->options.access_times == HD_ACCESS_NEVER,
		.nodiratime = !supervisor->options.directory_access_times,
		.strictatime = supervisor->options.access_times == HD_ACCESS_STRICT,
		.suid = supervisor->options.suid,
		.dev = supervisor->options.dev};
	int r;

	if (asprintf(&source, "heddle:%s#%s", arguments->store, arguments->thread) < 0) {
		source = NULL;
		return -ENOMEM;
	}
	r = hd_supervisor_listen(supervisor);
	if (r < 0)
		return r;
	request.source = source;
	r = supervisor->parts[HD_PART_DEVICE] =
		supervisor->options.is_private ? take_device() : hd_mount_point_attach(&request);
	if (r < 0)
		return hd_fail_in(r, "mount at %s", arguments->directory);
	/* First the keeper: a device that the worker alone knew would die with it. */
	hd_keeper_tell_device(supervisor);
	(void)hd_run_file_read(arguments->store, supervisor->number, HD_RUN_LAST, &last_end);
	return hd_control_send(supervisor->link_fd,
		hd_control_with_name(json_pack("{s:s, s:o}", "op", "mounted", "last_end",
					     last_end ? hd_control_text(last_end) : json_null()),
			"mountpoint", arguments->directory),
		supervisor->parts[HD_PART_DEVICE]);
}

static void record_recovery(const struct hd_supervisor *supervisor, const json_t *message)
{
	HD_AUTO_FREE char *text = NULL;

	if (asprintf(&text,
		    "all processes of the mount were killed at once; epochs of the journal that were "
		    "replayed: "
		    "%lld, torn bytes at its end that were not: %lld; what was written in the last seconds "
		    "and "
		    "not synced may be missing",
		    (long long)json_integer_value(json_object_get(message, "epochs")),
		    (long long)json_integer_value(json_object_get(message, "torn"))) < 0) {
		text = NULL;
		return;
	}
	hd_log(HD_LOG_WARNING, "%s", text);
	hd_supervisor_record_last(supervisor, text);
}

/* Whoever chose that is told what it cost. */
static void record_volatile(const struct hd_supervisor *supervisor, const char *since)
{
	char text[256];

	(void)snprintf(text, sizeof(text),
		"it was volatile, since %.31s, and did not end well: what was written from then on is lost, "
		"but for what a "
		"capture took",
		since);
	hd_log(HD_LOG_WARNING, "%s", text);
	hd_supervisor_record_last(supervisor, text);
}

static void hear_opened(struct hd_supervisor *supervisor, const json_t *message)
{
	const char *since;
	int r;

	if (supervisor->phase != SUPERVISOR_STARTING)
		return;
	since = json_string_value(json_object_get(message, "volatile_since"));
	if (since && *since)
		record_volatile(supervisor, since);
	else if (supervisor->recovers)
		record_recovery(supervisor, message);
	supervisor->phase = SUPERVISOR_ATTACHED;
	r = attach_mount(supervisor);
	if (r >= 0)
		return;
	hd_log(HD_LOG_ERROR, "cannot mount: %s", hd_error_message(r));
	hd_supervisor_report(supervisor, hd_control_error_reply(r));
	supervisor->exit_status = 1;
	hd_supervisor_stop(supervisor);
}

static void hear_ready(struct hd_supervisor *supervisor)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;

	hd_supervisor_write_status(supervisor);
	if (supervisor->phase != SUPERVISOR_TAKING_OVER)
		hd_log(HD_LOG_NOTICE, "thread '%s' is mounted at %s", arguments->thread,
			arguments->directory);
	supervisor->phase = SUPERVISOR_SERVING;
	/* What the one before said of its end is no failure of the mount. */
	json_decref(HD_STEAL(supervisor->failure));
	hd_supervisor_report(supervisor,
		hd_control_with_name(json_pack("{s:b}", "ok", 1), "mountpoint", arguments->directory));
}

/* ---- unmounting ---- */

/* What looks into the mount for a moment (a file that is being closed, somebody who lists processes) is no user of it. */
static int detach_patiently(const struct hd_supervisor *supervisor, bool lazy)
{
	uint64_t deadline = hd_clock_monotonic_ns() + BUSY_PATIENCE_NS;
	int r;

	for (;;) {
		r = hd_supervisor_unmount(supervisor, lazy);
		if (r != -EBUSY || hd_clock_monotonic_ns() > deadline)
			return r;
		hd_clock_sleep_ns(BUSY_RETRY_NS);
	}
}

static void hear_unmount(struct hd_supervisor *supervisor, const json_t *message, int *client)
{
	bool lazy = json_is_true(json_object_get(message, "lazy"));
	bool owned = json_is_true(json_object_get(message, "owned"));
	int r = 0;

	/* A command runs there, and what started it ends the mount. */
	if (supervisor->options.is_private && !owned && !lazy)
		r = -EBUSY;
	else if (!supervisor->detached)
		r = detach_patiently(supervisor, lazy);
	/* Somebody else unmounted it a moment ago: the worker is about to find out. */
	if (r < 0 && r != -EINVAL) {
		(void)hd_control_send(*client, hd_control_error_reply(r), -1);
		return;
	}
	supervisor->detached = true;
	hd_supervisor_add_waiter(supervisor, client, lazy);
	/*
	 * Nobody has anything open here, so the worker finds the mount gone and ends. A copy in another mount namespace (a
	 * container that was started meanwhile) would keep it for as long as that one lives: it ends all the same.
	 */
	(void)hd_control_send(supervisor->link_fd, json_pack("{s:s}", "op", lazy ? "sync" : "stop"), -1);
}

void hd_supervisor_stop(struct hd_supervisor *supervisor)
{
	int r = 0;

	if (supervisor->phase == SUPERVISOR_SALVAGING || supervisor->phase == SUPERVISOR_ENDED)
		return;
	if (supervisor->parts[HD_PART_DEVICE] >= 0 && !supervisor->detached) {
		r = hd_supervisor_unmount(supervisor, false);
		if (r == -EBUSY) {
			hd_log(HD_LOG_NOTICE, "the mount is in use; detaching it lazily");
			r = hd_supervisor_unmount(supervisor, true);
		}
		supervisor->detached = true;
	}
	if (r < 0 && r != -EINVAL)
		hd_log(HD_LOG_WARNING, "cannot unmount, ending all the same: %s", hd_error_message(r));
	supervisor->stopping = true;
	hd_supervisor_ask_to_go(supervisor, "stop");
}

/* ---- hearing ---- */

/* What the disk or the machine refuses may be had later; anything else may be the memory itself, and hopeless. */
static bool may_pass(const json_t *message)
{
	static const int passing[] = {
		ENOSPC, EDQUOT, EROFS, EPERM, EACCES, EIO, ENOMEM, EMFILE, ENFILE, EAGAIN};
	int code = hd_control_error(message);

	for (size_t i = 0; i < HD_ARRAY_SIZE(passing); i++)
		if (code == -passing[i])
			return true;
	return false;
}

static void hear_failed(struct hd_supervisor *supervisor, json_t *message)
{
	supervisor->lacks_room = strcmp(hd_control_op(message), "closed") == 0 || may_pass(message);
	json_decref(supervisor->failure);
	supervisor->failure = json_pack("{s:b, s:O}", "ok", 0, "error", json_object_get(message, "error"));
}

/* Its memory was damaged, and is given up: whoever asked for the end is told, and the next mount. */
static void hear_lost(struct hd_supervisor *supervisor, json_t *message)
{
	hear_failed(supervisor, message);
	supervisor->lost = true;
}

/* The worker serves nobody any more, and will not end before everything is on disk. */
static void hear_unsaved(struct hd_supervisor *supervisor, json_t *message)
{
	json_decref(supervisor->unsaved);
	supervisor->unsaved = json_pack("{s:b, s:O}", "ok", 0, "error", json_object_get(message, "error"));
	hd_supervisor_detach(supervisor);
	if (supervisor->unsaved)
		hd_supervisor_answer_waiters(supervisor, supervisor->unsaved, false);
}

static void hear_large(struct hd_supervisor *supervisor, const json_t *message, int *fd)
{
	/* It came, and there was no room for it. The worker tells again what it has, and now there is, or the next one lacks it. */
	if (strcmp(hd_control_op(message), "hold") == 0 && *fd < 0) {
		hd_log(HD_LOG_ERROR,
			"no descriptor is left for a large file, which would be lost with its worker");
		if (hd_reserve_release(&supervisor->reserve))
			(void)hd_control_send(supervisor->link_fd, json_pack("{s:s}", "op", "announce"), -1);
		return;
	}
	/* The keeper has it first: what is in its queue outlives us. */
	hd_keeper_tell_large(supervisor, message, *fd);
	(void)hd_held_files_hear(&supervisor->large, message, fd);
}

static void hear_message(struct hd_supervisor *supervisor, json_t *message, int *fd)
{
	const char *op = hd_control_op(message);

	if (strcmp(op, "opened") == 0) {
		hear_opened(supervisor, message);
	} else if (strcmp(op, "ready") == 0) {
		hear_ready(supervisor);
	} else if (strcmp(op, "thread") == 0) {
		hd_supervisor_watch_dying(
			supervisor, (pid_t)json_integer_value(json_object_get(message, "id")));
	} else if (strcmp(op, "failed") == 0) {
		hear_failed(supervisor, message);
	} else if (strcmp(op, "lost") == 0) {
		hear_lost(supervisor, message);
	} else if (strcmp(op, "unsaved") == 0) {
		hear_unsaved(supervisor, message);
	} else if (strcmp(op, "closed") == 0) {
		/* A close that failed (a full disk) is no end: a salvager tries again. */
		if (json_object_get(message, "error"))
			hear_failed(supervisor, message);
		else
			supervisor->closed = true;
	} else if (strcmp(op, "hold") == 0 || strcmp(op, "drop") == 0) {
		hear_large(supervisor, message, fd);
	} else if (strcmp(op, "unmount") == 0 && *fd >= 0) {
		hear_unmount(supervisor, message, fd);
	} else if (strcmp(op, "step_down") == 0 && *fd >= 0) {
		hd_supervisor_step_down(supervisor, *fd);
	} else if (strcmp(op, "left") == 0) {
		supervisor->is_left = true;
	} else if (strcmp(op, "synced") == 0) {
		json_t *done = json_pack("{s:b}", "ok", 1);

		hd_supervisor_answer_waiters(
			supervisor, json_object_get(message, "error") ? message : done, true);
		json_decref(done);
	} else {
		hd_log(HD_LOG_WARNING, "the worker said '%s', ignoring", op);
	}
}

int hd_supervisor_hear(struct hd_supervisor *supervisor, int timeout_ms)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;
	int r;

	r = hd_control_receive(supervisor->link_fd, timeout_ms, &message, &fd);
	if (r < 0)
		return r;
	hear_message(supervisor, message, &fd);
	json_decref(message);
	return 0;
}

/* Who cannot be let in stays at the door, and would be heard again at once. */
static int accept_client(struct hd_supervisor *supervisor)
{
	int client = hd_socket_accept(supervisor->listen_fd);

	if (client >= 0 || client == -EPERM || client == -EAGAIN)
		return client;
	if (hd_reserve_release(&supervisor->reserve))
		client = hd_socket_accept(supervisor->listen_fd);
	if (client < 0)
		hd_clock_sleep_ns(NO_ROOM_NS);
	return client;
}

void hd_supervisor_accept(struct hd_supervisor *supervisor)
{
	HD_AUTO_CLOSE int client = accept_client(supervisor);

	if (client >= 0 && supervisor->unsaved)
		(void)hd_control_send(client, json_incref(supervisor->unsaved), -1);
	else if (client >= 0)
		(void)hd_control_send(supervisor->link_fd, json_pack("{s:s}", "op", "client"), client);
	hd_cleanup_close(&client);
	client = -1;
	hd_reserve_fill(&supervisor->reserve);
}
