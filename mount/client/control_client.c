/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Two ways to the same execution. A mounted thread is asked through its socket; an unmounted one is opened
 * here, which takes the thread's lock, so that both cannot happen at once. In between (a mount that begins,
 * ends or is salvaged) the socket refuses and the lock is held: then both are tried again for a while.
 *
 * Before a mounted thread is captured or compared, its dirty pages are flushed from here by hd_mount_flush: a
 * program's shared mappings, and all writes with writeback caching, are in the kernel until then. It is done
 * here and not in the worker because the flush sends WRITE requests to that very worker.
 */

#include "mount/client/control_client.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <string.h>

#include "mount/answers/control_execute.h"
#include "mount/answers/replaced_files.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/control/control_progress.h"
#include "mount/run_file.h"
#include "overlay/overlay.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/platform/threads/work.h"

#define RETRY_NS 20000000u
#define SIGN_PERIOD_MS 100
#define ADOPT_RETRY_NS 1000000000u

static bool is_one_of(const json_t *request, const char *const *ops)
{
	while (*ops && strcmp(hd_control_op(request), *ops) != 0)
		ops++;
	return *ops != NULL;
}

static bool sees_bytes(const json_t *request)
{
	static const char *const ops[] = {
		"capture", "diff", "blame", "sync", "status", "restore", "undo", "advance", "fork", NULL};

	return is_one_of(request, ops);
}

/* What was sent may have been executed: such a request is not asked again. */
static bool does_harm_twice(const json_t *request)
{
	static const char *const ops[] = {"capture", "restore", "undo", "advance", "fork", NULL};

	return is_one_of(request, ops);
}

/* Best effort: a mount of another namespace cannot be flushed from here, and need not be ours to open. */
static void flush_mount(const struct hd_store *store, const char *thread)
{
	HD_AUTO_CLOSE int fd = hd_mount_open_thread(store->path, thread);

	if (fd >= 0)
		hd_mount_flush(fd);
}

/* The control socket of a mounted thread. -ECONNREFUSED or -ENOENT: nobody serves it. */
static int connect_served(const struct hd_store *store, uint32_t number)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store->path, number, HD_RUN_SOCKET);

	return path ? hd_socket_connect(path) : -ENOMEM;
}

/* Waits for FD to be readable, or for whoever wants this to stop. */
static int wait_for_sign(int fd)
{
	uint64_t deadline = hd_clock_monotonic_ns() + HD_CONTROL_ALIVE_MS * 1000000ull;
	unsigned ready = 0;
	int r = 0;

	while (r >= 0 && !ready && hd_clock_monotonic_ns() < deadline) {
		r = hd_descriptor_wait(&fd, 1, SIGN_PERIOD_MS, &ready);
		if (r >= 0 && !ready)
			r = hd_work_advance(0);
	}
	return r;
}

int hd_control_check_alive(int fd, const char *thread)
{
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *reply;
	int r;

	r = hd_control_send(fd, json_pack("{s:s}", "op", "ping"), -1);
	/* A supervisor that refuses says why before it is asked, and closes. */
	if (r == -EPIPE)
		r = 0;
	if (r >= 0)
		r = wait_for_sign(fd);
	if (r >= 0)
		r = hd_control_receive(fd, SIGN_PERIOD_MS, &reply, &passed_fd);
	if (r == -HD_E_CONTROL_TIMEOUT)
		return hd_fail(r, "thread '%s'", thread);
	if (r >= 0) {
		r = hd_control_reply_status(reply);
		json_decref(reply);
	}
	return r;
}

/* Whether other trees are kept out of the mount for us: the worker says when it has had enough of that. */
static bool may_show(void *payload)
{
	int fd = *(int *)payload;
	HD_AUTO_CLOSE int passed_fd = -1;
	unsigned ready = 0;
	json_t *message;

	if (hd_descriptor_wait(&fd, 1, 0, &ready) < 0 || ready == 0)
		return true;
	/* A worker that died said nothing, and the next one waits for nobody. */
	if (hd_control_receive(fd, SIGN_PERIOD_MS, &message, &passed_fd) < 0)
		return true;
	json_decref(message);
	return false;
}

static int request_served(
	struct hd_store *store, const char *thread, int fd, json_t *request, json_t **ret_reply, int *ret_fd)
{
	int r;

