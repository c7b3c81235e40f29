/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Nothing that this process alone knows matters: the overlay's tables and bytes, and the requests that it works on, are
 * in memory files that the supervisor holds as well. It ends in one way only, by closing the overlay and saying so; any
 * other end is a death, and another worker takes over.
 */

#include "mount/worker/worker.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/answers/control_execute.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_json.h"
#include "mount/fuse/requests/message_counters.h"
#include "mount/fuse/requests/request_area.h"
#include "mount/fuse/session/fuse_session.h"
#include "mount/fuse/session/fuse_switch.h"
#include "mount/git_link.h"
#include "mount/parts/large_files.h"
#include "mount/parts/mount_parts.h"
#include "mount/run_file.h"
#include "mount/thread_log.h"
#include "mount/worker/auditor.h"
#include "mount/worker/worker_control.h"
#include "overlay/inodes/derived_numbers.h"
#include "overlay/overlay.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"

#define SAVE_RETRY_NS 1000000000u

static const int ending_signals[] = {SIGTERM, SIGINT, SIGHUP};

static const struct hd_control_switching switching = {
	hd_fuse_hold_changes, hd_fuse_release_changes, hd_fuse_changes_are_shown, hd_fuse_kernel_keeps_sizes};

struct worker {
	struct hd_program_arguments arguments;
	struct hd_mount_options options;
	struct hd_store *store;               /* owned */
	struct hd_overlay *overlay;           /* owned */
	struct hd_message_counters *messages; /* owned */
	struct hd_watchdog *watchdog;         /* owned */
	char *stacks_directory;               /* owned */
	char stacks_name[HD_THREAD_LOG_NAME_SIZE];
	struct hd_fuse_session *session; /* owned */
	char *mountpoint;                /* owned */
	char *last_end;                  /* owned, may be NULL */
	struct hd_request_area *area;    /* owned */
	bool yields;                     /* another worker goes on with the memory */
	_Atomic bool distrusts; /* the memory does not verify: the next one is to look at all of it */
	struct hd_fuse_session *_Atomic served; /* borrowed; the session, once it can be stopped */
	struct hd_auditor *auditor;             /* owned */
	uint64_t restarts;                      /* workers of this mount before us */
	char *last_restart;                     /* owned, may be NULL: how the last of them ended */
	struct hd_announcements *announcements; /* owned */
	struct hd_large_file *large; /* owned array of owned descriptors; what a dead worker held */
	size_t n_large;
	int signal_fd; /* owned */
};

static int tell(const char *op)
{
	return hd_control_send(HD_WORKER_LINK_FD, json_pack("{s:s}", "op", op), -1);
}

/* With what was found on disk. */
static int tell_opened(const struct worker *worker)
{
	struct hd_recovery_report report;

	hd_overlay_recovery(worker->overlay, &report);
	return hd_control_send(HD_WORKER_LINK_FD,
		json_pack("{s:s, s:I, s:I, s:s}", "op", "opened", "epochs", (json_int_t)report.journal_epochs,
			"torn", (json_int_t)report.torn_bytes, "volatile_since", report.volatile_since),
		-1);
}

static int tell_failure(const char *op, int r)
{
	json_t *message = hd_control_error_reply(r);

	(void)json_object_set_new(message, "op", json_string(op));
	return hd_control_send(HD_WORKER_LINK_FD, message, -1);
}

/* With the lock and the operation, for whoever looks for the bug. */
static void log_memory(const struct worker *worker)
{
	struct hd_recovery_report report;
	const struct hd_memory_report *memory = &report.memory;
	char operation[64] = "work of its own";

	hd_overlay_recovery(worker->overlay, &report);
	if (memory->has_operation)
		(void)snprintf(operation, sizeof(operation), "%s of inode %u",
			hd_message_name(memory->operation), (uint32_t)memory->subject);
	if (memory->owner_died)
		hd_log(HD_LOG_NOTICE, "process %u died with lock 'namespace' in %s: %s", memory->owner,
			operation,
			report.redo_applied ? "its transaction was completed, all verifies"
			: memory->flaw[0]   ? memory->flaw
					    : "nothing of it was begun, all verifies");
	if (memory->state != HD_MEMORY_SOUND)
		hd_log(HD_LOG_ERROR,
			"memory under lock 'namespace' is damaged: %s; the last operation was %s. Writes are "
			"refused, reads show %s",
			memory->flaw, operation,
			memory->state == HD_MEMORY_SHOWN ? "what is in memory" : "what was on disk");
}

