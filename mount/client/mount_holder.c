/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Who has a thread that somebody wants to mount. Its lease says that there is one, its socket whether he answers; where a mount stands
 * that this process cannot see, in another mount namespace, its status file says.
 */

#include <errno.h>
#include <jansson.h>

#include "mount/client/control_client.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_json.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/sockets/socket.h"

#define RETRY_NS 5000000u

/* As hd_control_check_alive, of whoever listens at the thread's socket; -ENOENT, -ECONNREFUSED: nobody. */
static int ask_who_has(const struct hd_store *store, const char *thread, uint32_t number)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store->path, number, HD_RUN_SOCKET);
	HD_AUTO_CLOSE int fd = path ? hd_socket_connect(path) : -ENOMEM;

	return fd < 0 ? fd : hd_control_check_alive(fd, thread);
}

static int explain_elsewhere(const struct hd_store *store, const char *thread, uint32_t number)
{
	HD_AUTO_FREE char *owner = hd_run_lock_owner(store->path, number, HD_RUN_LEASE);
	HD_AUTO_FREE char *text = NULL;
	HD_AUTO_FREE char *place = NULL;
	json_t *status = NULL;
	int r;

	if (hd_run_file_read(store->path, number, HD_RUN_STATUS, &text) >= 0)
		status = json_loads(text, 0, NULL);
	place = hd_control_get_name(status, "mountpoint");
	r = hd_fail(HD_E_MOUNTED, "thread '%s', %s%s%sby %s, where this process cannot see it", thread,
		place ? "at " : "", place ? place : "", place ? " " : "", owner ? owner : "somebody");
	json_decref(status);
	return r;
}

static int explain_mounted(const struct hd_store *store, const char *thread, uint32_t number)
{
	struct hd_mount_place place;
	int r = hd_mount_find_thread(store->path, thread, &place);

	if (r < 0) {
		hd_error_clear();
		return explain_elsewhere(store, thread, number);
	}
	r = hd_fail(HD_E_MOUNTED, "at %s", place.directory);
	hd_mount_place_clear(&place);
	return r;
}

int hd_mount_explain_busy(const struct hd_store *store, const char *thread)
{
	HD_AUTO_FREE char *owner = NULL;
	uint32_t number;
	int r;

	r = hd_index_thread_number(store->index, thread, &number);
	if (r < 0)
		return r;
	r = ask_who_has(store, thread, number);
	/* Somebody mounted it at the same time. */
	if (r >= 0)
		return explain_mounted(store, thread, number);
	if (r != -ENOENT && r != -ECONNREFUSED && r != -ECONNRESET && r != -EPIPE &&
		r != -HD_E_CONTROL_TIMEOUT)
		return r;
	owner = hd_run_lock_owner(store->path, number, HD_RUN_LEASE);
	return hd_fail(
		HD_E_THREAD_BUSY, "open thread '%s', which %s has", thread, owner ? owner : "somebody");
}

static bool answers(const struct hd_store *store, const char *thread, uint32_t number)
{
	bool alive = ask_who_has(store, thread, number) >= 0;

	hd_error_clear();
	return alive;
}

int hd_mount_check_elsewhere(
	const struct hd_store *store, const char *thread, uint32_t number, uint64_t patience_ns)
{
	uint64_t deadline = hd_clock_monotonic_ns() + patience_ns;

	while (hd_run_lock_is_held(store->path, number, HD_RUN_LEASE) && answers(store, thread, number)) {
		if (hd_clock_monotonic_ns() > deadline)
			return explain_elsewhere(store, thread, number);
		hd_clock_sleep_ns(RETRY_NS);
	}
	return 0;
}
