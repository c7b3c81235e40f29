/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Locks of all kinds: between slots, and between this process and another one.
 */

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

/* Between slots, which are open files of their own: classic locks would all be this process's. */
void fuzz_run_lock(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK, F_WRLCK};
	bool asks = operation->flags == 3;
	struct flock lock = {
		.l_type = types[operation->flags & 3],
		.l_whence = SEEK_SET,
		.l_start = (off_t)operation->offset,
		.l_len = (off_t)operation->length,
	};

	fuzz_outcome_set(
		outcome, fcntl(side->handles[operation->handle], asks ? F_OFD_GETLK : F_OFD_SETLK, &lock));
	if (asks && outcome->result == 0)
		outcome->digest =
			(uint64_t)lock.l_type ^ (uint64_t)lock.l_start << 8 ^ (uint64_t)lock.l_len << 32;
}

/*
 * The classic kind belongs to the process: another one asks. Closing any descriptor of the file ends them all, so
 * directories are left alone, which the drawing opens on the native side.
 */
void fuzz_run_process_lock(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	static const short types[] = {F_RDLCK, F_WRLCK, F_UNLCK, F_WRLCK};
	struct flock lock = {
		.l_type = types[operation->flags & 3],
		.l_whence = SEEK_SET,
		.l_start = (off_t)operation->offset,
		.l_len = (off_t)operation->length,
	};
	int fd = side->handles[operation->handle];
	volatile int r = 0, error = 0;
	pid_t child;

	if (fd >= 0 && !fuzz_is_regular(fd))
		return;
	if ((operation->flags & 3) != 3) {
		fuzz_outcome_set(outcome, fcntl(fd, F_SETLK, &lock));
		return;
	}
	child = vfork();
	if (child == 0) {
		r = fcntl(fd, F_GETLK, &lock);
		error = errno;
		_exit(0);
	}
	errno = error;
	fuzz_outcome_set(outcome, r);
	if (r == 0)
		outcome->digest =
			(uint64_t)lock.l_type ^ (uint64_t)lock.l_start << 8 ^ (uint64_t)lock.l_len << 32;
	if (child > 0)
		(void)waitpid(child, NULL, 0);
}

void fuzz_run_flock(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	static const int kinds[] = {LOCK_SH, LOCK_EX, LOCK_UN, LOCK_EX};

	fuzz_outcome_set(
		outcome, flock(side->handles[operation->handle], kinds[operation->flags & 3] | LOCK_NB));
}

/* FLAGS: the lowest bit says whether to read or to write, the others which kind of lock. */
static int try_lock(int fd, const struct fuzz_operation *operation)
{
	bool exclusive = operation->flags & 1;
	struct flock lock = {
		.l_type = exclusive ? F_WRLCK : F_RDLCK,
		.l_whence = SEEK_SET,
		.l_start = (off_t)operation->offset,
		.l_len = (off_t)operation->length,
	};

	switch (operation->flags >> 1) {
	case 0:
		return flock(fd, (exclusive ? LOCK_EX : LOCK_SH) | LOCK_NB);
	case 1:
		return fcntl(fd, F_OFD_SETLK, &lock);
	default:
		return fcntl(fd, F_SETLK, &lock);
	}
}

/* Another process opens the file anew, tries to lock it against what the slots hold, and ends, with its lock. */
void fuzz_run_foreign_lock(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	int slot = side->handles[operation->handle];
	volatile int r = 0, error = 0;
	char path[64];
	pid_t child;

	if (slot >= 0 && !fuzz_is_regular(slot))
		return;
	(void)snprintf(path, sizeof(path), "/proc/self/fd/%d", slot);
	child = vfork();
	if (child == 0) {
		int fd = open(path, (operation->flags & 1 ? O_RDWR : O_RDONLY) | O_CLOEXEC);

		r = fd < 0 ? -1 : try_lock(fd, operation);
		error = errno;
		_exit(0);
	}
	errno = error;
	fuzz_outcome_set(outcome, r);
	if (child > 0)
		(void)waitpid(child, NULL, 0);
}
