/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations on open files as such: opening, attributes by descriptor. The slots outlive names, so that
 * unlinked and renamed files stay in use.
 */

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

static void keep(struct fuzz_side *side, int slot, int fd, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fd);
	if (fd < 0)
		return;
	outcome->result = 0;
	if (side->handles[slot] >= 0)
		(void)close(side->handles[slot]);
	side->handles[slot] = fd;
}

void fuzz_run_open(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = open(operation->path, operation->flags | O_CLOEXEC, operation->mode & 07777);

	keep(side, operation->handle, fd, outcome);
}

/* By an open directory, which may have been moved or removed since. */
void fuzz_run_open_at(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = openat(side->handles[operation->other_handle], operation->path, operation->flags | O_CLOEXEC,
		operation->mode & 07777);

	keep(side, operation->handle, fd, outcome);
}

/* Of an open directory: twice from the beginning, and the same must come. */
void fuzz_run_list_handle(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = dup(side->handles[operation->handle]);
	DIR *directory = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	fuzz_outcome_set(outcome, directory != NULL ? 0 : -1);
	if (directory == NULL) {
		if (fd >= 0)
			(void)close(fd);
		return;
	}
	for (int round = 0; round < 2; round++) {
		rewinddir(directory);
		while ((entry = readdir(directory)) != NULL)
			outcome->digest += fuzz_digest((uint64_t)round, entry->d_name, strlen(entry->d_name));
	}
	(void)closedir(directory);
}

/* A file without a name; with O_EXCL it can never get one. */
void fuzz_run_open_nameless(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int flags = O_TMPFILE | O_RDWR | O_CLOEXEC | (operation->flags & O_EXCL);

	keep(side, operation->handle, open(operation->path, flags, operation->mode & 07777), outcome);
}

static void descriptor_path(const struct fuzz_side *side, int slot, char *path, size_t size)
{
	(void)snprintf(path, size, "/proc/self/fd/%d", side->handles[slot]);
}

void fuzz_run_reopen(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int flags = operation->flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW | O_DIRECTORY);
	char path[64];

	descriptor_path(side, operation->handle, path, sizeof(path));
	keep(side, operation->other_handle, open(path, flags | O_CLOEXEC), outcome);
}

/* A name for an open file: of one that was opened without, or another one; an unlinked file gets none. */
void fuzz_run_link_handle(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char path[64];

	descriptor_path(side, operation->handle, path, sizeof(path));
	fuzz_outcome_set(outcome, linkat(AT_FDCWD, path, AT_FDCWD, operation->path, AT_SYMLINK_FOLLOW));
}

void fuzz_run_close(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, close(side->handles[operation->handle]));
	side->handles[operation->handle] = -1;
}

void fuzz_run_fsync(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	fuzz_outcome_set(outcome, operation->pattern % 2 ? fsync(fd) : fdatasync(fd));
}

void fuzz_run_syncfs(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	/* The native side's own sync is not what is tested, and takes the whole machine's disk along. */
	if (side->is_native && side->handles[operation->handle] >= 0)
		return;
	fuzz_outcome_set(outcome, syncfs(side->handles[operation->handle]));
}

/* Lets the kernel forget what it has of the file, so that it asks again. */
void fuzz_run_advise(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int fd = side->handles[operation->handle];

	if (fd < 0 || !fuzz_is_regular(fd))
		return;
	if (!side->is_native && operation->pattern % 2)
		(void)sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE | SYNC_FILE_RANGE_WAIT_AFTER);
	fuzz_outcome_set(outcome, posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED));
}

void fuzz_run_fchmod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fchmod(side->handles[operation->handle], operation->mode & 07777));
}

void fuzz_run_fchown(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, fchown(side->handles[operation->handle], operation->uid, operation->gid));
}

void fuzz_run_futimens(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	fuzz_outcome_set(outcome, futimens(side->handles[operation->handle], operation->times));
}
