/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Bringing heddled up and down.
 *
 * heddled holds one end of a socket pair and says once how it went; its end closing without a word means that
 * it died. So a caller never guesses from the mount table, and the reason of a failure reaches the person who
 * asked.
 */

#include "mount/client/mount_start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/client/control_client.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/program_spawn.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/sockets/socket.h"
#include "overlay/store/store_owner.h"

#define ADOPTION_PATIENCE_NS 2000000000u
#define ADOPTION_RETRY_NS 5000000u
#define SUCCESSOR_PATIENCE_NS 10000000000u
#define SUCCESSOR_RETRY_NS 10000000u
#define END_PATIENCE_MS 20000
#define ELSEWHERE_PATIENCE_NS 3000000000u
#define ELSEWHERE_PRIVATE_NS 500000000u

/* A place for the mount: DIRECTORY, or the store's own, which is made. Fresh memory. */
static int choose_directory(
	const struct hd_store *store, const char *thread, const char *directory, char **ret_directory)
{
	HD_AUTO_FREE char *chosen = NULL;
	int r;

	if (directory) {
		chosen = strdup(directory);
	} else {
		char *slash;

		if (asprintf(&chosen, "%s/mnt/%s", store->path, thread) < 0) {
			chosen = NULL;
			return -ENOMEM;
		}
		slash = strrchr(chosen, '/');
		*slash = '\0';
		r = hd_directory_make(AT_FDCWD, chosen, 0700);
		*slash = '/';
		if (r >= 0)
			r = hd_directory_make(AT_FDCWD, chosen, 0755);
		/* A dead mount there is no directory to stat. */
		if (r < 0 && r != -ENOTCONN && r != -ECONNABORTED && r != -EEXIST)
			return hd_fail_in(r, "make the mountpoint %s", chosen);
	}
	if (!chosen)
		return -ENOMEM;
	*ret_directory = HD_STEAL(chosen);
	return 0;
}

/* In a store that the mount table alone names, and that is not ours, nobody looks for those who serve it. */
static bool has_ended(const struct hd_store *store, const struct hd_mount_place *place)
{
	if (strcmp(place->store, store->path) != 0 && hd_store_check_owner(place->store) < 0) {
		hd_error_clear();
		return false;
	}
	return hd_mount_await_end(place);
}

/* Whether a mount of ours stands at DIRECTORY; a dead one is detached first. */
static int clear_directory(const struct hd_store *store, const char *directory)
{
	struct hd_mount_place place;
	struct stat stat;
	int r;

	for (;;) {
		r = hd_file_stat_at(AT_FDCWD, directory, &stat);
		if (r != -ENOTCONN && r != -ECONNABORTED)
			break;
		r = hd_mount_find(directory, &place);
		if (r < 0)
			return hd_fail(ENOTCONN, "a dead mount that is not heddle's stands at %s", directory);
		r = strcmp(place.directory, directory) == 0 ? hd_mount_point_abandon(directory) : -ENOTCONN;
		hd_mount_place_clear(&place);
		if (r < 0)
			return hd_fail_in(r, "detach the dead mount at %s", directory);
	}
	if (r < 0)
		return hd_fail_in(r, "mount at %s", directory);
	if (!S_ISDIR(stat.st_mode))
		return hd_fail(ENOTDIR, "mount at %s", directory);
	r = hd_mount_find(directory, &place);
	if (r == -HD_E_NOT_MOUNTED)
		return 0;
	if (r < 0)
		return r;
	r = 0;
	if (strcmp(place.directory, directory) == 0 && has_ended(store, &place))
		r = hd_mount_point_abandon(directory);
	else if (strcmp(place.directory, directory) == 0)
		r = hd_fail(HD_E_MOUNTED, "thread '%s' stands at %s", place.thread, directory);
	hd_mount_place_clear(&place);
	return r;
}

