/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/entry_make.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * fchmodat(2) follows links, whatever its flags, before Linux 6.6; the C library then takes a descriptor of the very
 * inode. There is no lsetxattr relative to a directory: a path through /proc/self/fd, as in file_entry.c, is as good.
 */

#define ENTRY_PATH_SIZE (sizeof("/proc/self/fd//") + 3 * sizeof(int) + 256)

static int result_of(int r)
{
	return r < 0 ? hd_errno() : 0;
}

int hd_entry_make_node(int directory_fd, const char *name, mode_t mode, dev_t device)
{
	hd_lock_assert_none_held("mknodat");
	return result_of(mknodat(directory_fd, name, mode, device));
}

int hd_entry_make_symlink(int directory_fd, const char *name, const char *target)
{
	hd_lock_assert_none_held("symlinkat");
	return result_of(symlinkat(target, directory_fd, name));
}

int hd_entry_make_link(int from_fd, const char *from, int directory_fd, const char *name)
{
	hd_lock_assert_none_held("linkat");
	return result_of(linkat(from_fd, from, directory_fd, name, 0));
}

int hd_entry_set_owner(int directory_fd, const char *name, uid_t uid, gid_t gid)
{
	hd_lock_assert_none_held("fchownat");
	return result_of(fchownat(directory_fd, name, uid, gid, *name ? AT_SYMLINK_NOFOLLOW : AT_EMPTY_PATH));
}

int hd_entry_set_mode(int directory_fd, const char *name, mode_t mode)
{
	hd_lock_assert_none_held("fchmod");
	return result_of(
		*name ? fchmodat(directory_fd, name, mode, AT_SYMLINK_NOFOLLOW) : fchmod(directory_fd, mode));
}

int hd_entry_set_times(
	int directory_fd, const char *name, const struct timespec *access, const struct timespec *modify)
{
	const struct timespec times[2] = {*access, *modify};

	hd_lock_assert_none_held("utimensat");
	return result_of(*name ? utimensat(directory_fd, name, times, AT_SYMLINK_NOFOLLOW)
			       : futimens(directory_fd, times));
}

static int entry_path(int directory_fd, const char *name, char path[ENTRY_PATH_SIZE])
{
	int length = snprintf(path, ENTRY_PATH_SIZE, "/proc/self/fd/%d/%s", directory_fd, name);

	return length < 0 || (size_t)length >= ENTRY_PATH_SIZE ? -ENAMETOOLONG : 0;
}

int hd_entry_set_xattr(
	int directory_fd, const char *name, const char *attribute, const void *value, size_t size)
{
	char path[ENTRY_PATH_SIZE];
	int r = entry_path(directory_fd, name, path);

	if (r < 0)
		return r;
	hd_lock_assert_none_held("setxattr");
	return result_of(*name ? lsetxattr(path, attribute, value, size, 0)
			       : fsetxattr(directory_fd, attribute, value, size, 0));
}

int hd_entry_remove_xattr(int directory_fd, const char *name, const char *attribute)
{
	char path[ENTRY_PATH_SIZE];
	int r = entry_path(directory_fd, name, path);

	if (r < 0)
		return r;
	hd_lock_assert_none_held("removexattr");
	r = result_of(*name ? lremovexattr(path, attribute) : fremovexattr(directory_fd, attribute));
	return r == -ENODATA || r == -EOPNOTSUPP ? 0 : r;
}
