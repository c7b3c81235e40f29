/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/lock.h"
#include "overlay/platform/random.h"

/*
 * Publishing of whole files.
 *
 * O_TMPFILE comes first because a crash leaves nothing behind; a temporary name has to be swept by somebody.
 * linkat cannot replace, so replacing links to a temporary name and renames that. Without O_TMPFILE (some
 * network and stacked filesystems) the file has a temporary name from the start, and not replacing is
 * renameat2(RENAME_NOREPLACE), or link + unlink where that is refused too.
 *
 * Invariants
 *  1. NAME appears only after all bytes were written, and with SYNC after they are on disk.
 *  2. Whatever the end, neither descriptor nor temporary name is left behind; only a crash can leave the
 * name, which starts with HD_ATOMIC_FILE_PREFIX or what the caller said.
 */

#define NAME_ATTEMPTS 16

_Atomic bool hd_file_atomic_without_tmpfile;

static void temporary_name(const char *prefix, char name[HD_ATOMIC_FILE_NAME_SIZE])
{
	/* Uniqueness is the job of O_EXCL; chance only keeps processes from meeting often. */
	(void)snprintf(name, HD_ATOMIC_FILE_NAME_SIZE, "%s%016" PRIx64, prefix, hd_random64());
}

static int open_named(int directory_fd, mode_t mode, struct hd_atomic_file *file)
{
	for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		int fd;

		temporary_name(file->prefix, file->temporary);
		fd = hd_file_open(
			directory_fd, file->temporary, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, mode);
		if (fd != -EEXIST)
			return fd;
	}
	return -EEXIST;
}

int hd_file_atomic_begin(int directory_fd, mode_t mode, struct hd_atomic_file *ret_file)
{
	return hd_file_atomic_begin_as(directory_fd, mode, HD_ATOMIC_FILE_PREFIX, ret_file);
}

int hd_file_atomic_begin_as(
	int directory_fd, mode_t mode, const char *prefix, struct hd_atomic_file *ret_file)
{
	struct hd_atomic_file file = {.fd = -EOPNOTSUPP, .directory_fd = directory_fd, .prefix = prefix};

	if (!hd_file_atomic_without_tmpfile)
		file.fd = hd_file_open(directory_fd, ".", O_RDWR | O_TMPFILE, mode);
	/* EISDIR: a kernel that takes the unknown flag for O_DIRECTORY; EINVAL: filesystems that know no
	 * better. */
	if (file.fd == -EOPNOTSUPP || file.fd == -EISDIR || file.fd == -EINVAL)
		file.fd = open_named(directory_fd, mode, &file);
	if (file.fd < 0)
		return file.fd;
	*ret_file = file;
	return 0;
}

static int link_descriptor(const struct hd_atomic_file *file, const char *name)
{
	char path[64];

	hd_lock_assert_none_held("linkat");
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", file->fd);
	if (linkat(AT_FDCWD, path, file->directory_fd, name, AT_SYMLINK_FOLLOW) == 0)
		return 0;
	/* ENOENT: /proc may not be mounted. The direct way needs CAP_DAC_READ_SEARCH before Linux 6.10. */
	if (errno == ENOENT && linkat(file->fd, "", file->directory_fd, name, AT_EMPTY_PATH) == 0)
		return 0;
	return hd_errno();
}

/* Gives an unnamed file a temporary name, for the rename that replaces. */
static int name_descriptor(struct hd_atomic_file *file)
{
	for (int attempt = 0; attempt < NAME_ATTEMPTS; attempt++) {
		char name[HD_ATOMIC_FILE_NAME_SIZE];
		int r;

		temporary_name(file->prefix, name);
		r = link_descriptor(file, name);
		if (r == -EEXIST)
			continue;
		if (r == 0)
			(void)snprintf(file->temporary, sizeof(file->temporary), "%s", name);
		return r;
	}
	return -EEXIST;
}

static int publish_new(struct hd_atomic_file *file, const char *name)
{
	int fd = file->directory_fd;

	hd_lock_assert_none_held("renameat2");
	if (!file->temporary[0])
		return link_descriptor(file, name);
	if (renameat2(fd, file->temporary, fd, name, RENAME_NOREPLACE) == 0) {
		file->temporary[0] = '\0';
		return 0;
	}
	if (errno != EINVAL && errno != ENOSYS)
		return hd_errno();
	/* The temporary name goes with hd_file_atomic_abort's part of the work. */
	return linkat(fd, file->temporary, fd, name, 0) < 0 ? hd_errno() : 0;
}

static int publish_replacing(struct hd_atomic_file *file, const char *name)
{
	int fd = file->directory_fd;
	int r;

	hd_lock_assert_none_held("renameat");
	if (!file->temporary[0]) {
		r = link_descriptor(file, name);
		if (r != -EEXIST)
			return r;
		r = name_descriptor(file);
		if (r < 0)
			return r;
	}
	if (renameat(fd, file->temporary, fd, name) < 0)
		return hd_errno();
	file->temporary[0] = '\0';
	return 0;
}

int hd_file_atomic_commit(struct hd_atomic_file *file, const char *name, bool replace, bool sync)
{
	int r = 0;

	hd_lock_assert_none_held("publish a file");
	if (sync)
		r = hd_file_sync(file->fd);
	if (r == 0)
		r = replace ? publish_replacing(file, name) : publish_new(file, name);
	hd_file_atomic_abort(file);
	return r;
}

void hd_file_atomic_abort(struct hd_atomic_file *file)
{
	int saved = errno;

	hd_lock_assert_none_held("drop a temporary file");
	if (file->fd < 0)
		return;
	if (file->temporary[0])
		(void)unlinkat(file->directory_fd, file->temporary, 0);
	(void)close(file->fd);
	file->fd = -1;
	file->temporary[0] = '\0';
	errno = saved;
}
