/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/threads/thread_hold.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/client/control_client.h"
#include "mount/mount_place.h"
#include "mount/run_file.h"
#include "mount/thread_log.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/* The lease is of a directory, and a thread may get another one while it is waited for: the number is read again. */

#define RETRY_NS 20000000u

static int refuse_mounted(const struct hd_location *location, const char *thread)
{
	struct hd_mount_place place = {0};
	int r = hd_mount_find_thread(location->store->path, thread, &place);

	if (r == -HD_E_NOT_MOUNTED) {
		hd_error_clear();
		return 0;
	}
	if (r >= 0)
		r = hd_fail(HD_E_MOUNTED, "thread '%s' at %s can be moved when it is unmounted", thread,
			place.directory);
	hd_mount_place_clear(&place);
	return r;
}

/* Bare -HD_E_THREAD_BUSY: try again. */
static int try_hold(const struct hd_location *location, const char *thread, struct hd_thread_hold *ret_hold)
{
	HD_AUTO_CLOSE int lease_fd = -1;
	uint32_t number = 0, again = 0;
	int r;

	r = hd_index_thread_number(location->store->index, thread, &number);
	if (r >= 0)
		r = lease_fd = hd_run_lease_take(location->store->path, number);
	if (r >= 0)
		r = hd_index_thread_number(location->store->index, thread, &again);
	if (r < 0)
		return r;
	if (number != again)
		return -HD_E_THREAD_BUSY;
	*ret_hold = (struct hd_thread_hold){
		.thread = strdup(thread), .number = number, .store = location->store, .lease_fd = -1};
	if (!ret_hold->thread)
		return -ENOMEM;
	ret_hold->lease_fd = hd_steal_fd(&lease_fd);
	return 0;
}

int hd_thread_hold_take(
	const struct hd_location *location, const char *thread, struct hd_thread_hold *ret_hold)
{
	uint64_t deadline = hd_clock_monotonic_ns() + HD_CONTROL_PATIENCE_MS * 1000000ull;

	for (;;) {
		int r = try_hold(location, thread, ret_hold);

		if (r != -HD_E_THREAD_BUSY)
			return r;
		r = refuse_mounted(location, thread);
		if (r < 0)
			return r;
		if (hd_clock_monotonic_ns() > deadline)
			return hd_fail(HD_E_THREAD_BUSY, "thread '%s'", thread);
		hd_clock_sleep_ns(RETRY_NS);
	}
}

/* The lease itself goes last, by whoever holds it: a number is given once, so nobody waits for it. */
static void remove_run_files(const struct hd_thread_hold *hold)
{
	for (int file = 0; file < HD_RUN_FILE_COUNT; file++)
		if (file != HD_RUN_LEASE)
			hd_run_file_remove(hold->store->path, hold->number, (enum hd_run_file)file);
	hd_run_file_remove(hold->store->path, hold->number, HD_RUN_LEASE);
}

/* Where it was mounted if nobody said where: an empty directory. */
static void remove_mountpoint(const struct hd_thread_hold *hold)
{
	HD_AUTO_FREE char *path = NULL;

	if (asprintf(&path, "mnt/%s", hold->thread) < 0)
		path = NULL;
	else
		(void)hd_directory_remove(hold->store->fd, path);
}

/* What is left under the number, and under the name if that is gone as well. */
static void tidy(const struct hd_thread_hold *hold)
{
	uint32_t now;
	int r = hd_index_thread_number(hold->store->index, hold->thread, &now);
	bool is_free = hd_index_has_thread(hold->store->index, hold->number) == 0;

	if (r == -HD_E_THREAD_MISSING)
		remove_mountpoint(hold);
	if (is_free && r >= 0)
		hd_thread_logs_move(hold->store->path, hold->number, now);
	else if (is_free && r == -HD_E_THREAD_MISSING)
		hd_thread_logs_remove(hold->store->path, hold->number);
	if (is_free)
		remove_run_files(hold);
}

void hd_thread_hold_clear(struct hd_thread_hold *hold)
{
	if (hold->lease_fd >= 0)
		tidy(hold);
	hd_cleanup_close(&hold->lease_fd);
	free(hold->thread);
}