/* Whether PATH is DIRECTORY or lies in it. Both are absolute and without a slash at the end, but for the root. */
static bool lies_in(const char *path, const char *directory)
{
	size_t length = strcmp(directory, "/") == 0 ? 0 : strlen(directory);

	return strncmp(path, directory, length) == 0 && (path[length] == '\0' || path[length] == '/');
}

/* The bases: one that is hidden, or a directory that contains the mount, would be read through the mount. */
static int check_bases(const struct hd_store *store, const char *directory)
{
	struct hd_base_record base;
	uint16_t number = 1;
	int r = 0;

	for (; r == 0 && hd_index_get_base(store->index, number, &base) >= 0; number++) {
		if (lies_in(base.location, directory))
			r = hd_fail(HD_E_USAGE, "a mount at %s would hide its own base, %s", directory,
				base.location);
		else if (base.kind == HD_BASE_DIRECTORY && lies_in(directory, base.location))
			r = hd_fail(
				HD_E_USAGE, "%s lies in the mount's own base, %s", directory, base.location);
		hd_base_record_clear(&base);
	}
	return r;
}

/*
 * The worker must never come across its own mount: it would wait for an answer that only it could give. The places
 * below mnt/ are the store's own for mounts, and no base shows them.
 */
static int check_place(const struct hd_store *store, const char *directory)
{
	HD_AUTO_FREE char *own = NULL;

	if (asprintf(&own, "%s/mnt", store->path) < 0) {
		own = NULL;
		return -ENOMEM;
	}
	if (lies_in(directory, own) && strcmp(directory, own) != 0)
		return 0;
	if (lies_in(store->path, directory))
		return hd_fail(
			HD_E_USAGE, "a mount at %s would hide its own store, %s", directory, store->path);
	if (lies_in(directory, store->path))
		return hd_fail(HD_E_USAGE, "%s lies in the store of the mount", directory);
	return check_bases(store, directory);
}

static int check_thread(const struct hd_store *store, const char *thread, uint32_t *ret_number)
{
	struct hd_mount_place place;
	struct hd_thread record;
	int r;

	r = hd_index_get_thread(store->index, thread, &record);
	if (r < 0)
		return hd_fail_in(r, "'%s'", thread);
	*ret_number = record.number;
	hd_thread_clear(&record);
	r = hd_mount_find_thread(store->path, thread, &place);
	if (r < 0)
		return r == -HD_E_NOT_MOUNTED ? 0 : r;
	/* A dead one elsewhere is in nobody's way, but nobody needs it either. */
	if (hd_mount_await_end(&place))
		(void)hd_mount_point_abandon(place.directory);
	else
		r = hd_fail(HD_E_MOUNTED, "at %s", place.directory);
	hd_mount_place_clear(&place);
	return r;
}

static int spawn_supervisor(const struct hd_program_arguments *arguments, int device, int report_fd)
{
	const struct hd_inherited_fd fds[] = {
		{report_fd, HD_SUPERVISOR_REPORT_FD}, {device, HD_SUPERVISOR_DEVICE_FD}};
	pid_t pid;

	return hd_program_spawn("heddled", arguments, fds, device >= 0 ? HD_ARRAY_SIZE(fds) : 1, &pid);
}

/* Starts heddled and returns when the mount can be used, or is not to be. DEVICE: what is mounted already, or -1. */
static int serve(const struct hd_store *store, const char *thread, uint32_t number, const char *directory,
	const struct hd_mount_options *options, int device)
{
	HD_AUTO_FREE char *text = hd_mount_options_format(options);
	const struct hd_program_arguments arguments = {.store = store->path,
		.thread = thread,
		.number = number,
		.directory = directory,
		.options = text,
		.report = true};
	HD_AUTO_CLOSE int ours = -1;
	int ends[2];
	json_t *report = NULL;
	int passed_fd = -1;
	int r;

	if (!text)
		return -ENOMEM;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	ours = ends[0];
	r = spawn_supervisor(&arguments, device, ends[1]);
	hd_cleanup_close(&ends[1]);
	if (r < 0)
		return r;
	r = hd_control_receive(ours, -1, &report, &passed_fd);
	hd_cleanup_close(&passed_fd);
	if (r == -ECONNRESET)
		return hd_fail(HD_E_WORKER_DIED, "heddled ended without a word; see %s/log", store->path);
	if (r < 0)
		return r;
	r = hd_control_reply_status(report);
	json_decref(report);
	return r == -HD_E_THREAD_BUSY ? hd_mount_explain_busy(store, thread) : r;
}

