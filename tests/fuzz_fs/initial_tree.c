/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The initial tree: what a base looks like. The same seed makes the same tree, times included.
 *
 * It is made with the fuzzer's own alphabet, so that operations meet it: three levels of directories, files
 * from empty to larger than any chunk, links, and what is rare (a FIFO, a hard link, odd modes, attributes).
 */

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "tests/fuzz_fs/operation.h"

enum { TREE_DEPTH = 3, TREE_TIME = 1500000000 };

static const char *const directory_names[] = {"dir", "sub", "lib", "a", "b"};
static const char *const file_names[] = {"c", "d", "file.txt", "x.c", ".hidden", "with blank", "raw\xff\xfe"};

static void set_time(int directory_fd, const char *name, struct fuzz_random *random)
{
	struct timespec times[2];

	for (int i = 0; i < 2; i++) {
		times[i].tv_sec = TREE_TIME + (time_t)fuzz_random_below(random, 1000000);
		times[i].tv_nsec = (long)fuzz_random_below(random, 1000000000);
	}
	(void)utimensat(directory_fd, name, times, AT_SYMLINK_NOFOLLOW);
}

static void set_attributes(int fd, struct fuzz_random *random)
{
	static const char *const names[] = {"user.a", "user.b", "user.\xc3\xa4"};
	uint8_t value[200];

	uint8_t acl[FUZZ_ACL_SIZE];
	size_t size = fuzz_fill_acl(acl, fuzz_random_next(random));

	/* What an ordinary user cannot read of a base, heddle cannot show either. */
	if (fuzz_random_chance(random, 5) && geteuid() == 0)
		(void)fsetxattr(fd, "system.posix_acl_access", acl, size, 0);
	if (fuzz_random_chance(random, 5)) /* refused where there is no directory */
		(void)fsetxattr(fd, "system.posix_acl_default", acl, size, 0);
	fuzz_fill(value, sizeof(value), fuzz_random_next(random) | 1);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (fuzz_random_chance(random, 12))
			(void)fsetxattr(fd, names[i], value, fuzz_random_below(random, sizeof(value)), 0);
}

/* A user who is not root is refused, and keeps what is his. */
static void set_owner(int fd, struct fuzz_random *random)
{
	static const uid_t uids[] = {0, 0, 1000, 1001};
	static const gid_t gids[] = {0, 0, 1000, 2000};

	if (fchown(fd, uids[fuzz_random_below(random, 4)], gids[fuzz_random_below(random, 4)]) < 0)
		return;
}

/* Bytes, or a hole with bytes behind it, or nothing but a hole. */
static int fill_file(int fd, struct fuzz_random *random)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 5000, 20000, 100000};
	static uint8_t data[1 << 20];
	size_t size = sizes[fuzz_random_below(random, sizeof(sizes) / sizeof(sizes[0]))];
	off_t offset = 0;

	if (fuzz_random_chance(random, 3))
		size = sizeof(data) - fuzz_random_below(random, 5000);
	if (fuzz_random_chance(random, 8))
		offset = (off_t)fuzz_random_below(random, 3 << 20);
	if (fuzz_random_chance(random, 3))
		return ftruncate(fd, offset) < 0 ? -errno : 0;
	fuzz_fill(data, size, fuzz_random_next(random));
	return pwrite(fd, data, size, offset) == (ssize_t)size ? 0 : -EIO;
}

static int make_file(int directory_fd, const char *name, struct fuzz_random *random, int has_xattrs)
{
	static const mode_t modes[] = {0644, 0644, 0755, 0600, 0444, 0666, 0, 04755, 02755, 06711, 01644};
	mode_t mode;
	int fd, r;

	fd = openat(directory_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	r = fill_file(fd, random);
	if (has_xattrs)
		set_attributes(fd, random);
	set_owner(fd, random);
	mode = modes[fuzz_random_below(random, sizeof(modes) / sizeof(modes[0]))];
	/* The same of the mode. */
	(void)fchmod(fd, geteuid() == 0 ? mode : mode | 0400);
	(void)close(fd);
	set_time(directory_fd, name, random);
	return r;
}

/* What is rare, each by chance: links, a FIFO, a socket, a device. */
static void make_others(int fd, struct fuzz_random *random)
{
	if (fuzz_random_chance(random, 40) && symlinkat("file.txt", fd, "e") == 0)
		set_time(fd, "e", random);
	if (fuzz_random_chance(random, 15) && mkfifoat(fd, "f", 0640) == 0)
		set_time(fd, "f", random);
	if (fuzz_random_chance(random, 5) && mknodat(fd, "number-001", S_IFSOCK | 0666, 0) == 0)
		set_time(fd, "number-001", random);
	if (fuzz_random_chance(random, 5) && mknodat(fd, "number-002", S_IFCHR | 0600, 0x103) == 0)
		set_time(fd, "number-002", random);
	if (fuzz_random_chance(random, 30))
		(void)linkat(fd, "c", fd, "-dash", 0);
	if (fuzz_random_chance(random, 10))
		(void)linkat(fd, "../file.txt", fd, "number-003", 0);
}

static int make_directory(
	int parent_fd, const char *name, unsigned depth, struct fuzz_random *random, int has_xattrs)
{
	static const mode_t modes[] = {0755, 0755, 0777, 0777, 01777, 02777, 0700, 0555, 0};
	mode_t mode = depth == TREE_DEPTH
			      ? 0777
			      : modes[fuzz_random_below(random, sizeof(modes) / sizeof(modes[0]))];
	int fd, r = 0;

	if (mkdirat(parent_fd, name, 0755) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent_fd, name, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	for (size_t i = 0; i < sizeof(file_names) / sizeof(file_names[0]) && r == 0; i++)
		if (fuzz_random_chance(random, 60))
			r = make_file(fd, file_names[i], random, has_xattrs);
	for (size_t i = 0; i < sizeof(directory_names) / sizeof(directory_names[0]) && r == 0 && depth > 0;
		i++)
		if (fuzz_random_chance(random, depth == TREE_DEPTH ? 90 : 40))
			r = make_directory(fd, directory_names[i], depth - 1, random, has_xattrs);
	make_others(fd, random);
	if (has_xattrs)
		set_attributes(fd, random);
	if (geteuid() == 0) {
		set_owner(fd, random);
		(void)fchmod(fd, mode);
	}
	set_time(parent_fd, name, random);
	(void)close(fd);
	return r;
}

int fuzz_make_tree(const char *tree, uint64_t seed, int has_xattrs)
{
	struct fuzz_random random = {.state = seed ^ UINT64_C(0x5eed)};

	return make_directory(AT_FDCWD, tree, TREE_DEPTH, &random, has_xattrs);
}
