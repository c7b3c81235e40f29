/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/thread_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/thread_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"

static const char *const suffixes[] = {
	[HD_THREAD_LOG] = "log",
	[HD_THREAD_LOG_STACKS] = "stacks",
};
_Static_assert(HD_ARRAY_SIZE(suffixes) == HD_THREAD_LOG_COUNT, "a log without a suffix");

char *hd_thread_log_directory(const char *store_path)
{
	char *path;

	return asprintf(&path, "%s/log", store_path) < 0 ? NULL : path;
}

void hd_thread_log_name(uint32_t number, enum hd_thread_log log, char name[HD_THREAD_LOG_NAME_SIZE])
{
	hd_thread_file_name(number, suffixes[log], name);
}

uint32_t hd_thread_log_number(const char *name)
{
	return hd_thread_file_number(name, suffixes, HD_ARRAY_SIZE(suffixes));
}

int hd_thread_log_open(const char *store_path, uint32_t number)
{
	HD_AUTO_FREE char *directory = hd_thread_log_directory(store_path);
	HD_AUTO_CLOSE int directory_fd = -1;
	char name[HD_THREAD_LOG_NAME_SIZE];
	int r;

	if (!directory)
		return -ENOMEM;
	r = hd_directory_make(AT_FDCWD, directory, 0700);
	if (r >= 0)
		r = directory_fd = hd_directory_open(AT_FDCWD, directory);
	hd_thread_log_name(number, HD_THREAD_LOG, name);
	return r < 0 ? r : hd_file_open(directory_fd, name, O_WRONLY | O_APPEND | O_CREAT, 0600);
}

/* TO 0: they go. */
static void change_all(const char *store_path, uint32_t from, uint32_t to)
{
	HD_AUTO_FREE char *directory = hd_thread_log_directory(store_path);
	HD_AUTO_CLOSE int directory_fd = directory ? hd_directory_open(AT_FDCWD, directory) : -ENOMEM;

	for (int log = 0; directory_fd >= 0 && log < HD_THREAD_LOG_COUNT; log++) {
		char old_name[HD_THREAD_LOG_NAME_SIZE], new_name[HD_THREAD_LOG_NAME_SIZE];

		hd_thread_log_name(from, (enum hd_thread_log)log, old_name);
		hd_thread_log_name(to, (enum hd_thread_log)log, new_name);
		if (to)
			(void)hd_file_rename(directory_fd, old_name, new_name);
		else
			(void)hd_file_unlink(directory_fd, old_name);
	}
}

void hd_thread_logs_move(const char *store_path, uint32_t from, uint32_t to)
{
	change_all(store_path, from, to);
}

void hd_thread_logs_remove(const char *store_path, uint32_t number)
{
	change_all(store_path, number, 0);
}