/* Of hd_overlay_options. */
static void on_damage(void *payload)
{
	struct worker *worker = payload;
	struct hd_fuse_session *session;

	atomic_store(&worker->distrusts, true);
	session = atomic_load(&worker->served);
	if (session)
		hd_fuse_session_stop(session);
}

static int open_store(struct worker *worker)
{
	int r = hd_store_open(worker->arguments.store, &worker->store);

	return r < 0 ? hd_fail_in(r, "open the store %s", worker->arguments.store) : 0;
}

/* While the locks of the thread's number were waited for, the name may have become another thread's. */
static int check_number(const struct worker *worker)
{
	const struct hd_program_arguments *arguments = &worker->arguments;
	uint32_t number = 0;
	int r;

	if (!arguments->number || arguments->take_over || arguments->salvage)
		return 0;
	r = hd_index_thread_number(worker->store->index, arguments->thread, &number);
	return r < 0 || number == arguments->number
		       ? r
		       : hd_fail(HD_E_THREAD_BUSY, "'%s' is another thread by now", arguments->thread);
}

static int open_overlay(struct worker *worker)
{
	const struct hd_mount_options *options = &worker->options;
	struct hd_overlay_options settings = {.thread = worker->arguments.thread,
		.arena_fd = HD_PART_FD(HD_PART_ARENA),
		.hot_fd = HD_PART_FD(HD_PART_HOT),
		.attach = worker->arguments.salvage || worker->arguments.take_over,
		.keep_references = worker->arguments.take_over,
		.ignores_opens = options->open == HD_OPEN_UNTRACKED,
		.base_deadline_ms = (unsigned)options->base_deadline_ms,
		.flush_interval_ms = (unsigned)options->flush_interval_ms,
		.promote_idle_ms = (unsigned)options->promote_idle_ms,
		.hot_limit_bytes = options->hot_limit,
		.is_volatile = options->is_volatile,
		.background = !worker->arguments.salvage,
		.keep_in_memory = !options->evict,
		.hold_large = worker->arguments.salvage ? NULL : hd_announce,
		.hold_payload = worker->announcements,
		.on_damage = on_damage,
		.damage_payload = worker,
		.large = worker->large,
		.n_large = worker->n_large};
	int r;

	settings.store = worker->store;
	r = check_number(worker);
	if (r >= 0)
		r = hd_overlay_open(&settings, &worker->overlay);
	if (r < 0)
		return hd_fail_in(r, "open thread '%s'", worker->arguments.thread);
	if (options->git != HD_GIT_NONE)
		hd_overlay_derive_numbers(worker->overlay);
	log_memory(worker);
	return 0;
}

/*
 * What is in memory alone is not given up because a disk is full: this process holds it, and the thread's lock, until
 * it can be written. Only a store that was deleted ends that.
 */
static void save_overlay(struct worker *worker)
{
	bool told = false;
	int r;

	while ((r = hd_overlay_save(worker->overlay)) < 0 && r != -HD_E_STORE_DELETED &&
		!atomic_load(&worker->distrusts)) {
		if (!told) {
			r = hd_fail_in(r,
				"the mount of thread '%s' has ended, but process %d keeps what was "
				"written in memory until it can be brought to disk",
				worker->arguments.thread, (int)getpid());
			hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
			(void)tell_failure("unsaved", r);
			told = true;
		}
		hd_error_clear();
		hd_clock_sleep_ns(SAVE_RETRY_NS);
	}
}

