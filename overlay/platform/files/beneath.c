/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/beneath.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * The kernel resolves a whole path in one call and refuses to leave; that is also the fast way. Linux
 * before 5.6 lacks openat2 (ENOSYS), sandboxes of before 2020 forbid what they do not know (EPERM), and no
 * call takes a path longer than PATH_MAX. Then each component is opened by itself, never following a link: a
 * directory that was opened stays the same directory, so there is no moment at which somebody could swap it
 * for a way out.
 *
 * EAGAIN means that something was renamed while the kernel resolved; it asks to be called again (openat2(2)).
 */

#define MAXIMUM_ATTEMPTS 16
#define NAME_SIZE 256

static int open_component(int directory_fd, const char *name, int flags)
{
	int fd;

	hd_lock_assert_none_held("openat");
	do
		fd = openat(directory_fd, name, flags | O_NOFOLLOW | O_CLOEXEC);
	while (fd < 0 && errno == EINTR);
	if (fd < 0 && errno == EPERM && (flags & O_NOATIME))
		return open_component(directory_fd, name, flags & ~O_NOATIME);
	return fd < 0 ? hd_errno() : fd;
}

/* Copies the next component to NAME and moves *PATH behind it; NAME is empty when there is none left. */
static int next_component(const char **path, char name[NAME_SIZE])
{
	size_t length;

	*path += strspn(*path, "/");
	length = strcspn(*path, "/");
	if (length >= NAME_SIZE)
		return -ENAMETOOLONG;
	memcpy(name, *path, length);
	name[length] = '\0';
	*path += length;
	return strcmp(name, "..") == 0 ? -EXDEV : 0;
}

int hd_beneath_walk(int root_fd, const char *path, int flags)
{
	HD_AUTO_CLOSE int owned = -1;
	int directory = root_fd;
	char name[NAME_SIZE];
	char next[NAME_SIZE];
	int r;

	hd_lock_assert_none_held("openat");
	if (path[0] == '/')
		return -EXDEV;
	for (r = next_component(&path, name); r == 0; memcpy(name, next, sizeof(name))) {
		int fd;

		r = next_component(&path, next);
		if (r < 0 || !next[0])
			break;
		fd = open_component(directory, name, O_PATH | O_DIRECTORY);
		if (fd < 0)
			return fd;
		hd_cleanup_close(&owned);
		directory = owned = fd;
	}
	return r < 0 ? r : open_component(directory, name[0] ? name : ".", flags);
}

int hd_beneath_open(int root_fd, const char *path, int flags)
{
	struct open_how how = {
		.flags = (unsigned)(flags | O_CLOEXEC),
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS,
	};

	hd_lock_assert_none_held("openat2");
	for (unsigned attempt = 0; attempt < MAXIMUM_ATTEMPTS; attempt++) {
		long fd = syscall(SYS_openat2, root_fd, path[0] ? path : ".", &how, sizeof(how));

		if (fd >= 0)
			return (int)fd;
		if (errno == EINTR || errno == EAGAIN)
			continue;
		if (errno == EPERM && (how.flags & O_NOATIME)) {
			how.flags &= ~(uint64_t)O_NOATIME;
			continue;
		}
		if (errno != ENOSYS && errno != EPERM && errno != ENAMETOOLONG)
			return hd_errno();
		break;
	}
	return hd_beneath_walk(root_fd, path, flags);
}
