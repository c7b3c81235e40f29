/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/files/file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <unistd.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/transfer.h"
#include "overlay/platform/lock.h"

/*
 * Files of the host, one system call each, whole transfers, -errno.
 *
 * Every call that can reach a disk or a network first says so to hd_lock_assert_none_held: here is the one
 * place where "no lock across I/O" can be checked for all code above. directory.c and file_attribute.c hold
 * the rest of this header, atomic_file.c the publishing of whole files.
 */

int hd_file_open(int directory_fd, const char *path, int flags, mode_t mode)
{
	int fd;

	hd_lock_assert_none_held("open");
	do
		fd = openat(directory_fd, path, flags | O_CLOEXEC, mode);
	while (fd < 0 && errno == EINTR);
	return fd < 0 ? hd_errno() : fd;
}

int hd_file_read_at(int fd, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	hd_lock_assert_none_held("pread");
	return hd_transfer_read(fd, buffer, size, offset, ret_size);
}

int hd_file_seek(int fd, uint64_t offset, bool want_data, uint64_t *ret_offset)
{
	off_t found;

	hd_lock_assert_none_held("lseek");
	found = offset > INT64_MAX ? -1 : lseek(fd, (off_t)offset, want_data ? SEEK_DATA : SEEK_HOLE);
	if (found < 0 && offset <= INT64_MAX && errno != ENXIO)
		return hd_errno();
	*ret_offset = found < 0 ? UINT64_MAX : (uint64_t)found;
	return 0;
}

int hd_file_write_at(int fd, const void *data, size_t size, uint64_t offset)
{
	hd_lock_assert_none_held("pwrite");
	return hd_transfer_write(fd, data, size, offset);
}

/* Reads to the end of FD, whose size may be unknown (/proc says 0) or wrong (the file grows). */
static int read_to_end(int fd, size_t expected, size_t limit, char **ret_data, size_t *ret_size)
{
	size_t capacity = expected < limit ? expected : limit;
	HD_AUTO_FREE char *data = NULL;
	size_t used = 0;

	for (;;) {
		size_t got;
		char *grown;
		int r;

		/* One byte more than expected tells the end from more, and later holds the NUL. */
		grown = realloc(data, capacity + 2);
		if (!grown)
			return -ENOMEM;
		data = grown;
		r = hd_file_read_at(fd, data + used, capacity + 1 - used, used, &got);
		if (r < 0)
			return r;
		used += got;
		if (used <= capacity)
			break;
		if (capacity == limit)
			return -EFBIG;
		capacity = capacity > limit / 2 ? limit : capacity * 2 + 4096;
		if (capacity > limit)
			capacity = limit;
	}
	data[used] = '\0';
	*ret_data = HD_STEAL(data);
	*ret_size = used;
	return 0;
}

int hd_file_read_whole(int directory_fd, const char *path, size_t limit, char **ret_data, size_t *ret_size)
{
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	/* O_NONBLOCK: a FIFO that lies where a file is expected fails the read instead of hanging the open.
	 */
	fd = hd_file_open(directory_fd, path, O_RDONLY | O_NOCTTY | O_NONBLOCK, 0);
	if (fd < 0)
		return fd;
	r = hd_file_stat(fd, &st);
	if (r < 0)
		return r;
	if (S_ISREG(st.st_mode) && (uint64_t)st.st_size > limit)
		return -EFBIG;
	if (limit > PTRDIFF_MAX - 2)
		limit = PTRDIFF_MAX - 2;
	return read_to_end(fd, S_ISREG(st.st_mode) ? (size_t)st.st_size : 0, limit, ret_data, ret_size);
}