/* What cannot be brought to disk, because nobody knows what it is. */
static void tell_lost(const struct worker *worker)
{
	struct hd_recovery_report report;

	hd_overlay_recovery(worker->overlay, &report);
	if (report.memory.state != HD_MEMORY_LOST)
		return;
	(void)tell_failure(
		"lost", hd_fail(HD_E_MEMORY_DAMAGED, "what was not on disk is lost: %s", report.memory.flaw));
}

static void remove_run_files(const struct worker *worker)
{
	struct hd_thread thread;

	if (hd_index_get_thread(worker->store->index, worker->arguments.thread, &thread) < 0)
		return;
	hd_run_file_remove(worker->arguments.store, thread.number, HD_RUN_ADOPTION);
	hd_run_file_remove(worker->arguments.store, thread.number, HD_RUN_SOCKET);
	hd_run_file_remove(worker->arguments.store, thread.number, HD_RUN_STATUS);
	hd_thread_clear(&thread);
}

static int close_overlay(struct worker *worker)
{
	int r;

	save_overlay(worker);
	if (atomic_load(&worker->distrusts)) {
		worker->yields = true;
		return 0;
	}
	tell_lost(worker);
	r = hd_overlay_close(HD_STEAL(worker->overlay));
	/* Not durable: the memory is still the only place of something, and is tried again. */
	if (r >= 0)
		hd_descriptor_flag_raise(HD_PART_FD(HD_PART_CLOSED));
	if (r < 0) {
		r = hd_fail_in(r, "close thread '%s'", worker->arguments.thread);
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
		(void)tell_failure("closed", r);
		return 0;
	}
	/* Without a supervisor there is nobody else to remove what says that the mount is there. */
	if (tell("closed") < 0)
		remove_run_files(worker);
	return 0;
}

/* ---- what a dead worker held ---- */

static char *copy_text(const json_t *message, const char *key)
{
	const char *text = json_string_value(json_object_get(message, key));

	return text ? strdup(text) : NULL;
}

static int keep_large(struct worker *worker, const json_t *message, int *fd)
{
	struct hd_large_file *large = realloc(worker->large, (worker->n_large + 1) * sizeof(*large));

	if (!large)
		return -ENOMEM;
	worker->large = large;
	large[worker->n_large++] = (struct hd_large_file){
		(uint32_t)json_integer_value(json_object_get(message, "slot")), hd_steal_fd(fd)};
	return 0;
}

/* The overlay has descriptors of its own: these would keep the memory of files that are long gone. */
static void let_large_go(struct worker *worker)
{
	for (size_t i = 0; i < worker->n_large; i++)
		hd_cleanup_close(&worker->large[i].fd);
	free(HD_STEAL(worker->large));
	worker->n_large = 0;
}

/* Receives the large files and, last, the mount, if there is one: *RET_DEVICE is -1 for a salvager. */
static int await_hand_over(struct worker *worker, int *ret_device)
{
	bool done = false;
	int r = 0;

	while (r >= 0 && !done) {
		HD_AUTO_CLOSE int fd = -1;
		json_t *message;

		r = hd_control_receive(HD_WORKER_LINK_FD, -1, &message, &fd);
		if (r < 0)
			return r;
		done = strcmp(hd_control_op(message), "go") == 0;
		if (strcmp(hd_control_op(message), "large") == 0 && fd >= 0)
			r = keep_large(worker, message, &fd);
		if (done) {
			worker->mountpoint = hd_control_get_name(message, "mountpoint");
			worker->last_end = copy_text(message, "last_end");
			worker->last_restart = copy_text(message, "last_restart");
			worker->restarts = (uint64_t)json_integer_value(json_object_get(message, "restarts"));
			*ret_device = hd_steal_fd(&fd);
		}
		json_decref(message);
	}
	return r;
}

/* ---- serving ---- */

