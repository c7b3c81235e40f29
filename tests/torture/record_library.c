/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Preloaded into a program, this records what it does to the files below RECORD_ROOT (record_format.h). Calls are made
 * one at a time, so that the recording has the order in which they took effect. Calls that failed are not recorded.
 *
 * Not seen: writes through mappings (of a store that is SQLite's index.db-shm alone, which nobody trusts after a
 * crash), modes, owners, times.
 */
#undef _FILE_OFFSET_BITS
#ifndef _LARGEFILE64_SOURCE
#define _LARGEFILE64_SOURCE
#endif
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#include "tests/torture/record_format.h"

#define TABLE_SIZE 65536u

/* Shared by all processes of a recording. */
struct shared {
	pthread_mutex_t lock;
	uint32_t ready, next_id;
	dev_t device;
	struct {
		ino_t inode;
		uint32_t id;
	} table[TABLE_SIZE];
};

static struct shared *shared;
static int log_fd = -1;

/* ---- which file is which ---- */

static uint32_t *slot_of(ino_t inode)
{
	uint32_t at = (uint32_t)(inode * 0x9E3779B97F4A7C15u >> 40) % TABLE_SIZE;

	while (shared->table[at].inode && shared->table[at].inode != inode)
		at = (at + 1) % TABLE_SIZE;
	shared->table[at].inode = inode;
	return &shared->table[at].id;
}

/* An inode's number may come again after its end: whoever creates takes a new id. */
static uint32_t new_id(const struct stat *st)
{
	return *slot_of(st->st_ino) = shared->next_id++;
}

static uint32_t id_of(const struct stat *st)
{
	return st->st_dev == shared->device ? *slot_of(st->st_ino) : 0;
}

static uint32_t id_of_fd(int fd)
{
	struct stat st;

	return fstat(fd, &st) == 0 && (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode)) ? id_of(&st) : 0;
}

/* The directory that PATH lies in, 0 when it is not ours; *RET_NAME is the last part of PATH. */
static uint32_t directory_of(int directory_fd, const char *path, const char **ret_name)
{
	char parent[PATH_MAX];
	const char *slash = strrchr(path, '/');
	struct stat st;

	*ret_name = slash ? slash + 1 : path;
	if (slash)
		snprintf(parent, sizeof(parent), "%.*s", slash == path ? 1 : (int)(slash - path), path);
	if (fstatat(directory_fd, slash ? parent : ".", &st, 0) < 0)
		return 0;
	return id_of(&st);
}

/* ---- the recording ---- */

static void record(struct record_header header, const char *name, const char *to_name, const void *data)
{
	struct iovec parts[4];

	header.magic = RECORD_MAGIC;
	header.name_size = name ? (uint32_t)strlen(name) : 0;
	header.to_name_size = to_name ? (uint32_t)strlen(to_name) : 0;
	parts[0] = (struct iovec){.iov_base = &header, .iov_len = sizeof(header)};
	parts[1] = (struct iovec){.iov_base = (void *)name, .iov_len = header.name_size};
	parts[2] = (struct iovec){.iov_base = (void *)to_name, .iov_len = header.to_name_size};
	parts[3] = (struct iovec){.iov_base = (void *)data, .iov_len = header.data_size};
	if (syscall(SYS_writev, log_fd, parts, 4) !=
		(long)(sizeof(header) + header.name_size + header.to_name_size + header.data_size))
		abort();
}

static void snapshot(const char *path, uint32_t directory)
{
	DIR *stream = opendir(path);
	struct dirent *entry;

	while (stream && (entry = readdir(stream))) {
		char below[PATH_MAX + 256];
		struct stat st;

		snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..") || lstat(below, &st) < 0)
			continue;
		if (S_ISDIR(st.st_mode)) {
			uint32_t id = new_id(&st);

			record((struct record_header){.kind = RECORD_SNAPSHOT_DIRECTORY,
				       .directory = directory,
				       .file = id},
				entry->d_name, NULL, NULL);
			snapshot(below, id);
		} else if (S_ISREG(st.st_mode)) {
			char *bytes = malloc((size_t)st.st_size + 1);
			int fd = (int)syscall(SYS_openat, AT_FDCWD, below, O_RDONLY);

			if (!bytes || fd < 0 || syscall(SYS_pread64, fd, bytes, st.st_size, 0) != st.st_size)
				abort();
			record((struct record_header){.kind = RECORD_SNAPSHOT_FILE,
				       .directory = directory,
				       .file = new_id(&st),
				       .data_size = (uint32_t)st.st_size},
				entry->d_name, NULL, bytes);
			(void)syscall(SYS_close, fd);
			free(bytes);
		}
	}
	if (stream)
		closedir(stream);
}

