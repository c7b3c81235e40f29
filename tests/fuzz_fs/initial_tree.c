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

static int make_file(int directory_fd, const char *name, struct fuzz_random *random, int has_xattrs)
{
	static const size_t sizes[] = {0, 1, 100, 4096, 5000, 20000, 100000};
	static uint8_t data[3 << 20];
	size_t size = sizes[fuzz_random_below(random, sizeof(sizes) / sizeof(sizes[0]))];
	static const mode_t modes[] = {0644, 0644, 0755, 0600, 0444};
	int fd, r = 0;

	if (fuzz_random_chance(random, 4))
		size = sizeof(data) - fuzz_random_below(random, 5000);
	fd = openat(directory_fd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	fuzz_fill(data, size, fuzz_random_next(random));
	if (write(fd, data, size) != (ssize_t)size)
		r = -EIO;
	if (has_xattrs && fuzz_random_chance(random, 25))
		(void)fsetxattr(fd, "user.a", data, size < 50 ? size : 50, 0);
	(void)fchmod(fd, modes[fuzz_random_below(random, sizeof(modes) / sizeof(modes[0]))]);
	(void)close(fd);
	set_time(directory_fd, name, random);
	return r;
}

static int make_directory(
	int parent_fd, const char *name, unsigned depth, struct fuzz_random *random, int has_xattrs)
{
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
		if (fuzz_random_chance(random, depth == TREE_DEPTH ? 90 : 45))
			r = make_directory(fd, directory_names[i], depth - 1, random, has_xattrs);
	if (fuzz_random_chance(random, 40) && symlinkat("file.txt", fd, "e") == 0)
		set_time(fd, "e", random);
	if (fuzz_random_chance(random, 15) && mkfifoat(fd, "f", 0640) == 0)
		set_time(fd, "f", random);
	if (fuzz_random_chance(random, 30))
		(void)linkat(fd, "c", fd, "-dash", 0);
	set_time(parent_fd, name, random);
	(void)close(fd);
	return r;
}

int fuzz_make_tree(const char *tree, uint64_t seed, int has_xattrs)
{
	struct fuzz_random random = {.state = seed ^ UINT64_C(0x5eed)};

	return make_directory(AT_FDCWD, tree, TREE_DEPTH, &random, has_xattrs);
}