	/* Before the flush, which nothing ends while the worker is stopped. */
	r = hd_control_check_alive(fd, thread);
	if (r == -ECONNRESET || r == -EPIPE)
		return -HD_E_THREAD_BUSY;
	if (r < 0)
		return r;
	if (sees_bytes(request))
		flush_mount(store, thread);
	r = hd_work_advance(0);
	if (r >= 0)
		r = json_object_set_new(request, "progress", json_true()) < 0 ? -ENOMEM : 0;
	if (r >= 0)
		r = hd_control_send(fd, json_incref(request), -1);
	if (r >= 0)
		r = hd_control_wait_reply(fd, ret_reply, ret_fd);
	if ((r == -ECONNRESET || r == -EPIPE) && !does_harm_twice(request))
		return -HD_E_THREAD_BUSY;
	if (r >= 0 && hd_replaced_files_any(*ret_reply)) {
		hd_replaced_files_show(store->path, thread, *ret_reply, may_show, &fd);
		(void)hd_control_send(fd, json_pack("{s:s}", "op", "shown"), -1);
	}
	return r < 0 ? hd_fail_in(r, "ask the mount of thread '%s'", thread) : 0;
}

/* Whether the directory that a lease was taken for still is the thread's: it may have been moved before that. */
static int check_number(struct hd_store *store, const char *thread, uint32_t number)
{
	struct hd_thread record;
	bool same;
	int r;

	r = hd_index_get_thread(store->index, thread, &record);
	if (r < 0)
		return r;
	same = record.number == number;
	hd_thread_clear(&record);
	return same ? 0 : -HD_E_THREAD_BUSY;
}

static int request_here(struct hd_store *store, const char *thread, uint32_t number, json_t *request,
	json_t **ret_reply, int *ret_fd)
{
	HD_AUTO_FREE char *last_end = NULL;
	struct hd_overlay_options options = {.store = store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_control_environment environment = {0};
	HD_AUTO_CLOSE int lease_fd = -1;
	struct hd_overlay *overlay;
	json_t *reply = NULL;
	int fd = -1;
	int r, closed;

	r = lease_fd = hd_run_lease_take(store->path, number);
	if (r >= 0)
		r = check_number(store, thread, number);
	if (r < 0)
		return r;
	r = hd_overlay_open(&options, &overlay);
	if (r < 0)
		return r;
	(void)hd_run_file_read(store->path, number, HD_RUN_LAST, &last_end);
	environment.last_end = last_end;
	r = hd_control_execute(overlay, &environment, request, &reply, &fd);
	closed = hd_overlay_close(overlay);
	/* What was moved is moved, and durable; what a close does besides is done by the next one. */
	if (r >= 0 && (closed >= 0 || does_harm_twice(request))) {
		*ret_reply = reply;
		*ret_fd = fd;
		return 0;
	}
	json_decref(reply);
	hd_cleanup_close(&fd);
	return r < 0 ? r : hd_fail_in(closed, "close thread '%s'", thread);
}

/* The thread stays busy: with whom. */
static int explain_busy(const struct hd_store *store, const char *thread, uint32_t number)
{
	HD_AUTO_FREE char *owner = hd_run_lock_owner(store->path, number, HD_RUN_LEASE);

	return hd_fail(HD_E_THREAD_BUSY, "thread '%s', %s has it", thread, owner ? owner : "another process");
}

int hd_thread_request(
	struct hd_store *store, const char *thread, json_t *request, json_t **ret_reply, int *ret_fd)
{
	uint64_t deadline = hd_clock_monotonic_ns() + HD_CONTROL_PATIENCE_MS * 1000000ull;
	uint64_t adopt_at = 0;
	int r;

	for (;;) {
		HD_AUTO_CLOSE int fd = -1;
		uint32_t number;

		r = hd_index_thread_number(store->index, thread, &number);
		if (r < 0)
			return r;
		fd = connect_served(store, number);
		if (fd >= 0)
			r = request_served(store, thread, fd, request, ret_reply, ret_fd);
		else if (fd == -ECONNREFUSED || fd == -ENOENT)
			r = request_here(store, thread, number, request, ret_reply, ret_fd);
		else
			return hd_fail_in(fd, "reach the mount of thread '%s'", thread);
		if (r == -HD_E_THREAD_BUSY && fd < 0 && hd_clock_monotonic_ns() > adopt_at) {
			if (hd_mount_adopt(store, thread, number) == -HD_E_OTHER_FORMATS)
				return -HD_E_OTHER_FORMATS;
			adopt_at = hd_clock_monotonic_ns() + ADOPT_RETRY_NS;
		}
		if (r == -HD_E_THREAD_BUSY && hd_clock_monotonic_ns() > deadline)
			return fd < 0 ? explain_busy(store, thread, number) : r;
		if (r >= 0 && does_harm_twice(request) && json_is_true(json_object_get(*ret_reply, "ok")))
			hd_work_was_finished();
		if (r != -HD_E_THREAD_BUSY)
			return r;
		r = hd_work_advance(0);
		if (r < 0)
			return r;
		hd_clock_sleep_ns(RETRY_NS);
	}
}
