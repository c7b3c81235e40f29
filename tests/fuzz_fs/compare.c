/* SPDX-License-Identifier: Apache-2.0 */

/*
 * What counts as the same. Left out on purpose: st_dev, st_blocks, the size of directories (each filesystem's
 * own), the order of listings, and access times but for those that utimensat set.
 */

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/compare.h"

enum { LINK_GROUP_LIMIT = 4096 };

/* Which file of one side is which of the other, for files with several names. */
struct link_groups {
	struct {
		ino_t a, b;
	} groups[LINK_GROUP_LIMIT];
	size_t count;
};

static bool is_before(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec < b->tv_sec || (a->tv_sec == b->tv_sec && a->tv_nsec < b->tv_nsec);
}

static bool is_equal(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

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

static unsigned compare_modify_time(const struct fuzz_comparison *comparison, const char *path,
	const struct timespec *a, const struct timespec *b)
{
	bool same =
		is_before(b, &comparison->run_start) ? is_equal(a, b) : !is_before(a, &comparison->run_start);

	if (same)
		return 0;
	printf("  %s: mtime a %lld.%09ld b %lld.%09ld\n", path, (long long)a->tv_sec, a->tv_nsec,
		(long long)b->tv_sec, b->tv_nsec);
	return 1;
}

static unsigned compare_stat(const struct fuzz_comparison *comparison, const char *path, const struct stat *a,
	const struct stat *b)
{
	unsigned differences = 0;

	differences += compare_number(path, "mode", a->st_mode, b->st_mode, "0%" PRIo64);
	differences += compare_number(path, "uid", a->st_uid, b->st_uid, "%" PRIu64);
	differences += compare_number(path, "gid", a->st_gid, b->st_gid, "%" PRIu64);
	differences += compare_number(path, "nlink", a->st_nlink, b->st_nlink, "%" PRIu64);
	if (!S_ISDIR(b->st_mode))
		differences +=
			compare_number(path, "size", (uint64_t)a->st_size, (uint64_t)b->st_size, "%" PRIu64);
	if (S_ISCHR(b->st_mode) || S_ISBLK(b->st_mode))
		differences += compare_number(path, "device", a->st_rdev, b->st_rdev, "%" PRIu64);
	return differences + compare_modify_time(comparison, path, &a->st_mtim, &b->st_mtim);
}

static unsigned compare_bytes(const char *path, int fd_a, int fd_b)
{
	static uint8_t bytes_a[1 << 16], bytes_b[1 << 16];
	ssize_t count_a, count_b;
	off_t offset = 0;

	do {
		count_a = pread(fd_a, bytes_a, sizeof(bytes_a), offset);
		count_b = pread(fd_b, bytes_b, sizeof(bytes_b), offset);
		for (ssize_t i = 0; i < count_a && i < count_b; i++) {
			if (bytes_a[i] == bytes_b[i])
				continue;
			printf("  %s: byte %lld a %02x b %02x\n", path, (long long)offset + i, bytes_a[i],
				bytes_b[i]);
			return 1;
		}
		offset += count_b;
	} while (count_a == count_b && count_b > 0);
	if (count_a == count_b)
		return 0;
	printf("  %s: read at %lld a %zd b %zd (%s)\n", path, (long long)offset, count_a, count_b,
		strerror(errno));
	return 1;
}

static unsigned compare_xattrs(const struct fuzz_comparison *comparison, const char *path)
{
	struct fuzz_operation operation = {.kind = FUZZ_xattr_list};
	struct fuzz_outcome a, b;
	char names[4096], full[2 * FUZZ_PATH_SIZE];
	unsigned differences;
	ssize_t size;

	if (!comparison->world->has_xattrs)
		return 0;
	(void)snprintf(operation.path, sizeof(operation.path), "%s", path);
	fuzz_execute(&comparison->world->a, &operation, &a);
	fuzz_execute(&comparison->world->b, &operation, &b);
	differences = fuzz_compare_outcomes(&operation, &a, &b);
	(void)snprintf(full, sizeof(full), "/proc/self/fd/%d/%s", comparison->world->b.root_fd, path);
	size = llistxattr(full, names, sizeof(names));
	operation.kind = FUZZ_xattr_get;
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (strncmp(names + at, "user.", 5) != 0)
			continue;
		(void)snprintf(operation.name, sizeof(operation.name), "%s", names + at);
		fuzz_execute(&comparison->world->a, &operation, &a);
		fuzz_execute(&comparison->world->b, &operation, &b);
		differences += fuzz_compare_outcomes(&operation, &a, &b);
	}
	if (differences > 0)
		printf("  %s: extended attributes differ\n", path);
	return differences;
}

