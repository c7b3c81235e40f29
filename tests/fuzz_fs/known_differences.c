/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The differences between heddle and a native filesystem that are accepted, each with its reason.
 *
 * Empty is best. A row needs a reason that a user would accept; "it is easier" is none. Its id is a row of
 * "Where heddle differs" in docs/posix.md (tests/lint/check_docs.py looks).
 */

#include <errno.h>
#include <linux/falloc.h>
#include <stddef.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/fuzz_fs/compare.h"

struct known_difference {
	const char *id;
	enum fuzz_kind kind;    /* FUZZ_KIND_COUNT: not of an operation's result */
	int error_a, error_b;   /* what each side answers; 0 is success */
	int flags;              /* if not 0: only of operations with one of them */
	bool of_ordinary_users; /* only in a mount that such a user made */
	const char *reason;
};

static const struct known_difference known_differences[] = {
	{"collapse-insert", FUZZ_fallocate, EOPNOTSUPP, 0, FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE,
		false, "FUSE does not forward these modes; the native side leaves them out"},
	{"chown-of-nothing", FUZZ_chown, 0, EPERM, 0, false,
		"the kernel does not tell that the owner is asked for"},
	{"chown-of-nothing", FUZZ_fchown, 0, EPERM, 0, false,
		"the kernel does not tell that the owner is asked for"},
	{"device-nodes", FUZZ_open, EACCES, ENXIO, 0, true, "the mount is nodev, the native side is not"},
	{"device-nodes", FUZZ_open_at, EACCES, ENXIO, 0, true, "the mount is nodev, the native side is not"},
	{"access-times", FUZZ_KIND_COUNT, 0, 0, 0, false, "reading leaves a trace where it arrives"},
	{"collected-writes", FUZZ_KIND_COUNT, 0, 0, 0, false,
		"with -o writeback the kernel counts no blocks and moves times itself"},
	{NULL, FUZZ_KIND_COUNT, 0, 0, 0, false, NULL},
};

const char *fuzz_known_difference(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b)
{
	for (const struct known_difference *row = known_differences; row->reason != NULL; row++)
		if (row->kind == operation->kind && row->error_a == a->error && row->error_b == b->error &&
			(row->flags == 0 || (row->flags & operation->flags) != 0) &&
			(!row->of_ordinary_users || geteuid() != 0))
			return row->reason;
	return NULL;
}

/*
 * One of them was read in the run, or shortly before by who made the copy. What the kernel has in memory is read without a
 * trace on the side under test, a page that is mapped or read ahead leaves one when it is fetched, and a state has the times
 * of its capture.
 */
const char *fuzz_known_access_time(
	const struct fuzz_comparison *comparison, const struct timespec *a, const struct timespec *b)
{
	const time_t begin = comparison->run_start - 600;

	return a->tv_sec >= begin || b->tv_sec >= begin ? "reading leaves a trace where it arrives" : NULL;
}

static bool is_of_run(const struct fuzz_comparison *comparison, const struct timespec *moment)
{
	return moment->tv_sec >= comparison->run_start - 1 && moment->tv_sec <= time(NULL) + 1;
}

/* Of what changed in the run, whenever that was. A call that changes nothing may move the time of change, also where
 * nothing has moved it before. */
const char *fuzz_known_change_time(const struct fuzz_comparison *comparison, bool is_change_time,
	const struct timespec *a, const struct timespec *b)
{
	return comparison->collects_writes && is_of_run(comparison, a) &&
			       (is_change_time || is_of_run(comparison, b))
		       ? "the kernel moves these times itself"
		       : NULL;
}

/* It asks for the blocks after a close, not after a write or a truncation. */
const char *fuzz_known_block_count(const struct fuzz_comparison *comparison)
{
	return comparison->collects_writes ? "the kernel counts no blocks" : NULL;
}

const char *fuzz_known_blocks(const struct fuzz_comparison *comparison, int fd)
{
	struct stat st;
	pid_t child;

	if (!comparison->collects_writes)
		return NULL;
	/* Another process closes it: whose close ends the classic locks of this one. */
	child = vfork();
	if (child == 0)
		_exit(0);
	if (child < 0 || waitpid(child, NULL, 0) < 0 || fstat(fd, &st) < 0)
		return NULL;
	return st.st_blocks > 0 ? "the kernel counts no blocks" : NULL;
}
