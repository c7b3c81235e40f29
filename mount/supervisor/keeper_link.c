/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <string.h>

#include "mount/control/control_channel.h"
#include "mount/program_spawn.h"
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

/* The supervisor's end of the link to its keeper: starting it, telling it everything, letting it go. */

#define WINDOW_NS (300ull * 1000000000u)
#define LOCK_PATIENCE_NS 2000000000u
#define LOCK_RETRY_NS 1000000u
#define DISMISS_MS 5000
#define HEAR_MS 1000

/* The lock of a keeper that has just died is free in a moment. */
static int take_lock(struct hd_supervisor *supervisor)
{
	uint64_t deadline = hd_clock_monotonic_ns() + LOCK_PATIENCE_NS;
	int r;

	if (supervisor->keeper_lock_fd >= 0)
		return 0;
	for (;;) {
		r = hd_run_lock_take(supervisor->arguments.store, supervisor->number, HD_RUN_KEEPER);
		if (r != -HD_E_THREAD_BUSY || hd_clock_monotonic_ns() > deadline)
			break;
		hd_clock_sleep_ns(LOCK_RETRY_NS);
	}
	supervisor->keeper_lock_fd = r >= 0 ? r : -1;
	return r < 0 ? hd_fail_in(r, "take the keeper's lock") : 0;
}

static int spawn(struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *options = hd_mount_options_format(&supervisor->options);
	const struct hd_program_arguments arguments = {.store = supervisor->arguments.store,
		.thread = supervisor->arguments.thread,
		.directory = supervisor->arguments.directory,
		.options = options,
		.keeper = true};
	struct hd_inherited_fd fds[2 + HD_PARTS_INHERITED];
	HD_AUTO_CLOSE int theirs = -1;
	int ends[2];
	int r;

	if (!options)
		return -ENOMEM;
	r = take_lock(supervisor);
	if (r < 0)
		return r;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	supervisor->keeper_fd = ends[0];
	theirs = ends[1];
	fds[0] = (struct hd_inherited_fd){theirs, HD_WORKER_LINK_FD};
	fds[1] = (struct hd_inherited_fd){supervisor->keeper_lock_fd, HD_KEEPER_LOCK_FD};
	hd_mount_parts_inherit(supervisor->parts, fds + 2);
	r = hd_program_spawn("heddled", &arguments, fds, HD_ARRAY_SIZE(fds), &supervisor->keeper);
	if (r < 0)
		hd_descriptor_close(&supervisor->keeper_fd);
	else
		hd_descriptor_close(&supervisor->keeper_lock_fd);
	return r;
}

/* A keeper that is gone is found by its end of the link. */
static void tell(struct hd_supervisor *supervisor, json_t *message, int fd)
{
	if (supervisor->keeper_fd < 0)
		json_decref(message);
	else
		(void)hd_control_send(supervisor->keeper_fd, message, fd);
}

void hd_keeper_tell_worker(struct hd_supervisor *supervisor)
{
	if (supervisor->worker == 0)
		return;
	tell(supervisor,
		json_pack("{s:s, s:i, s:I, s:I, s:s}", "op", "worker", "pid", (int)supervisor->worker,
			"number", (json_int_t)supervisor->number, "restarts",
			(json_int_t)supervisor->restarts, "last_restart", supervisor->last_restart),
		supervisor->link_fd);
}

void hd_keeper_tell_device(struct hd_supervisor *supervisor)
{
	int device = supervisor->parts[HD_PART_DEVICE];

	tell(supervisor, json_pack("{s:s, s:b}", "op", "device", "there", (int)(device >= 0)), device);
}

void hd_keeper_tell_large(struct hd_supervisor *supervisor, const json_t *message, int fd)
{
	tell(supervisor, json_deep_copy(message), fd);
}

/* The worker comes last: a keeper that knows of none does nothing, and so never acts on half of the truth. */
static void tell_all(struct hd_supervisor *supervisor)
{
	size_t i;

	if (supervisor->parts[HD_PART_DEVICE] >= 0 || supervisor->detached)
		hd_keeper_tell_device(supervisor);
	for (i = 0; i < supervisor->large.count; i++) {
		const struct hd_held_file *file = &supervisor->large.files[i];

		if (file->fd >= 0)
			tell(supervisor,
				json_pack("{s:s, s:I, s:I}", "op", "hold", "slot", (json_int_t)file->slot,
					"serial", (json_int_t)file->serial),
				file->fd);
	}
	hd_keeper_tell_worker(supervisor);
}

/* Something that kills every keeper must not keep us busy for ever. */
static bool may_replace(struct hd_supervisor *supervisor, bool died)
{
	uint64_t now = hd_clock_monotonic_ns();

	if (supervisor->window_keepers == 0 || now - supervisor->keepers_began_ns > WINDOW_NS) {
		supervisor->keepers_began_ns = now;
		supervisor->window_keepers = 0;
	}
	supervisor->window_keepers += died;
	return supervisor->window_keepers <= supervisor->options.restarts;
}

void hd_keeper_ensure(struct hd_supervisor *supervisor)
{
	bool died = supervisor->keeper_fd >= 0;
	int status;
	int r;

	if (died) {
		hd_log(HD_LOG_WARNING, "keeper %d is gone", (int)supervisor->keeper);
		hd_descriptor_close(&supervisor->keeper_fd);
	}
	if (supervisor->keeper != 0)
		(void)hd_process_reap(supervisor->keeper, &status);
	(void)hd_reserve_release(&supervisor->reserve);
	r = may_replace(supervisor, died) ? spawn(supervisor) : hd_fail(EAGAIN, "too many keepers have died");
	hd_reserve_fill(&supervisor->reserve);
	if (r >= 0) {
		supervisor->keeper_due = false;
		tell_all(supervisor);
	} else if (hd_supervisor_put_off(supervisor, &supervisor->keeper_due)) {
		hd_log(HD_LOG_WARNING,
			"no keeper yet: the death of this process and its worker at once would lose "
			"what is not on disk: %s",
			hd_error_message(r));
	}
}

void hd_keeper_hear(struct hd_supervisor *supervisor)
{
	HD_AUTO_CLOSE int fd = -1;
	json_t *message;

	if (hd_control_receive(supervisor->keeper_fd, HEAR_MS, &message, &fd) < 0) {
		hd_keeper_ensure(supervisor);
		return;
	}
	if (strcmp(hd_control_op(message), "again") == 0)
		tell_all(supervisor);
	json_decref(message);
}

void hd_keeper_dismiss(struct hd_supervisor *supervisor)
{
	HD_AUTO_CLOSE int watch = supervisor->keeper_fd >= 0 ? hd_process_watch(supervisor->keeper) : -1;
	unsigned ready = 0;
	int status;

	tell(supervisor, json_pack("{s:s}", "op", "finished"), -1);
	hd_descriptor_close(&supervisor->keeper_fd);
	/* What it has open keeps the disk that the store is on from being unmounted. */
	if (watch >= 0 && hd_descriptor_wait(&watch, 1, DISMISS_MS, &ready) >= 0 && ready)
		(void)hd_process_reap(supervisor->keeper, &status);
}
