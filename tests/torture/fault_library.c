/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program, this makes calls fail: the k-th of a kind, or all from it on (fault_library.h). What fails
 * has no effect, as the kernel promises.
 *
 * Without a program that arms it, the environment does: FAULT_PLAN="write:7:once:28" arms from the start on. Instead of "once" it can say
 * "forever", or how many calls fail.
 */
#undef _FILE_OFFSET_BITS
#ifndef _LARGEFILE64_SOURCE
#define _LARGEFILE64_SOURCE
#endif
#include "tests/torture/fault_library.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

static struct fault_plan plan = {.kind = -1};
static bool alone = true; /* a program armed it: nobody else is waited for */

struct fault_plan *fault_plan_get(void)
{
	return &plan;
}

__attribute__((constructor)) static void begin(void)
{
	static const char *const names[] = {
#define FAULT_NAME(kind, text) text,
		FAULT_KINDS(FAULT_NAME)
#undef FAULT_NAME
	};
	const char *text = getenv("FAULT_PLAN");
	char kind[32], how[16];
	long number;
	int code;

	if (!text || sscanf(text, "%31[^:]:%ld:%15[^:]:%d", kind, &number, how, &code) != 4)
		return;
	for (int i = 0; i < FAULT_KIND_COUNT; i++)
		if (strcmp(names[i], kind) == 0)
			plan.kind = i;
	plan.number = number;
	plan.forever = strcmp(how, "once") != 0;
	if (strcmp(how, "forever") != 0)
		plan.limit = atol(how);
	plan.code = code;
	plan.active = true;
	alone = false;
}

/* Counts a call; true when it must fail, with errno set. */
static bool fails(enum fault_kind kind)
{
	long number;

	if (!plan.active)
		return false;
	number = __atomic_add_fetch(&plan.counts[kind], 1, __ATOMIC_RELAXED);
	if (plan.kind != (int)kind || number < plan.number || (number > plan.number && !plan.forever) ||
		(plan.limit && number >= plan.number + plan.limit))
		return false;
	__atomic_add_fetch(&plan.failed, 1, __ATOMIC_RELAXED);
	errno = plan.code;
	return true;
}

/* SQLite tries again for ten seconds when a lock fails; nothing gets better by that here. */
int usleep(useconds_t us)
{
	if (alone && plan.active && plan.failed > 0)
		return 0;
	return (int)syscall(
		SYS_nanosleep, &(struct timespec){us / 1000000, us % 1000000 * 1000L}, NULL); // NOLINT
}

/* ---- memory ---- */

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *memory, size_t size);

void *malloc(size_t size)
{
	return fails(FAULT_MALLOC) ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
	return fails(FAULT_MALLOC) ? NULL : __libc_calloc(count, size);
}

void *realloc(void *memory, size_t size)
{
	return fails(FAULT_MALLOC) ? NULL : __libc_realloc(memory, size);
}

void *mmap(void *address, size_t size, int protection, int flags, int fd, off_t offset)
{
	if (fails(FAULT_MMAP))
		return MAP_FAILED;
	return (void *)syscall(SYS_mmap, address, size, protection, flags, fd, offset); // NOLINT
}

void *mmap64(void *address, size_t size, int protection, int flags, int fd, off64_t offset)
{
	return mmap(address, size, protection, flags, fd, offset);
}

int memfd_create(const char *name, unsigned flags)
{
	return fails(FAULT_MEMFD) ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

/* ---- files ---- */

static int open_or_fail(int directory_fd, const char *path, int flags, mode_t mode)
{
	return fails(FAULT_OPEN) ? -1
				 : (int)syscall(SYS_openat, directory_fd, path, flags | O_LARGEFILE, mode);
}

#define MODE_OF(flags, mode)                              \
	do {                                              \
		if ((flags) & (O_CREAT | O_TMPFILE)) {    \
			va_list arguments;                \
                                                          \
			va_start(arguments, flags);       \
			mode = va_arg(arguments, mode_t); \
			va_end(arguments);                \
		}                                         \
	} while (0)

int open(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_or_fail(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_or_fail(AT_FDCWD, path, flags, mode);
}

int openat(int directory_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_or_fail(directory_fd, path, flags, mode);
}

int openat64(int directory_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_or_fail(directory_fd, path, flags, mode);
}

ssize_t read(int fd, void *buffer, size_t size)
{
	return fails(FAULT_READ) ? -1 : syscall(SYS_read, fd, buffer, size);
}

ssize_t pread(int fd, void *buffer, size_t size, off_t offset)
{
	return fails(FAULT_READ) ? -1 : syscall(SYS_pread64, fd, buffer, size, offset);
}

ssize_t pread64(int fd, void *buffer, size_t size, off64_t offset)
{
	return fails(FAULT_READ) ? -1 : syscall(SYS_pread64, fd, buffer, size, offset);
}

ssize_t write(int fd, const void *data, size_t size)
{
	return fails(FAULT_WRITE) ? -1 : syscall(SYS_write, fd, data, size);
}

/* Of a disk that becomes full a part is written first. */
static ssize_t write_or_fail(int fd, const void *data, size_t size, off64_t offset)
{
	if (!fails(FAULT_WRITE))
		return syscall(SYS_pwrite64, fd, data, size, offset);
	if (plan.lies)
		return (ssize_t)size;
	if (plan.code == ENOSPC && size > 1)
		(void)syscall(SYS_pwrite64, fd, data, size / 2, offset);
	errno = plan.code;
	return -1;
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return write_or_fail(fd, data, size, offset);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	return write_or_fail(fd, data, size, offset);
}

ssize_t writev(int fd, const struct iovec *parts, int count)
{
	return fails(FAULT_WRITE) ? -1 : syscall(SYS_writev, fd, parts, count);
}

int fsync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_fdatasync, fd);
}

