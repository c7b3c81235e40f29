/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Operations on what is known of a name besides its bytes: size, mode, owner, times, extended attributes.
 */

#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/execute.h"

enum { XATTR_BUFFER_SIZE = 1 << 16 };

static uint8_t value[XATTR_BUFFER_SIZE];

/* To the size that is there: left out on both sides where the side under test is known to move no time
 * (`collected-writes`), because what differs once differs for as long as the file is not written. */
void fuzz_run_truncate(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	struct stat st;

	if (side->collects_writes && stat(operation->path, &st) == 0 &&
		st.st_size == (off_t)operation->offset)
		return;
	fuzz_outcome_set(outcome, truncate(operation->path, (off_t)operation->offset));
}

void fuzz_run_chmod(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, chmod(operation->path, operation->mode & 07777));
}

void fuzz_run_chown(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome,
		fchownat(AT_FDCWD, operation->path, operation->uid, operation->gid, operation->flags));
}

void fuzz_run_utimens(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, utimensat(AT_FDCWD, operation->path, operation->times, operation->flags));
}

void fuzz_run_xattr_set(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_fill(value, operation->length % sizeof(value), operation->pattern);
	fuzz_outcome_set(outcome, lsetxattr(operation->path, operation->name, value,
					  operation->length % sizeof(value), operation->flags));
}

/* One in sixteen is cut short: no list. */
void fuzz_run_acl_set(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	size_t size = fuzz_fill_acl(value, operation->pattern);

	(void)side;
	size -= operation->pattern % 16 == 0;
	fuzz_outcome_set(outcome, lsetxattr(operation->path, operation->name, value, size, operation->flags));
}

void fuzz_run_acl_remove(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, lremovexattr(operation->path, operation->name));
}

/* With a LENGTH of 1 or 2 the room is too small, or none and the size is asked for. */
void fuzz_run_xattr_get(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	size_t room = operation->length == 1 ? 1 : operation->length == 2 ? 0 : sizeof(value);

	(void)side;
	fuzz_outcome_set(outcome, lgetxattr(operation->path, operation->name, value, room));
	if (outcome->result > 0 && room > 0)
		outcome->digest = fuzz_digest(0, value, (size_t)outcome->result);
}

void fuzz_run_xattr_remove(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, lremovexattr(operation->path, operation->name));
}

/* A set: order does not count. Labels that the system gives by itself count on neither side. */
void fuzz_run_xattr_list(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	const char *names = (const char *)value;
	size_t length = 0;
	long count = 0;

	(void)side;
	fuzz_outcome_set(outcome, llistxattr(operation->path, (char *)value, sizeof(value)));
	for (long at = 0; at < outcome->result; at += (long)strlen(names + at) + 1) {
		if (strcmp(names + at, "security.selinux") == 0)
			continue;
		count++;
		outcome->digest += fuzz_digest(0, names + at, strlen(names + at));
		if (length + strlen(names + at) + 2 < sizeof(outcome->text))
			length += (size_t)snprintf(
				outcome->text + length, sizeof(outcome->text) - length, "%s ", names + at);
	}
	if (outcome->result >= 0)
		outcome->result = count;
}

void fuzz_run_access(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	(void)side;
	fuzz_outcome_set(outcome, faccessat(AT_FDCWD, operation->path, operation->flags & 7, AT_EACCESS));
}

void fuzz_run_statx(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	struct statx stx;

	(void)side;
	fuzz_outcome_set(
		outcome, statx(AT_FDCWD, operation->path, operation->flags, STATX_BASIC_STATS, &stx));
	if (outcome->result == 0)
		outcome->digest = stx.stx_mode | (uint64_t)(S_ISREG(stx.stx_mode) ? stx.stx_size : 0) << 16;
}

/* The numbers are each filesystem's own; that they make sense is not. */
void fuzz_run_statfs(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	struct statvfs numbers;

	(void)side;
	fuzz_outcome_set(outcome, statvfs(operation->path, &numbers));
	if (outcome->result == 0)
		outcome->digest = numbers.f_namemax == 255 && numbers.f_bsize >= 512 &&
				  numbers.f_frsize >= 512 && numbers.f_blocks > 0 &&
				  numbers.f_bfree <= numbers.f_blocks &&
				  numbers.f_bavail <= numbers.f_bfree && numbers.f_ffree <= numbers.f_files;
}

/*
 * No file here is a program, so this always fails, and how is what counts: EACCES without the right, ETXTBSY
 * while some slot may write, else ENOEXEC.
 */
void fuzz_run_execute(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome)
{
	char *const arguments[] = {(char *)"x", NULL};
	volatile int error = 0;
	pid_t child;

	(void)side;
	child = vfork();
	if (child == 0) {
		(void)execve(operation->path, arguments, arguments + 1);
		error = errno;
		_exit(1);
	}
	errno = error;
	fuzz_outcome_set(outcome, error != 0 ? -1 : 0);
	if (child > 0)
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
}