/* Waits for the device. -ECANCELED when told to stop instead. */
static int await_mount(struct worker *worker, int *ret_device)
{
	HD_AUTO_CLOSE int device = -1;
	json_t *message;
	int r;

	r = hd_control_receive(HD_WORKER_LINK_FD, -1, &message, &device);
	if (r < 0)
		return r;
	r = strcmp(hd_control_op(message), "mounted") == 0 && device >= 0 ? 0 : -ECANCELED;
	worker->mountpoint = hd_control_get_name(message, "mountpoint");
	worker->last_end = copy_text(message, "last_end");
	json_decref(message);
	*ret_device = hd_steal_fd(&device);
	return r;
}

/* Whoever hangs may have any lock, so there is no orderly end; and none is needed. */
static void give_up(void *payload)
{
	(void)payload;
	(void)hd_process_kill(getpid(), SIGKILL);
}

static void name_thread(void *payload, pid_t thread)
{
	(void)payload;
	hd_worker_control_name_thread(HD_WORKER_LINK_FD, thread);
}

/* Beside the log of the thread, under the same number. */
static int start_watchdog(struct worker *worker)
{
	struct hd_watchdog_settings settings = {.slow_ns = worker->options.watchdog_ms * 1000000u,
		.hang_ns = worker->options.hang_ms * 1000000u,
		.give_up = give_up,
		.begun = name_thread};

	worker->stacks_directory = hd_thread_log_directory(worker->arguments.store);
	if (!worker->stacks_directory)
		return -ENOMEM;
	hd_thread_log_name(
		hd_overlay_thread_number(worker->overlay), HD_THREAD_LOG_STACKS, worker->stacks_name);
	settings.stacks_directory = worker->stacks_directory;
	settings.stacks_name = worker->stacks_name;
	return hd_watchdog_new(&settings, &worker->watchdog);
}

/* Without it what is damaged is found when it is to go to disk. */
static void start_audit(struct worker *worker)
{
	int r = hd_auditor_start(worker->overlay, &worker->auditor);

	if (r < 0)
		hd_log(HD_LOG_WARNING, "cannot look at all of the memory, ignoring: %s", hd_error_message(r));
}

static int serve_mount(struct worker *worker, int device)
{
	struct hd_worker_control_settings settings = {.link_fd = HD_WORKER_LINK_FD,
		.signal_fd = worker->signal_fd,
		.announcements = worker->announcements};
	struct hd_worker_control *control = NULL;
	int r;

	worker->messages = hd_message_counters_new();
	if (!worker->messages) {
		hd_cleanup_close(&device);
		return -ENOMEM;
	}
	r = start_watchdog(worker);
	if (r < 0) {
		hd_cleanup_close(&device);
		return r;
	}
	r = hd_fuse_session_new(worker->overlay, &worker->options, worker->messages, worker->watchdog,
		worker->area, device, &worker->session);
	if (r < 0)
		return r;
	r = hd_fuse_session_begin(worker->session, worker->arguments.take_over);
	if (r < 0)
		return hd_fail_in(r, "answer the kernel's first request");
	if (!worker->arguments.take_over)
		hd_kill_points_arm();
	settings.overlay = worker->overlay;
	settings.session = worker->session;
	settings.environment = (struct hd_control_environment){.mountpoint = worker->mountpoint,
		.supervisor = getppid(),
		.worker = getpid(),
		.started_ns = hd_clock_monotonic_ns(),
		.session = worker->session,
		.switching = &switching,
		.set_git = hd_fuse_session_set_git,
		.witness = hd_fuse_session_witness(worker->session),
		.messages = worker->messages,
		.watchdog = worker->watchdog,
		.options = &worker->options,
		.last_end = worker->last_end,
		.restarts = worker->restarts,
		.last_restart = worker->last_restart};
	r = hd_worker_control_start(&settings, &control);
	if (r < 0)
		return r;
	(void)tell("ready");
	atomic_store(&worker->served, worker->session);
	if (worker->arguments.take_over)
		start_audit(worker);
	/* It may have been found before there was anything to stop. */
	if (atomic_load(&worker->distrusts))
		hd_fuse_session_stop(worker->session);
	r = hd_fuse_session_serve(worker->session);
	atomic_store(&worker->served, NULL);
	hd_auditor_stop(HD_STEAL(worker->auditor));
	worker->yields = hd_worker_control_yields(control) || atomic_load(&worker->distrusts);
	hd_worker_control_stop(control);
	return r;
}