static unsigned compare_inside(const struct fuzz_comparison *comparison, const char *path, mode_t mode)
{
	const struct fuzz_world *world = comparison->world;
	unsigned differences = compare_xattrs(comparison, path);
	char target_a[FUZZ_PATH_SIZE], target_b[FUZZ_PATH_SIZE];
	ssize_t size_a, size_b;
	int fd_a, fd_b;

	if (S_ISLNK(mode)) {
		size_a = readlinkat(world->a.root_fd, path, target_a, sizeof(target_a));
		size_b = readlinkat(world->b.root_fd, path, target_b, sizeof(target_b));
		if (size_a == size_b && (size_b < 0 || memcmp(target_a, target_b, (size_t)size_b) == 0))
			return differences;
		printf("  %s: the link's target differs\n", path);
		return differences + 1;
	}
	if (!S_ISREG(mode))
		return differences;
	fd_a = openat(world->a.root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	fd_b = openat(world->b.root_fd, path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if ((fd_a < 0) != (fd_b < 0)) {
		printf("  %s: open a %d b %d\n", path, fd_a, fd_b);
		differences++;
	} else if (fd_a >= 0) {
		differences += compare_bytes(path, fd_a, fd_b);
	}
	if (fd_a >= 0)
		(void)close(fd_a);
	if (fd_b >= 0)
		(void)close(fd_b);
	return differences;
}

unsigned fuzz_compare_path(const struct fuzz_comparison *comparison, const char *path, bool deep)
{
	const struct fuzz_world *world = comparison->world;
	struct stat a, b;
	int r_a = fstatat(world->a.root_fd, path, &a, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	int r_b = fstatat(world->b.root_fd, path, &b, AT_SYMLINK_NOFOLLOW) < 0 ? errno : 0;
	unsigned differences;

	if (r_a != r_b) {
		printf("  %s: stat a %s b %s\n", path, r_a != 0 ? strerrorname_np(r_a) : "ok",
			r_b != 0 ? strerrorname_np(r_b) : "ok");
		return 1;
	}
	if (r_a != 0)
		return 0;
	differences = compare_stat(comparison, path, &a, &b);
	if (deep && a.st_mode == b.st_mode)
		differences += compare_inside(comparison, path, b.st_mode);
	return differences;
}

unsigned fuzz_compare_handle(const struct fuzz_comparison *comparison, int handle, bool deep)
{
	int fd_a = comparison->world->a.handles[handle], fd_b = comparison->world->b.handles[handle];
	struct stat a, b;
	char label[32];
	unsigned differences;

	if (fd_a < 0 || fd_b < 0)
		return 0;
	(void)snprintf(label, sizeof(label), "#%d", handle);
	if (fstat(fd_a, &a) < 0 || fstat(fd_b, &b) < 0) {
		printf("  %s: fstat fails\n", label);
		return 1;
	}
	differences = compare_stat(comparison, label, &a, &b);
	if (deep && S_ISREG(a.st_mode) && (fcntl(fd_b, F_GETFL) & O_ACCMODE) != O_WRONLY)
		differences += compare_bytes(label, fd_a, fd_b);
	return differences;
}

static unsigned compare_link_group(struct link_groups *links, const char *path, ino_t a, ino_t b)
{
	for (size_t i = 0; i < links->count; i++) {
		if ((links->groups[i].a == a) == (links->groups[i].b == b))
			continue;
		printf("  %s: is one file with another name on one side alone (inode a %ju b %ju)\n", path,
			(uintmax_t)a, (uintmax_t)b);
		return 1;
	}
	if (links->count < LINK_GROUP_LIMIT) {
		links->groups[links->count].a = a;
		links->groups[links->count].b = b;
		links->count++;
	}
	return 0;
}

static unsigned compare_listings(const char *path, char **a, size_t count_a, char **b, size_t count_b)
{
	unsigned differences = 0;
	size_t i = 0, k = 0;

	while (i < count_a || k < count_b) {
		int order = i == count_a ? 1 : k == count_b ? -1 : strcmp(a[i], b[k]);

		if (order != 0) {
			printf("  %s/%s: listed by %s alone\n", path, order < 0 ? a[i] : b[k],
				order < 0 ? "a" : "b");
			differences++;
		}
		i += order <= 0;
		k += order >= 0;
	}
	return differences;
}

static unsigned compare_directory(
	const struct fuzz_comparison *comparison, struct link_groups *links, const char *path)
{
	const struct fuzz_world *world = comparison->world;
	size_t count_a, count_b;
	char **a = fuzz_names(world->a.root_fd, path, &count_a);
	char **b = fuzz_names(world->b.root_fd, path, &count_b);
	unsigned differences = 0;
	char child[2 * FUZZ_PATH_SIZE];
	struct stat st_a, st_b;

	if ((a == NULL) != (b == NULL)) {
		printf("  %s: can be listed by %s alone\n", path, a != NULL ? "a" : "b");
		differences++;
	}
	differences += compare_listings(path, a, count_a, b, count_b);
	for (size_t i = 0; i < count_b && differences < 20; i++) {
		(void)snprintf(child, sizeof(child), "%s/%s", path, b[i]);
		differences += fuzz_compare_path(comparison, child, true);
		if (fstatat(world->b.root_fd, child, &st_b, AT_SYMLINK_NOFOLLOW) < 0 ||
			fstatat(world->a.root_fd, child, &st_a, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (S_ISDIR(st_b.st_mode))
			differences += compare_directory(comparison, links, child);
		else if (st_b.st_nlink > 1 || st_a.st_nlink > 1)
			differences += compare_link_group(links, child, st_a.st_ino, st_b.st_ino);
	}
	fuzz_names_free(a, count_a);
	fuzz_names_free(b, count_b);
	return differences;
}

unsigned fuzz_compare_trees(const struct fuzz_comparison *comparison)
{
	static struct link_groups links;

	links.count = 0;
	return fuzz_compare_path(comparison, ".", false) + compare_directory(comparison, &links, ".");
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

unsigned fuzz_times_compare(const struct fuzz_world *world, const char *path, const struct fuzz_times *before,
	const struct timespec *operation_start)
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

	fuzz_times_take(world, path, &now);
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
		printf("  %s: %s was moved by %s alone\n", path, times[i].name, a_alone ? "a" : "b");
		differences++;
	}
	return differences;
}