int hd_mount_start(struct hd_store *store, const char *thread, const char *directory,
	const struct hd_mount_options *options)
{
	HD_AUTO_FREE char *chosen = NULL;
	uint32_t number = 0;
	int r;

	r = check_thread(store, thread, &number);
	if (r >= 0)
		r = hd_mount_check_elsewhere(store, thread, number, ELSEWHERE_PATIENCE_NS);
	if (r >= 0)
		r = choose_directory(store, thread, directory, &chosen);
	if (r >= 0)
		r = check_place(store, chosen);
	if (r >= 0)
		r = clear_directory(store, chosen);
	return r < 0 ? r : serve(store, thread, number, chosen, options, -1);
}

int hd_mount_prepare_private(
	const struct hd_store *store, const char *thread, const char *directory, char **ret_directory)
{
	uint32_t number = 0;
	int r = check_thread(store, thread, &number);

	if (r >= 0)
		r = hd_mount_check_elsewhere(store, thread, number, ELSEWHERE_PRIVATE_NS);
	return r < 0 ? r : choose_directory(store, thread, directory, ret_directory);
}

int hd_mount_start_private(struct hd_store *store, const char *thread, const char *directory,
	const struct hd_mount_options *options, int device)
{
	struct hd_mount_options private = *options;
	uint32_t number = 0;
	int r = hd_index_thread_number(store->index, thread, &number);

	private.is_private = true;
	return r < 0 ? r : serve(store, thread, number, directory, &private, device);
}

/* ---- stopping ---- */

/* Without a supervisor that answers: detach, then wait until the thread can be opened, which means it was
 * closed. */
static int stop_unserved(struct hd_store *store, const char *thread, bool lazy)
{
	HD_AUTO_FREE char *directory = NULL;
	struct hd_mount_place place;
	json_t *request;
	json_t *reply = NULL;
	int fd = -1;
	int r;

	r = hd_mount_find_thread(store->path, thread, &place);
	if (r < 0)
		return r;
	r = hd_mount_point_detach(place.directory, lazy);
	if (r < 0)
		r = hd_fail_in(r, "unmount %s", place.directory);
	directory = HD_STEAL(place.directory);
	hd_mount_place_clear(&place);
	if (r < 0)
		return r;
	request = json_pack("{s:s}", "op", "sync");
	r = request ? hd_thread_request(store, thread, request, &reply, &fd) : -ENOMEM;
	json_decref(request);
	if (r == -HD_E_CONTROL_TIMEOUT)
		return hd_fail(HD_E_CONTROL_TIMEOUT,
			"%s is detached, but the processes of thread '%s' are stopped or stuck: what was "
			"written there "
			"is in their memory, and comes to disk when they go on",
			directory, thread);
	if (r < 0)
		return r;
	r = hd_control_reply_status(reply);
	json_decref(reply);
	hd_cleanup_close(&fd);
	return r;
}

static int request_unmount(int socket_fd, bool lazy, bool owned)
{
	HD_AUTO_CLOSE int passed_fd = -1;
	HD_AUTO_CLOSE int ended = hd_socket_watch_peer(socket_fd);
	unsigned ready = 0;
	json_t *reply;
	int r;

	r = hd_control_send(socket_fd,
		json_pack("{s:s, s:b, s:b}", "op", "unmount", "lazy", (int)lazy, "owned", (int)owned), -1);
	if (r >= 0)
		r = hd_control_receive(socket_fd, -1, &reply, &passed_fd);
	if (r < 0)
		return r;
	r = hd_control_reply_status(reply);
	json_decref(reply);
	/* Its sockets, whose names are on the store's disk, keep that from being unmounted until it has ended. */
	if (r >= 0 && ended >= 0 && !lazy)
		(void)hd_descriptor_wait(&ended, 1, END_PATIENCE_MS, &ready);
	return r;
}