int syncfs(int fd)
{
	return fails(FAULT_SYNC) ? -1 : (int)syscall(SYS_syncfs, fd);
}

int ftruncate(int fd, off_t size)
{
	return fails(FAULT_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return fails(FAULT_TRUNCATE) ? -1 : (int)syscall(SYS_ftruncate, fd, size);
}

int fallocate(int fd, int mode, off_t offset, off_t size)
{
	return fails(FAULT_ALLOCATE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int fallocate64(int fd, int mode, off64_t offset, off64_t size)
{
	return fails(FAULT_ALLOCATE) ? -1 : (int)syscall(SYS_fallocate, fd, mode, offset, size);
}

int fstat(int fd, struct stat *st)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
}

int fstat64(int fd, struct stat64 *st)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, fd, "", st, AT_EMPTY_PATH);
}

int stat(const char *path, struct stat *st)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int stat64(const char *path, struct stat64 *st)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, 0);
}

int lstat64(const char *path, struct stat64 *st)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, AT_FDCWD, path, st, AT_SYMLINK_NOFOLLOW);
}

int fstatat(int fd, const char *path, struct stat *st, int flags)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, fd, path, st, flags);
}

int fstatat64(int fd, const char *path, struct stat64 *st, int flags)
{
	return fails(FAULT_STAT) ? -1 : (int)syscall(SYS_newfstatat, fd, path, st, flags);
}

/* ---- names ---- */

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	if (fails(FAULT_RENAME))
		return plan.lies ? 0 : -1;
	return (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return fails(FAULT_RENAME) ? -1 : (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
}

int rename(const char *from, const char *to)
{
	return renameat(AT_FDCWD, from, AT_FDCWD, to);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	if (fails(FAULT_LINK))
		return plan.lies ? 0 : -1;
	return (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
}

int unlinkat(int fd, const char *path, int flags)
{
	return fails(FAULT_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, fd, path, flags);
}

int unlink(const char *path)
{
	return unlinkat(AT_FDCWD, path, 0);
}

int mkdirat(int fd, const char *path, mode_t mode)
{
	return fails(FAULT_MKDIR) ? -1 : (int)syscall(SYS_mkdirat, fd, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
	return mkdirat(AT_FDCWD, path, mode);
}

/* The next function of this name, found once. */
#define NEXT(name)                     \
	static __typeof__(name) *next; \
	if (!next)                     \
	*(void **)(void *)&next = dlsym(RTLD_NEXT, #name)

DIR *fdopendir(int fd)
{
	NEXT(fdopendir);

	return fails(FAULT_DIRECTORY) ? NULL : next(fd);
}

struct dirent *readdir(DIR *stream)
{
	NEXT(readdir);

	return fails(FAULT_DIRECTORY) ? NULL : next(stream);
}

struct dirent64 *readdir64(DIR *stream)
{
	NEXT(readdir64);

	return fails(FAULT_DIRECTORY) ? NULL : next(stream);
}

/* ---- descriptors, locks, threads, processes ---- */

static int control(int fd, int command, void *argument)
{
	if ((command == F_DUPFD || command == F_DUPFD_CLOEXEC) && fails(FAULT_DUP))
		return -1;
	if ((command == F_SETLK || command == F_SETLKW || command == F_OFD_SETLK) && fails(FAULT_LOCK))
		return -1;
	return (int)syscall(SYS_fcntl, fd, command, argument);
}

int fcntl(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return control(fd, command, argument);
}

int fcntl64(int fd, int command, ...)
{
	va_list arguments;
	void *argument;

	va_start(arguments, command);
	argument = va_arg(arguments, void *);
	va_end(arguments);
	return control(fd, command, argument);
}

int flock(int fd, int operation)
{
	return fails(FAULT_LOCK) ? -1 : (int)syscall(SYS_flock, fd, operation);
}

/* The errors of threads are returned. */
int pthread_create(
	pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument)
{
	NEXT(pthread_create);

	return fails(FAULT_THREAD) ? plan.code : next(thread, attributes, start, argument);
}

pid_t fork(void)
{
	NEXT(fork);

	return fails(FAULT_FORK) ? -1 : next();
}

int socket(int domain, int type, int protocol)
{
	return fails(FAULT_SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int socketpair(int domain, int type, int protocol, int fds[2])
{
	return fails(FAULT_SOCKET) ? -1 : (int)syscall(SYS_socketpair, domain, type, protocol, fds);
}

int accept4(int fd, struct sockaddr *address, socklen_t *size, int flags)
{
	return fails(FAULT_SOCKET) ? -1 : (int)syscall(SYS_accept4, fd, address, size, flags);
}

ssize_t sendmsg(int fd, const struct msghdr *message, int flags)
{
	return fails(FAULT_SEND) ? -1 : syscall(SYS_sendmsg, fd, message, flags);
}

ssize_t recvmsg(int fd, struct msghdr *message, int flags)
{
	return fails(FAULT_RECEIVE) ? -1 : syscall(SYS_recvmsg, fd, message, flags);
}

int pipe2(int fds[2], int flags)
{
	return fails(FAULT_PIPE) ? -1 : (int)syscall(SYS_pipe2, fds, flags);
}

int pipe(int fds[2])
{
	return pipe2(fds, 0);
}
