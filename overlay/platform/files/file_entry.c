/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/file_entry.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "overlay/platform/error.h"
#include "overlay/platform/lock.h"

/*
 * One statx answers what fstatat does and the birth time as well. There is no llistxattr relative to a
 * directory (before Linux 6.13), but a path through the magic link /proc/self/fd/<directory> starts at that
 * very directory and costs no open and close per file.
 */

#define ENTRY_PATH_SIZE (sizeof("/proc/self/fd//") + 3 * sizeof(int) + 256)

static struct timespec time_of(const struct statx_timestamp *time)
{
	return (struct timespec){.tv_sec = time->tv_sec, .tv_nsec = time->tv_nsec};
}

int hd_file_entry_status(
	int directory_fd, const char *name, struct stat *ret_status, struct timespec *ret_birth)
{
	struct statx sx;

	hd_lock_assert_none_held("statx");
	while (statx(directory_fd, name, AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &sx) < 0)
		if (errno != EINTR)
			return hd_errno();
	*ret_status = (struct stat){
		.st_dev = makedev(sx.stx_dev_major, sx.stx_dev_minor),
		.st_ino = sx.stx_ino,
		.st_mode = sx.stx_mode,
		.st_nlink = sx.stx_nlink,
		.st_uid = sx.stx_uid,
		.st_gid = sx.stx_gid,
		.st_rdev = makedev(sx.stx_rdev_major, sx.stx_rdev_minor),
		.st_size = (off_t)sx.stx_size,
		.st_blksize = sx.stx_blksize,
		.st_blocks = (blkcnt_t)sx.stx_blocks,
		.st_atim = time_of(&sx.stx_atime),
		.st_mtim = time_of(&sx.stx_mtime),
		.st_ctim = time_of(&sx.stx_ctime),
	};
	*ret_birth = time_of(sx.stx_mask & STATX_BTIME ? &sx.stx_btime : &sx.stx_mtime);
	return 0;
}

static int entry_path(int directory_fd, const char *name, char path[ENTRY_PATH_SIZE])
{
	int length = snprintf(path, ENTRY_PATH_SIZE, "/proc/self/fd/%d/%s", directory_fd, name);

	return length < 0 || (size_t)length >= ENTRY_PATH_SIZE ? -ENAMETOOLONG : 0;
}

int hd_file_entry_list_xattr(int directory_fd, const char *name, char *buffer, size_t size, size_t *ret_size)
{
	char path[ENTRY_PATH_SIZE];
	int r = entry_path(directory_fd, name, path);
	ssize_t n;

	if (r < 0)
		return r;
	hd_lock_assert_none_held("llistxattr");
	n = llistxattr(path, buffer, size);
	if (n < 0)
		return hd_errno();
	*ret_size = (size_t)n;
	return 0;
}

int hd_file_entry_get_xattr(int directory_fd, const char *name, const char *attribute, void *buffer,
	size_t size, size_t *ret_size)
{
	char path[ENTRY_PATH_SIZE];
	int r = entry_path(directory_fd, name, path);
	ssize_t n;

	if (r < 0)
		return r;
	hd_lock_assert_none_held("lgetxattr");
	n = lgetxattr(path, attribute, buffer, size);
	if (n < 0)
		return hd_errno();
	*ret_size = (size_t)n;
	return 0;
}