__attribute__((constructor)) static void begin(void)
{
	const char *root = getenv("RECORD_ROOT"), *log = getenv("RECORD_LOG"),
		   *state = getenv("RECORD_STATE");
	pthread_mutexattr_t attributes;
	struct stat st;
	int fd;

	if (!root || !log || !state)
		return;
	fd = (int)syscall(SYS_openat, AT_FDCWD, state, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	log_fd = (int)syscall(SYS_openat, AT_FDCWD, log, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
	if (fd < 0 || log_fd < 0 || syscall(SYS_ftruncate, fd, sizeof(struct shared)) < 0)
		abort();
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (shared == MAP_FAILED || stat(root, &st) < 0)
		abort();
	(void)syscall(SYS_close, fd);
	if (shared->ready)
		return;
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->lock, &attributes);
	shared->device = st.st_dev;
	shared->next_id = RECORD_ROOT_ID;
	(void)new_id(&st);
	snapshot(root, RECORD_ROOT_ID);
	shared->ready = 1;
}

static void lock(void)
{
	if (shared && pthread_mutex_lock(&shared->lock) == EOWNERDEAD)
		pthread_mutex_consistent(&shared->lock);
}

static void unlock(void)
{
	int saved = errno;

	if (shared)
		pthread_mutex_unlock(&shared->lock);
	errno = saved;
}

/* Found by dlsym(3): what the program wants to have said at this moment. */
void record_mark(const char *text);
void record_mark(const char *text)
{
	lock();
	if (shared)
		record((struct record_header){.kind = RECORD_MARK}, text, NULL, NULL);
	unlock();
}

/* ---- calls ---- */

static int open_recorded(int directory_fd, const char *path, int flags, mode_t mode)
{
	bool unnamed = (flags & O_TMPFILE) == O_TMPFILE, existed = true;
	const char *name = "";
	uint32_t directory = 0;
	struct stat st;
	int fd;

	lock();
	if (shared && unnamed)
		directory = fstatat(directory_fd, path, &st, 0) == 0 ? id_of(&st) : 0;
	else if (shared && flags & (O_CREAT | O_TRUNC)) {
		directory = directory_of(directory_fd, path, &name);
		existed = fstatat(directory_fd, path, &st, 0) == 0;
	}
	fd = (int)syscall(SYS_openat, directory_fd, path, flags | O_LARGEFILE, mode);
	if (fd >= 0 && directory && fstat(fd, &st) == 0) {
		struct record_header header = {
			.kind = unnamed ? RECORD_UNNAMED : RECORD_CREATE, .directory = directory};

		if (unnamed || !existed) {
			header.file = new_id(&st);
			record(header, name, NULL, NULL);
		} else if (flags & O_TRUNC) {
			header.kind = RECORD_TRUNCATE;
			header.file = id_of(&st);
			record(header, NULL, NULL, NULL);
		}
	}
	unlock();
	return fd;
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
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int open64(const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_recorded(AT_FDCWD, path, flags, mode);
}

int openat(int directory_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_recorded(directory_fd, path, flags, mode);
}

int openat64(int directory_fd, const char *path, int flags, ...)
{
	mode_t mode = 0;

	MODE_OF(flags, mode);
	return open_recorded(directory_fd, path, flags, mode);
}

static ssize_t write_recorded(int fd, const void *data, size_t size, off64_t offset, bool at_position)
{
	uint32_t id = 0;
	ssize_t n;

	lock();
	if (shared)
		id = id_of_fd(fd);
	if (id && at_position)
		offset = lseek64(fd, 0, SEEK_CUR);
	n = at_position ? syscall(SYS_write, fd, data, size) : syscall(SYS_pwrite64, fd, data, size, offset);
	if (id && n > 0)
		record((struct record_header){.kind = RECORD_WRITE,
			       .file = id,
			       .offset = (uint64_t)offset,
			       .data_size = (uint32_t)n},
			NULL, NULL, data);
	unlock();
	return n;
}

ssize_t write(int fd, const void *data, size_t size)
{
	return write_recorded(fd, data, size, 0, true);
}

ssize_t pwrite(int fd, const void *data, size_t size, off_t offset)
{
	return write_recorded(fd, data, size, offset, false);
}

ssize_t pwrite64(int fd, const void *data, size_t size, off64_t offset)
{
	return write_recorded(fd, data, size, offset, false);
}

static int truncate_recorded(int fd, off64_t size)
{
	uint32_t id = 0;
	int r;

	lock();
	if (shared)
		id = id_of_fd(fd);
	r = (int)syscall(SYS_ftruncate, fd, size);
	if (r == 0 && id)
		record((struct record_header){.kind = RECORD_TRUNCATE, .file = id, .offset = (uint64_t)size},
			NULL, NULL, NULL);
	unlock();
	return r;
}

int ftruncate(int fd, off_t size)
{
	return truncate_recorded(fd, size);
}

int ftruncate64(int fd, off64_t size)
{
	return truncate_recorded(fd, size);
}

/* RECORD_OMIT names a kind of sync whose effect is not recorded: for showing that the harness notices. */
static bool is_omitted(const char *call)
{
	const char *omitted = getenv("RECORD_OMIT");

	return omitted && strcmp(omitted, call) == 0;
}

static unsigned fatal_sync;

void record_die_in_sync(unsigned number);

void record_die_in_sync(unsigned number)
{
	fatal_sync = number;
}

static int sync_recorded(int fd, long number, enum record_kind kind, const char *call)
{
	uint32_t id = 0;
	int r;

	if (fatal_sync && --fatal_sync == 0)
		_exit(RECORD_DIED);
	lock();
	if (shared)
		id = id_of_fd(fd);
	r = (int)syscall(number, fd);
	if (r == 0 && id && !is_omitted(call)) {
		struct stat st;

		if (fstat(fd, &st) < 0 || !S_ISDIR(st.st_mode) || !is_omitted("directory"))
			record((struct record_header){.kind = kind, .file = id}, NULL, NULL, NULL);
	}
	unlock();
	return r;
}

int fsync(int fd)
{
	return sync_recorded(fd, SYS_fsync, RECORD_SYNC, "fsync");
}

int fdatasync(int fd)
{
	return sync_recorded(fd, SYS_fdatasync, RECORD_SYNC, "fdatasync");
}

int syncfs(int fd)
{
	return sync_recorded(fd, SYS_syncfs, RECORD_SYNC_ALL, "syncfs");
}

static int mkdir_recorded(int directory_fd, const char *path, mode_t mode)
{
	const char *name;
	uint32_t directory;
	struct stat st;
	int r;

	lock();
	r = (int)syscall(SYS_mkdirat, directory_fd, path, mode);
	if (r == 0 && shared && (directory = directory_of(directory_fd, path, &name)) &&
		fstatat(directory_fd, path, &st, AT_SYMLINK_NOFOLLOW) == 0)
		record(
			(struct record_header){
				.kind = RECORD_MKDIR, .directory = directory, .file = new_id(&st)},
			name, NULL, NULL);
	unlock();
	return r;
}

int mkdir(const char *path, mode_t mode)
{
	return mkdir_recorded(AT_FDCWD, path, mode);
}

int mkdirat(int directory_fd, const char *path, mode_t mode)
{
	return mkdir_recorded(directory_fd, path, mode);
}

int linkat(int from_fd, const char *from, int to_fd, const char *to, int flags)
{
	const char *name;
	uint32_t directory, id = 0;
	struct stat st;
	int r;

	lock();
	r = (int)syscall(SYS_linkat, from_fd, from, to_fd, to, flags);
	if (r == 0 && shared && (directory = directory_of(to_fd, to, &name)) &&
		fstatat(to_fd, to, &st, AT_SYMLINK_NOFOLLOW) == 0)
		id = id_of(&st);
	if (id)
		record((struct record_header){.kind = RECORD_LINK, .directory = directory, .file = id}, name,
			NULL, NULL);
	unlock();
	return r;
}

static int unlink_recorded(int directory_fd, const char *path, int flags)
{
	const char *name;
	uint32_t directory = 0;
	int r;

	lock();
	if (shared)
		directory = directory_of(directory_fd, path, &name);
	r = (int)syscall(SYS_unlinkat, directory_fd, path, flags);
	if (r == 0 && directory)
		record((struct record_header){.kind = RECORD_UNLINK, .directory = directory}, name, NULL,
			NULL);
	unlock();
	return r;
}

int unlink(const char *path)
{
	return unlink_recorded(AT_FDCWD, path, 0);
}

int rmdir(const char *path)
{
	return unlink_recorded(AT_FDCWD, path, AT_REMOVEDIR);
}

int unlinkat(int directory_fd, const char *path, int flags)
{
	return unlink_recorded(directory_fd, path, flags);
}

static int rename_recorded(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	struct record_header header = {.kind = RECORD_RENAME};
	const char *name = NULL, *to_name = NULL;
	struct stat st;
	int r;

	lock();
	if (shared && fstatat(from_fd, from, &st, AT_SYMLINK_NOFOLLOW) == 0) {
		header.file = id_of(&st);
		header.directory = directory_of(from_fd, from, &name);
		header.to_directory = directory_of(to_fd, to, &to_name);
	}
	r = (int)syscall(SYS_renameat2, from_fd, from, to_fd, to, flags);
	if (r == 0 && header.directory && header.to_directory)
		record(header, name, to_name, NULL);
	unlock();
	return r;
}

int rename(const char *from, const char *to)
{
	return rename_recorded(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int renameat(int from_fd, const char *from, int to_fd, const char *to)
{
	return rename_recorded(from_fd, from, to_fd, to, 0);
}

int renameat2(int from_fd, const char *from, int to_fd, const char *to, unsigned flags)
{
	return rename_recorded(from_fd, from, to_fd, to, flags);
}