int hd_file_truncate(int fd, uint64_t size)
{
	hd_lock_assert_none_held("ftruncate");
	while (ftruncate(fd, (off_t)size) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}

/* EINTR is retried: no byte was reported as lost. EIO is not: the kernel reports a lost page once, and
 * forgets it. */
int hd_file_sync(int fd)
{
	hd_lock_assert_none_held("fdatasync");
	while (fdatasync(fd) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}

int hd_file_sync_filesystem(int fd)
{
	hd_lock_assert_none_held("syncfs");
	while (syncfs(fd) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}

int hd_file_stat(int fd, struct stat *ret_stat)
{
	struct stat st;

	hd_lock_assert_none_held("fstat");
	if (fstat(fd, &st) < 0)
		return hd_errno();
	*ret_stat = st;
	return 0;
}

int hd_file_set_mode(int fd, mode_t mode)
{
	hd_lock_assert_none_held("fchmod");
	return fchmod(fd, mode) < 0 ? hd_errno() : 0;
}

int hd_file_set_modify_time(int fd, const struct timespec *time)
{
	const struct timespec omit = {.tv_nsec = UTIME_OMIT};

	return hd_file_set_times(fd, &omit, time);
}

int hd_file_set_times(int fd, const struct timespec *access, const struct timespec *modify)
{
	const struct timespec times[2] = {*access, *modify};

	hd_lock_assert_none_held("futimens");
	return futimens(fd, times) < 0 ? hd_errno() : 0;
}

int hd_file_stat_at(int directory_fd, const char *path, struct stat *ret_stat)
{
	struct stat st;

	hd_lock_assert_none_held("fstatat");
	if (fstatat(directory_fd, path, &st, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT) < 0)
		return hd_errno();
	*ret_stat = st;
	return 0;
}

int hd_file_read_link(int directory_fd, const char *path, char *buffer, size_t size, size_t *ret_size)
{
	ssize_t n;

	hd_lock_assert_none_held("readlinkat");
	n = readlinkat(directory_fd, path, buffer, size);
	if (n < 0)
		return hd_errno();
	/* readlink(2) cuts silently; a full buffer may be a cut target. */
	if ((size_t)n >= size)
		return -ERANGE;
	buffer[n] = '\0';
	*ret_size = (size_t)n;
	return 0;
}

int hd_file_unlink(int directory_fd, const char *path)
{
	hd_lock_assert_none_held("unlinkat");
	return unlinkat(directory_fd, path, 0) < 0 ? hd_errno() : 0;
}

int hd_directory_remove(int directory_fd, const char *path)
{
	hd_lock_assert_none_held("unlinkat");
	return unlinkat(directory_fd, path, AT_REMOVEDIR) < 0 ? hd_errno() : 0;
}

int hd_file_rename(int directory_fd, const char *from, const char *to)
{
	hd_lock_assert_none_held("renameat");
	return renameat(directory_fd, from, directory_fd, to) < 0 ? hd_errno() : 0;
}

int hd_file_link(int directory_fd, const char *from, const char *to)
{
	hd_lock_assert_none_held("linkat");
	return linkat(directory_fd, from, directory_fd, to, 0) < 0 ? hd_errno() : 0;
}

int hd_file_look(int directory_fd, const char *path)
{
	struct stat st;
	int r = hd_file_stat_at(directory_fd, path, &st);

	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	return r < 0 ? r : 1;
}

bool hd_file_exists(int directory_fd, const char *path)
{
	return hd_file_look(directory_fd, path) > 0;
}

int hd_file_open_or_read(int directory_fd, const char *path, int flags, bool *ret_writable)
{
	int r = hd_file_open(directory_fd, path, O_RDWR | flags, 0600);

	*ret_writable = r >= 0;
	if (r != -EROFS && r != -EPERM)
		return r;
	return hd_file_open(directory_fd, path, O_RDONLY | (flags & ~O_CREAT), 0);
}

int hd_file_open_lock(int directory_fd, const char *name)
{
	bool writable;

	return hd_file_open_or_read(directory_fd, name, O_CREAT, &writable);
}

int hd_file_unlock(int fd)
{
	hd_lock_assert_none_held("flock");
	return flock(fd, LOCK_UN) < 0 ? hd_errno() : 0;
}

int hd_file_lock(int fd)
{
	hd_lock_assert_none_held("flock");
	while (flock(fd, LOCK_EX | LOCK_NB) < 0)
		if (errno != EINTR)
			return hd_errno();
	return 0;
}