static int run_server(struct worker *worker)
{
	int device = -1;
	int r;

	/* While the one before may still be dying: other processes have the store open at any time. */
	r = open_store(worker);
	if (r >= 0 && worker->arguments.take_over)
		r = await_hand_over(worker, &device);
	if (r >= 0)
		r = hd_request_area_map(HD_PART_FD(HD_PART_REQUESTS), &worker->area);
	if (r >= 0)
		r = open_overlay(worker);
	let_large_go(worker);
	if (r < 0) {
		hd_cleanup_close(&device);
		return r;
	}
	HD_KILL_POINT(overlay_opened);
	if (!worker->arguments.take_over) {
		r = tell_opened(worker);
		if (r >= 0)
			r = await_mount(worker, &device);
	}
	if (r >= 0 && !worker->arguments.take_over)
		r = hd_git_link_prepare(worker->overlay, &worker->options, worker->mountpoint);
	if (r >= 0)
		r = serve_mount(worker, device);
	if (r < 0 && r != -ECANCELED && r != -ENODEV) {
		hd_log(HD_LOG_ERROR, "serving ended: %s", hd_error_message(r));
		(void)tell_failure("failed", r);
	}
	hd_fuse_session_free(HD_STEAL(worker->session));
	/* Everything is answered, and the memory is as it would be after a death, which the next one can deal with. */
	return worker->yields ? 0 : close_overlay(worker);
}

/* ---- salvaging ---- */

static int run_salvager(struct worker *worker)
{
	struct hd_recovery_report report;
	HD_AUTO_CLOSE int none = -1;
	int r;

	r = await_hand_over(worker, &none);
	if (r >= 0)
		r = open_store(worker);
	if (r >= 0)
		r = open_overlay(worker);
	let_large_go(worker);
	if (r < 0)
		return r;
	hd_overlay_recovery(worker->overlay, &report);
	hd_log(HD_LOG_NOTICE, "attached to a dead worker's memory; %s",
		report.redo_applied ? "its last transaction was completed" : "it was whole");
	return close_overlay(worker);
}

static void worker_clear(struct worker *worker)
{
	hd_watchdog_free(worker->watchdog);
	free(worker->stacks_directory);
	hd_message_counters_free(worker->messages);
	hd_announcements_free(worker->announcements);
	hd_request_area_unmap(worker->area);
	hd_store_free(worker->store);
	let_large_go(worker);
	hd_cleanup_close(&worker->signal_fd);
	free(worker->mountpoint);
	free(worker->last_end);
	free(worker->last_restart);
}

int hd_worker_run(const struct hd_program_arguments *arguments)
{
	struct worker worker = {.arguments = *arguments};
	int r;

	/* Ends the session, not the process: a machine that shuts down sends this to everybody at once. */
	worker.signal_fd = hd_process_signal_fd(ending_signals, HD_ARRAY_SIZE(ending_signals));
	hd_process_raise_limits();
	hd_process_return_freed_memory();
	/* A mount that was never served is nobody's to take over. */
	if (arguments->take_over)
		hd_kill_points_arm();
	hd_process_ignore_broken_pipes();
	hd_mount_options_default(&worker.options);
	r = hd_mount_options_parse(&worker.options, arguments->options);
	if (r >= 0)
		r = hd_announcements_new(HD_WORKER_LINK_FD, &worker.announcements);
	if (r >= 0)
		r = arguments->salvage ? run_salvager(&worker) : run_server(&worker);
	if (r < 0) {
		hd_log(HD_LOG_ERROR, "%s", hd_error_message(r));
		(void)tell_failure("failed", r);
	}
	/* The overlay's own threads still run. */
	if (!worker.yields)
		worker_clear(&worker);
	return r < 0 ? 1 : 0;
}
