/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/replaced_files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "mount/control/control_json.h"
#include "mount/mount_place.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/processes/process_command.h"

/* What the reply says of a file, where the kernel keeps sizes and times itself. */
struct restored {
	json_int_t number, size, s, ns;
};

static bool is_as_restored(const struct stat *stat, const struct restored *restored)
{
	return stat->st_size == restored->size && stat->st_mtim.tv_sec == restored->s &&
	       stat->st_mtim.tv_nsec == restored->ns;
}

/* Whether it is the file that was restored, and the kernel believes something else of it. */
static bool is_stale(const struct stat *stat, const struct restored *restored)
{
	return S_ISREG(stat->st_mode) && stat->st_ino == (ino_t)restored->number &&
	       !is_as_restored(stat, restored);
}

/*
 * With -o writeback the kernel believes its own size and times of a file for as long as somebody has it open or mapped,
 * whatever the worker answers. Only a truncation and a setting of times through the mount change them; to the worker
 * both are no change. Best effort: it takes the right to write the file.
 */
static void put_right(int directory_fd, const char *path, const struct restored *restored)
{
	const struct timespec time = {.tv_sec = restored->s, .tv_nsec = (long)restored->ns};
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	struct stat stat;

	if (fd < 0 || hd_file_stat(fd, &stat) < 0 || !is_stale(&stat, restored))
		return;
	if (stat.st_size != restored->size)
		(void)hd_file_truncate(fd, (uint64_t)restored->size);
	/* Both times, so that the worker does not take it for what the kernel sends by itself of the tree before. */
	(void)hd_file_set_times(fd, &stat.st_atim, &time);
}

static void show_file(int directory_fd, const char *path, json_t *file)
{
	struct restored restored;
	struct stat stat;

	if (hd_file_stat_at(directory_fd, path, &stat) == 0 &&
		json_unpack(file, "{s:I, s:I, s:[I, I]}", "number", &restored.number, "size", &restored.size,
			"modified", &restored.s, &restored.ns) == 0 &&
		restored.size >= 0 && is_stale(&stat, &restored))
		put_right(directory_fd, path, &restored);
}

void hd_replaced_files_show(const char *store_path, const char *thread, const json_t *reply,
	bool (*may_show)(void *payload), void *payload)
{
	const json_t *files = json_object_get(reply, "replaced");
	HD_AUTO_CLOSE int fd = json_array_size(files) > 0 ? hd_mount_open_thread(store_path, thread) : -1;

	for (size_t i = 0; fd >= 0 && i < json_array_size(files); i++) {
		json_t *file = json_array_get(files, i);
		HD_AUTO_FREE char *path = hd_control_get_name(file, "path");

		if (path && may_show(payload))
			show_file(fd, path, file);
	}
}

bool hd_replaced_files_any(const json_t *reply)
{
	return json_array_size(json_object_get(reply, "replaced")) > 0;
}

struct aside {
	const char *store_path, *thread; /* borrowed */
	const json_t *reply;
	uint64_t until_ns;
};

static bool is_in_time(void *payload)
{
	const struct aside *aside = payload;

	return hd_clock_monotonic_ns() < aside->until_ns;
}

static void show_aside(void *payload)
{
	struct aside *aside = payload;

	hd_replaced_files_show(aside->store_path, aside->thread, aside->reply, is_in_time, aside);
}

int hd_replaced_files_show_aside(
	const char *store_path, const char *thread, const json_t *reply, uint64_t limit_ns, int *ret_fd)
{
	struct aside aside = {.store_path = store_path,
		.thread = thread,
		.reply = reply,
		.until_ns = hd_clock_monotonic_ns() + limit_ns};

	return hd_process_detach(show_aside, &aside, ret_fd);
}
