/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Results and attributes.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#include "tests/fuzz_fs/compare.h"

unsigned fuzz_compare_outcomes(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b)
{
	if (a->result == b->result && a->error == b->error && a->digest == b->digest)
		return 0;
	if (fuzz_known_difference(operation, a, b) != NULL)
		return 0;
	printf("  result a %ld (%s) b %ld (%s)%s\n", a->result,
		a->error != 0 ? strerrorname_np(a->error) : "ok", b->result,
		b->error != 0 ? strerrorname_np(b->error) : "ok",
		a->result == b->result && a->error == b->error ? ", different bytes or names" : "");
	if (a->text[0] != '\0' || b->text[0] != '\0')
		printf("  a: %s\n  b: %s\n", a->text, b->text);
	return 1;
}

static unsigned compare_number(
	const char *path, const char *field, uint64_t a, uint64_t b, const char *format)
{
	char text[128];

	if (a == b)
		return 0;
	(void)snprintf(text, sizeof(text), "  %%s: %%s a %s b %s\n", format, format);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
	printf(text, path, field, a, b);
#pragma GCC diagnostic pop
	return 1;
}

static unsigned compare_time(const struct fuzz_comparison *comparison, const char *path, const char *field,
	const struct timespec *a, const struct timespec *b)
{
	if (fuzz_intervals_match(&comparison->intervals, a, b) ||
		fuzz_known_change_time(comparison, field[0] == 'c', a, b) != NULL)
		return 0;
	printf("  %s: %s a %lld.%09ld b %lld.%09ld\n", path, field, (long long)a->tv_sec, a->tv_nsec,
		(long long)b->tv_sec, b->tv_nsec);
	return 1;
}

/* What a restore has touched, which sides do at their own pace, and to more or to less. */
static bool is_of_restore(
	const struct fuzz_comparison *comparison, const struct stat *a, const struct stat *b)
{
	return fuzz_intervals_contain(&comparison->restores, &a->st_ctim) ||
	       fuzz_intervals_contain(&comparison->restores, &b->st_ctim);
}

/* What the native side was given before the run has the change times of its own making. */
static unsigned compare_change_time(const struct fuzz_comparison *comparison, const char *path,
	const struct timespec *a, const struct timespec *b)
{
	if (!fuzz_intervals_cover(&comparison->intervals, a) &&
		!fuzz_intervals_cover(&comparison->intervals, b))
		return 0;
	return compare_time(comparison, path, "ctime", a, b);
}

static unsigned compare_access_time(const struct fuzz_comparison *comparison, const char *path,
	const struct timespec *a, const struct timespec *b)
{
	if (fuzz_intervals_match(&comparison->intervals, a, b) ||
		fuzz_known_access_time(comparison, a, b) != NULL)
		return 0;
	return compare_time(comparison, path, "atime", a, b);
}

/* A restore gives the native side a copy, which has what its bytes need and nothing of what fallocate(2) promised. */
static bool is_native_copy(const struct fuzz_comparison *comparison, int fd, const char *path)
{
	struct statx st;

	if (statx(fd, path, AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW, STATX_BTIME, &st) < 0 ||
		(st.stx_mask & STATX_BTIME) == 0)
		return false;
	return fuzz_intervals_contain(&comparison->restores,
		&(struct timespec){.tv_sec = st.stx_btime.tv_sec, .tv_nsec = st.stx_btime.tv_nsec});
}

/* What fallocate(2) promises beyond the end counts on both sides. */
static unsigned compare_blocks(const struct fuzz_comparison *comparison, const char *label, int fd,
	const char *path, const struct stat *a, const struct stat *b)
{
	uint64_t whole = ((uint64_t)a->st_size + 4095) / 4096 * 8;

	if ((uint64_t)a->st_blocks <= whole || a->st_blocks <= b->st_blocks ||
		fuzz_known_block_count(comparison) != NULL || is_native_copy(comparison, fd, path))
		return 0;
	printf("  %s: a has %ju blocks of 512 bytes for a size of %jd, b %ju\n", label,
		(uintmax_t)a->st_blocks, (intmax_t)a->st_size, (uintmax_t)b->st_blocks);
	return 1;
}

unsigned fuzz_compare_stat(const struct fuzz_comparison *comparison, const char *label, int fd,
	const char *path, const struct stat *a, const struct stat *b)
{
	unsigned differences = 0;

	differences += compare_number(label, "mode", a->st_mode, b->st_mode, "0%" PRIo64);
	differences += compare_number(label, "uid", a->st_uid, b->st_uid, "%" PRIu64);
	differences += compare_number(label, "gid", a->st_gid, b->st_gid, "%" PRIu64);
	differences += compare_number(label, "nlink", a->st_nlink, b->st_nlink, "%" PRIu64);
	if (!S_ISDIR(b->st_mode))
		differences +=
			compare_number(label, "size", (uint64_t)a->st_size, (uint64_t)b->st_size, "%" PRIu64);
	if (S_ISREG(b->st_mode))
		differences += compare_blocks(comparison, label, fd, path, a, b);
	if (S_ISCHR(b->st_mode) || S_ISBLK(b->st_mode))
		differences += compare_number(label, "device", a->st_rdev, b->st_rdev, "%" PRIu64);
	differences += compare_access_time(comparison, label, &a->st_atim, &b->st_atim);
	differences += compare_time(comparison, label, "mtime", &a->st_mtim, &b->st_mtim);
	if (is_of_restore(comparison, a, b))
		return differences;
	return differences + compare_change_time(comparison, label, &a->st_ctim, &b->st_ctim);
}

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void fuzz_times_take(const struct fuzz_world *world, const char *path, struct fuzz_times *ret_times)
{
	ret_times->exists_a = fstatat(world->a.root_fd, path, &ret_times->a, AT_SYMLINK_NOFOLLOW) == 0;
	ret_times->exists_b = fstatat(world->b.root_fd, path, &ret_times->b, AT_SYMLINK_NOFOLLOW) == 0;
}

