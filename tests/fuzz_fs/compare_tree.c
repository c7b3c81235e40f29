/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Names, bytes, extended attributes, and whole trees. Reading leaves no trace (O_NOATIME), where it may.
 */

#include <errno.h>
#include <fcntl.h>
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

static bool is_zeros(const uint8_t *bytes, ssize_t count)
{
	return count <= 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, (size_t)count - 1) == 0);
}

/* BLOCKS is what A says its bytes take. */
static unsigned compare_bytes(
	const struct fuzz_comparison *comparison, const char *path, int fd_a, int fd_b, blkcnt_t blocks)
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
		if (blocks == 0 && !is_zeros(bytes_a, count_a) &&
			fuzz_known_blocks(comparison, fd_a) == NULL) {
			printf("  %s: a has bytes and 0 blocks\n", path);
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
	char names[8192];
	unsigned differences;
	ssize_t size;

	if (!comparison->world->has_xattrs)
		return 0;
	(void)snprintf(operation.path, sizeof(operation.path), "%s", path);
	fuzz_execute(&comparison->world->a, &operation, &a);
	fuzz_execute(&comparison->world->b, &operation, &b); /* leaves its root as working directory */
	differences = fuzz_compare_outcomes(&operation, &a, &b);
	size = llistxattr(path, names, sizeof(names));
	operation.kind = FUZZ_xattr_get;
	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(names + at) + 1) {
		if (strcmp(names + at, "security.selinux") == 0)
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

static unsigned compare_inside(
	const struct fuzz_comparison *comparison, const char *path, const struct stat *a)
{
	const struct fuzz_world *world = comparison->world;
	unsigned differences = compare_xattrs(comparison, path);
	char target_a[FUZZ_PATH_SIZE], target_b[FUZZ_PATH_SIZE];
	ssize_t size_a, size_b;
	int fd_a, fd_b;

	if (S_ISLNK(a->st_mode)) {
		size_a = readlinkat(world->a.root_fd, path, target_a, sizeof(target_a));
		size_b = readlinkat(world->b.root_fd, path, target_b, sizeof(target_b));
		if (size_a == size_b && (size_b < 0 || memcmp(target_a, target_b, (size_t)size_b) == 0))
			return differences;
		printf("  %s: the link's target differs\n", path);
		return differences + 1;
	}
	if (!S_ISREG(a->st_mode))
		return differences;
	fd_a = fuzz_open_quietly(world->a.root_fd, path, O_NOFOLLOW);
	fd_b = fuzz_open_quietly(world->b.root_fd, path, O_NOFOLLOW);
	if ((fd_a < 0) != (fd_b < 0)) {
		printf("  %s: open a %d b %d\n", path, fd_a, fd_b);
		differences++;
	} else if (fd_a >= 0) {
		differences += compare_bytes(comparison, path, fd_a, fd_b, a->st_blocks);
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
	differences = fuzz_compare_stat(comparison, path, world->b.root_fd, path, &a, &b);
	if (deep && a.st_mode == b.st_mode)
		differences += compare_inside(comparison, path, &a);
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
	differences = fuzz_compare_stat(comparison, label, fd_b, "", &a, &b);
	if (deep && S_ISREG(a.st_mode) && (fcntl(fd_b, F_GETFL) & O_ACCMODE) != O_WRONLY)
		differences += compare_bytes(comparison, label, fd_a, fd_b, a.st_blocks);
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
	return fuzz_compare_path(comparison, ".", true) + compare_directory(comparison, &links, ".");
}
