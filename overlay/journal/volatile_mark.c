/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/volatile_mark.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "overlay/journal/journal.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define NAME "volatile"

int hd_volatile_mark_read(int directory_fd, char ret_since[HD_VOLATILE_SINCE_SIZE])
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, NAME, O_RDONLY, 0);
	char text[HD_VOLATILE_SINCE_SIZE] = "";
	size_t size = 0;
	int r = fd;

	if (r >= 0)
		r = hd_file_read_at(fd, text, sizeof(text) - 1, 0, &size);
	if (r < 0 && r != -ENOENT)
		return hd_fail_in(r, "read the mark of a volatile mount");
	text[strcspn(text, "\n")] = '\0';
	/* A mark whose bytes a power cut took is one all the same. */
	if (fd >= 0 && !text[0])
		(void)snprintf(text, sizeof(text), "an unknown time");
	memcpy(ret_since, text, sizeof(text));
	return 0;
}

int hd_volatile_mark_set(int directory_fd)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, NAME, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	struct timespec now = hd_clock_now();
	char text[HD_VOLATILE_SINCE_SIZE];
	struct tm parts;
	int r = fd;

	if (r >= 0 && gmtime_r(&now.tv_sec, &parts)) {
		size_t length = strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ\n", &parts);

		r = hd_file_write_at(fd, text, length, 0);
	}
	if (r >= 0)
		r = hd_file_sync(fd);
	if (r >= 0)
		r = hd_directory_sync(directory_fd);
	if (r >= 0)
		r = hd_journal_sync_directory(directory_fd);
	return r < 0 ? hd_fail_in(r, "mark the thread as volatile") : 0;
}

int hd_volatile_mark_clear(int directory_fd)
{
	int r = hd_file_unlink(directory_fd, NAME);

	if (r == -ENOENT)
		return 0;
	if (r == 0)
		r = hd_directory_sync(directory_fd);
	return r < 0 ? hd_fail_in(r, "take the mark of a volatile mount away") : 0;
}
