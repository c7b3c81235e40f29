/* SPDX-License-Identifier: Apache-2.0 */

/* Small text files, replaced whole, so that a reader sees an old one or a new one. */

#include "mount/run_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "mount/thread_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define TEXT_LIMIT 65536

static const char *const suffixes[] = {
	[HD_RUN_SOCKET] = "sock",
	[HD_RUN_STATUS] = "json",
	[HD_RUN_LAST] = "last",
	[HD_RUN_LEASE] = "lock",
	[HD_RUN_ADOPTION] = "adopt",
	[HD_RUN_SUPERVISOR] = "supervisor",
	[HD_RUN_KEEPER] = "keeper",
	[HD_RUN_GIT] = "git",
};
_Static_assert(HD_ARRAY_SIZE(suffixes) == HD_RUN_FILE_COUNT, "a run file without a suffix");

char *hd_run_file_path(const char *store_path, uint32_t number, enum hd_run_file file)
{
	char name[HD_THREAD_FILE_NAME_SIZE];
	char *path;

	hd_thread_file_name(number, suffixes[file], name);
	return asprintf(&path, "%s/run/%s", store_path, name) < 0 ? NULL : path;
}

uint32_t hd_run_file_number(const char *name)
{
	return hd_thread_file_number(name, suffixes, HD_ARRAY_SIZE(suffixes));
}

int hd_run_directory_make(const char *store_path)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, "%s/run", store_path) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	/* Nothing above it: a store that was deleted is not to come back half. */
	r = hd_directory_make_new(AT_FDCWD, path, 0700);
	return r == -EEXIST ? 0 : r;
}

int hd_run_file_write(const char *store_path, uint32_t number, enum hd_run_file file, const char *text)
{
	HD_AUTO_FREE char *directory = NULL;
	HD_AUTO_CLOSE int directory_fd = -1;
	struct hd_atomic_file atomic;
	char name[HD_THREAD_FILE_NAME_SIZE];
	int r;

	if (asprintf(&directory, "%s/run", store_path) < 0) {
		directory = NULL;
		return -ENOMEM;
	}
	r = hd_run_directory_make(store_path);
	if (r >= 0)
		r = directory_fd = hd_directory_open(AT_FDCWD, directory);
	if (r >= 0)
		r = hd_file_atomic_begin(directory_fd, 0600, &atomic);
	if (r < 0)
		return r;
	r = hd_file_write_at(atomic.fd, text, strlen(text), 0);
	if (r < 0) {
		hd_file_atomic_abort(&atomic);
		return r;
	}
	hd_thread_file_name(number, suffixes[file], name);
	return hd_file_atomic_commit(&atomic, name, true, false);
}

int hd_run_file_read(const char *store_path, uint32_t number, enum hd_run_file file, char **ret_text)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store_path, number, file);
	size_t size;

	if (!path)
		return -ENOMEM;
	return hd_file_read_whole(AT_FDCWD, path, TEXT_LIMIT, ret_text, &size);
}

void hd_run_file_remove(const char *store_path, uint32_t number, enum hd_run_file file)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store_path, number, file);

	if (path)
		(void)hd_file_unlink(AT_FDCWD, path);
}

/* ---- locks ---- */

void hd_run_lock_sign(int fd)
{
	HD_AUTO_FREE char *text = NULL;
	struct utsname system;

	if (uname(&system) < 0 || asprintf(&text, "process %d on %s\n", (int)getpid(), system.nodename) < 0) {
		text = NULL;
		return;
	}
	/* Who reads it wants to know, and does nothing with it: no harm if it cannot be written. */
	(void)hd_file_write_at(fd, text, strlen(text), 0);
	(void)hd_file_truncate(fd, strlen(text));
}

char *hd_run_lock_owner(const char *store_path, uint32_t number, enum hd_run_file file)
{
	HD_AUTO_FREE char *text = NULL;

	if (hd_run_file_read(store_path, number, file, &text) < 0)
		return NULL;
	text[strcspn(text, "\n")] = '\0';
	return text[0] ? HD_STEAL(text) : NULL;
}

static int open_lock(const char *store_path, uint32_t number, enum hd_run_file file)
{
	HD_AUTO_FREE char *path = hd_run_file_path(store_path, number, file);
	int r;

	if (!path)
		return -ENOMEM;
	r = hd_run_directory_make(store_path);
	if (r >= 0)
		r = hd_file_open_lock(AT_FDCWD, path);
	return r < 0 ? hd_fail_in(r, "open %s", path) : r;
}

int hd_run_lock_take(const char *store_path, uint32_t number, enum hd_run_file file)
{
	HD_AUTO_CLOSE int fd = open_lock(store_path, number, file);
	int r;

	if (fd < 0)
		return fd;
	r = hd_file_lock(fd);
	if (r == -EWOULDBLOCK)
		return -HD_E_THREAD_BUSY;
	if (r < 0)
		return r;
	hd_run_lock_sign(fd);
	return hd_steal_fd(&fd);
}

bool hd_run_lock_is_held(const char *store_path, uint32_t number, enum hd_run_file file)
{
	HD_AUTO_CLOSE int fd = open_lock(store_path, number, file);

	return fd >= 0 && hd_file_lock(fd) == -EWOULDBLOCK;
}

int hd_run_lease_take(const char *store_path, uint32_t number)
{
	return hd_run_lock_take(store_path, number, HD_RUN_LEASE);
}
