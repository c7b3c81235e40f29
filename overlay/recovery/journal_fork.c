/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/recovery/journal_fork.h"

#include <errno.h>
#include <stdio.h>

#include "overlay/journal/flush.h"
#include "overlay/journal/journal.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/threads/task_thread.h"

/*
 * The files get further names in their own directory first: their thread goes on, and may write a checkpoint, which takes
 * the old names away, before the new directory is there. Who is killed in between leaves these names; whoever opens that
 * thread next, or forks it, removes them (open_file in journal.c).
 */

#define PATH_SIZE 96

bool hd_fork_is_impossible(int r)
{
	return r == -EMLINK || r == -EPERM || r == -EOPNOTSUPP || r == -ENOSYS || r == -EXDEV;
}

static void thread_path(char path[PATH_SIZE], uint32_t thread, const char *name)
{
	(void)snprintf(path, PATH_SIZE, "threads/%u%s%s", thread, *name ? "/" : "", name);
}

/* ---- names that stay ---- */

int hd_fork_begin(struct hd_overlay *overlay, struct hd_fork *ret_fork)
{
	int r = hd_flush_and_pin(overlay, &ret_fork->origins);

	ret_fork->from = overlay->thread_number;
	HD_KILL_POINT(fork_pinned);
	return r;
}

int hd_fork_begin_closed(struct hd_store *store, uint32_t from, struct hd_fork *ret_fork)
{
	HD_AUTO_CLOSE int directory_fd = -1;
	HD_AUTO_CLOSE int lock_fd = -1;
	struct hd_journal_origins origins;
	struct hd_journal_end end;
	char path[PATH_SIZE];
	int r;

	thread_path(path, from, "");
	r = directory_fd = hd_directory_open(store->fd, path);
	if (r >= 0)
		r = hd_file_look(directory_fd, "journal");
	if (r == 0 && hd_journal_was_closed(directory_fd, from))
		r = -ENOENT;
	if (r >= 0)
		r = lock_fd = hd_file_open_lock(directory_fd, "lock");
	if (r >= 0)
		r = hd_file_lock(lock_fd);
	if (r < 0)
		return r == -EWOULDBLOCK ? -HD_E_THREAD_BUSY : r;
	if (!hd_journal_closed_end(directory_fd, from, &end, &origins)) {
		hd_error_clear();
		return -EUCLEAN;
	}
	r = hd_journal_origins_pin(directory_fd, from, &end, &origins, &ret_fork->origins);
	ret_fork->from = from;
	return r;
}

void hd_fork_end(struct hd_store *store, const struct hd_fork *fork)
{
	HD_AUTO_CLOSE int directory_fd = -1;
	char path[PATH_SIZE];

	thread_path(path, fork->from, "");
	directory_fd = hd_directory_open(store->fd, path);
	if (directory_fd >= 0)
		(void)hd_journal_origins_remove(directory_fd, HD_ORIGIN_PINNED_PREFIX);
}

/* ---- the new directory ---- */

static int move_origins(struct hd_store *store, const struct hd_fork *fork, uint32_t number)
{
	int r = 0;

	/* From the last one on: what is left is found by number 1. */
	for (size_t n = fork->origins.count; r == 0 && n > 0; n--) {
		char name[HD_ORIGIN_NAME_SIZE], from[PATH_SIZE], to[PATH_SIZE];

		hd_journal_origin_name(HD_ORIGIN_PINNED_PREFIX, n, name);
		thread_path(from, fork->from, name);
		hd_journal_origin_name(HD_ORIGIN_PREFIX, n, name);
		thread_path(to, number, name);
		r = hd_file_rename(store->fd, from, to);
	}
	return r;
}

/* Sets *RET_FD to it, written and not synced. */
static int write_journal(const struct hd_fork *fork, uint32_t number, int directory_fd, int *ret_fd)
{
	struct hd_journal_header header = hd_journal_header_of_fork(number);
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_journal_origins_encode(&header, &fork->origins, &bytes);

	if (r == 0)
		r = fd = hd_file_open(directory_fd, "journal", O_RDWR | O_CREAT | O_EXCL, 0600);
	if (r >= 0)
		r = hd_file_write_at(fd, bytes.data, bytes.size, 0);
	if (r < 0)
		return r;
	*ret_fd = hd_steal_fd(&fd);
	return 0;
}

struct sync {
	pthread_t thread;
	bool is_thread;
	bool is_directory;
	int fd; /* borrowed */
	int result;
};

static void *sync_one(void *payload)
{
	struct sync *sync = payload;

	sync->result = sync->is_directory ? hd_directory_sync(sync->fd) : hd_file_sync(sync->fd);
	return NULL;
}

/* At once: one commit of the filesystem's journal then does for all of them. */
static int sync_all(struct sync *syncs, size_t count)
{
	int r = 0;

	for (size_t i = 1; i < count; i++)
		syncs[i].is_thread = hd_thread_start(&syncs[i].thread, "hd-fork", sync_one, &syncs[i]) == 0;
	for (size_t i = 0; i < count; i++)
		if (!syncs[i].is_thread)
			(void)sync_one(&syncs[i]);
	for (size_t i = 0; i < count; i++) {
		if (syncs[i].is_thread)
			hd_thread_join(syncs[i].thread);
		if (r == 0)
			r = syncs[i].result;
	}
	return r;
}

static int fill_directory(
	struct hd_store *store, const struct hd_fork *fork, uint32_t number, int directory_fd)
{
	HD_AUTO_CLOSE int threads_fd = hd_directory_open(store->fd, "threads");
	HD_AUTO_CLOSE int journal_fd = -1;
	struct sync syncs[3];
	int r = threads_fd < 0 ? threads_fd : move_origins(store, fork, number);

	if (r == 0)
		r = write_journal(fork, number, directory_fd, &journal_fd);
	if (r < 0)
		return r;
	HD_KILL_POINT(fork_filled);
	syncs[0] = (struct sync){.fd = journal_fd};
	syncs[1] = (struct sync){.fd = directory_fd, .is_directory = true};
	syncs[2] = (struct sync){.fd = threads_fd, .is_directory = true};
	return sync_all(syncs, 3);
}

int hd_fork_make(struct hd_store *store, const struct hd_fork *fork, uint32_t number)
{
	HD_AUTO_CLOSE int directory_fd = -1;
	char path[PATH_SIZE];
	int r;

	thread_path(path, number, "");
	r = hd_directory_make_new(store->fd, path, 0700);
	if (r < 0)
		return hd_fail_in(r, "make %s", path);
	r = directory_fd = hd_directory_open(store->fd, path);
	if (r >= 0)
		r = fill_directory(store, fork, number, directory_fd);
	HD_KILL_POINT(fork_made);
	if (r >= 0)
		return 0;
	hd_fork_discard(store, number);
	return hd_fail_in(r, "make %s", path);
}

void hd_fork_discard(struct hd_store *store, uint32_t number)
{
	char path[PATH_SIZE];

	thread_path(path, number, "");
	(void)hd_directory_remove_tree(store->fd, path);
}