int hd_mount_connect(const struct hd_store *store, const char *thread, uint32_t number)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store->path, number, HD_RUN_SOCKET);
	uint64_t deadline = hd_clock_monotonic_ns() + ADOPTION_PATIENCE_NS;
	struct hd_mount_place place;
	int fd;

	if (!path)
		return -ENOMEM;
	fd = hd_socket_connect(path);
	if ((fd != -ECONNREFUSED && fd != -ENOENT) || hd_mount_find_thread(store->path, thread, &place) < 0)
		return fd;
	hd_mount_place_clear(&place);
	if (hd_mount_adopt(store, thread, number) < 0)
		return fd;
	while ((fd = hd_socket_connect(path)) < 0 && hd_clock_monotonic_ns() < deadline)
		hd_clock_sleep_ns(ADOPTION_RETRY_NS);
	return fd;
}

static int ask_to_unmount(struct hd_store *store, const char *thread, uint32_t number, bool lazy)
{
	HD_AUTO_CLOSE int fd = hd_mount_connect(store, thread, number);
	int r = fd;

	if (r >= 0)
		r = hd_control_check_alive(fd, thread);
	return r < 0 ? r : request_unmount(fd, lazy, false);
}

int hd_mount_stop(struct hd_store *store, const char *thread, bool lazy)
{
	uint64_t deadline = hd_clock_monotonic_ns() + SUCCESSOR_PATIENCE_NS;
	uint32_t number;
	int r;

	r = hd_index_thread_number(store->index, thread, &number);
	if (r < 0)
		return r;
	/* A worker that died while it was asked has a successor, which must be told to end as well: where another mount
	 * namespace has a copy of the mount, that one would not find out by itself. */
	while ((r = ask_to_unmount(store, thread, number, lazy)) == -ECONNRESET || r == -EPIPE) {
		if (hd_clock_monotonic_ns() > deadline)
			break;
		hd_clock_sleep_ns(SUCCESSOR_RETRY_NS);
	}
	if (r == -ECONNREFUSED || r == -ENOENT || r == -ECONNRESET || r == -EPIPE)
		return stop_unserved(store, thread, lazy);
	/* A worker that is stopped cannot be asked, but what it serves can be detached. */
	if (r == -HD_E_CONTROL_TIMEOUT && lazy)
		return stop_unserved(store, thread, lazy);
	return r;
}

static int ask_to_end_private(const struct hd_store *store, uint32_t number, const char *thread)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store->path, number, HD_RUN_SOCKET);
	HD_AUTO_CLOSE int fd = path ? hd_socket_connect(path) : -ENOMEM;
	int r;

	if (fd == -ECONNREFUSED || fd == -ENOENT)
		return hd_fail(HD_E_NOT_MOUNTED, "thread '%s'", thread);
	if (fd < 0)
		return fd;
	r = hd_control_check_alive(fd, thread);
	return r < 0 ? r : request_unmount(fd, false, true);
}

int hd_mount_stop_private(struct hd_store *store, uint32_t number, const char *thread)
{
	uint64_t deadline = hd_clock_monotonic_ns() + SUCCESSOR_PATIENCE_NS;
	int r;

	/* Who ends while it is asked has ended because its namespace did, or it has a successor. */
	while ((r = ask_to_end_private(store, number, thread)) == -ECONNRESET || r == -EPIPE) {
		if (hd_clock_monotonic_ns() > deadline)
			break;
		hd_clock_sleep_ns(SUCCESSOR_RETRY_NS);
	}
	return r;
}