/* MOVED says one side's time has changed, OTHER that of the other side has not, though it was made long
 * enough ago. */
static bool moved_alone(const struct timespec *before, const struct timespec *after,
	const struct timespec *other_before, const struct timespec *other_after,
	const struct timespec *operation_start)
{
	return !is_equal(before, after) && is_equal(other_before, other_after) &&
	       is_before(other_after, operation_start);
}

unsigned fuzz_times_compare(const struct fuzz_comparison *comparison, const char *path,
	const struct fuzz_times *before, const struct timespec *operation_start)
{
	struct fuzz_times now;
	const struct {
		const char *name;
		const struct timespec *before_a, *now_a, *before_b, *now_b;
	} times[] = {
		{"mtime", &before->a.st_mtim, &now.a.st_mtim, &before->b.st_mtim, &now.b.st_mtim},
		{"ctime", &before->a.st_ctim, &now.a.st_ctim, &before->b.st_ctim, &now.b.st_ctim},
	};
	unsigned differences = 0;

	fuzz_times_take(comparison->world, path, &now);
	if (!before->exists_a || !before->exists_b || !now.exists_a || !now.exists_b ||
		before->b.st_ino != now.b.st_ino || before->a.st_ino != now.a.st_ino)
		return 0;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		bool a_alone = moved_alone(times[i].before_a, times[i].now_a, times[i].before_b,
			times[i].now_b, operation_start);
		bool b_alone = moved_alone(times[i].before_b, times[i].now_b, times[i].before_a,
			times[i].now_a, operation_start);

		if (!a_alone && !b_alone)
			continue;
		if (fuzz_known_change_time(
			    comparison, times[i].name[0] == 'c', times[i].now_a, times[i].now_b) != NULL)
			continue;
		printf("  %s: %s was moved by %s alone\n", path, times[i].name, a_alone ? "a" : "b");
		differences++;
	}
	return differences;
}

static bool reads_something(const struct fuzz_operation *operation)
{
	switch (operation->kind) {
	case FUZZ_list:
	case FUZZ_list_handle:
	case FUZZ_list_and_remove:
	case FUZZ_readlink:
	case FUZZ_execute:
		return true;
	default:
		return false;
	}
}

/* A page that was read ahead may come while an operation runs that reads nothing. Of one page nobody reads ahead. */
static bool may_be_read_ahead(const struct fuzz_times *before, const struct fuzz_times *now)
{
	return S_ISREG(now->b.st_mode) && (before->b.st_size > 4096 || now->b.st_size > 4096);
}

/* Following a link reads it, as "link/." does too; what the kernel remembers of one leaves no trace on the side under
 * test. */
static bool is_of_link(
	const struct fuzz_operation *operation, const char *path, const struct fuzz_times *before)
{
	bool sets_its_times = operation->kind == FUZZ_utimens && operation->flags & AT_SYMLINK_NOFOLLOW &&
			      strcmp(operation->path, path) == 0;

	return S_ISLNK(before->b.st_mode) && !sets_its_times;
}

unsigned fuzz_access_times_compare(const struct fuzz_comparison *comparison,
	const struct fuzz_operation *operation, const char *path, const struct fuzz_times *before)
{
	struct fuzz_times now;

	fuzz_times_take(comparison->world, path, &now);
	if (!before->exists_a || !before->exists_b || !now.exists_a || !now.exists_b ||
		before->b.st_ino != now.b.st_ino || before->a.st_ino != now.a.st_ino)
		return 0;
	if (reads_something(operation) || may_be_read_ahead(before, &now) ||
		is_of_link(operation, path, before))
		return 0;
	if (is_equal(&before->a.st_atim, &now.a.st_atim) && is_equal(&before->b.st_atim, &now.b.st_atim))
		return 0;
	if (fuzz_intervals_match(&comparison->intervals, &now.a.st_atim, &now.b.st_atim))
		return 0;
	printf("  %s: an operation that reads nothing left atime a %lld.%09ld b %lld.%09ld\n", path,
		(long long)now.a.st_atim.tv_sec, now.a.st_atim.tv_nsec, (long long)now.b.st_atim.tv_sec,
		now.b.st_atim.tv_nsec);
	return 1;
}
