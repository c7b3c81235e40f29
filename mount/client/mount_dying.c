/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A process that was killed is there until the last of its threads has ended and its memory is given back, which takes a
 * while when that is much or the machine is busy; so long it has the lease, and the mount looks served. Who mounts at
 * that moment waits: for the lease to go, or for somebody to answer.
 */

#include <errno.h>
#include <fcntl.h>

#include "mount/client/control_client.h"
#include "mount/client/mount_start.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/sockets/socket.h"

#define PATIENCE_NS 10000000000u
#define LOOK_NS 20000000u

/* Whether somebody answers for the thread, or is stopped and would. */
static bool is_served(const char *path, const char *thread)
{
	HD_AUTO_CLOSE int fd = hd_socket_connect(path);
	int r = fd < 0 ? fd : hd_control_check_alive(fd, thread);

	/* What cannot be reached, or closes the connection without a word, is ending, or about to be adopted. */
	return r != -ECONNREFUSED && r != -ENOENT && r != -ECONNRESET && r != -EPIPE && r != -EAGAIN;
}

bool hd_mount_is_dead(const struct hd_mount_place *place)
{
	struct hd_store *store;
	struct hd_thread thread;
	struct stat stat;
	bool dead;
	int r;

	r = hd_store_open(place->store, &store);
	/* A store that is gone has no lease; the kernel may know. */
	if (r < 0)
		return hd_file_stat_at(AT_FDCWD, place->directory, &stat) == -ENOTCONN;
	r = hd_index_get_thread(store->index, place->thread, &thread);
	dead = r >= 0 && !hd_run_lock_is_held(place->store, thread.number, HD_RUN_LEASE);
	if (r >= 0)
		hd_thread_clear(&thread);
	hd_store_free(store);
	return dead;
}

static bool await_end(const struct hd_store *store, uint32_t number, const struct hd_mount_place *place)
{
	HD_AUTO_FREE char *path = hd_run_file_path(place->store, number, HD_RUN_SOCKET);
	uint64_t deadline = hd_clock_monotonic_ns() + PATIENCE_NS;

	while (path && !hd_mount_is_dead(place)) {
		if (is_served(path, place->thread) || hd_clock_monotonic_ns() > deadline)
			return false;
		/* Or its worker lives, and needs a supervisor. */
		(void)hd_mount_adopt(store, place->thread, number);
		hd_error_clear();
		hd_clock_sleep_ns(LOOK_NS);
	}
	return path != NULL;
}

bool hd_mount_await_end(const struct hd_mount_place *place)
{
	struct hd_store *store = NULL;
	struct hd_thread thread;
	bool ended = true;

	if (hd_mount_is_dead(place))
		return true;
	if (hd_store_open(place->store, &store) < 0)
		return false;
	if (hd_index_get_thread(store->index, place->thread, &thread) >= 0) {
		ended = await_end(store, thread.number, place);
		hd_thread_clear(&thread);
	}
	hd_store_free(store);
	hd_error_clear();
	return ended;
}
