/* SPDX-License-Identifier: Apache-2.0 */
/* Opening below a directory: every way out is closed, by openat2 and by walking. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/beneath.h"
#include "tests/unit/platform/scratch.h"

static int (*const ways[])(int root_fd, const char *path, int flags) = {hd_beneath_open, hd_beneath_walk};

/* root/directory/file, root/link -> directory, root/directory/up -> .., outside next to root. */
static int make_tree(void **state)
{
	struct scratch *scratch;

	(void)scratch_set_up(state);
	scratch = *state;
	assert_int_equal(mkdirat(scratch->fd, "root", 0755), 0);
	assert_int_equal(mkdirat(scratch->fd, "root/directory", 0755), 0);
	scratch_write(scratch, "root/directory/file", "inside");
	scratch_write(scratch, "outside", "secret");
	assert_int_equal(symlinkat("directory", scratch->fd, "root/link"), 0);
	assert_int_equal(symlinkat("../..", scratch->fd, "root/directory/up"), 0);
	assert_int_equal(symlinkat("/etc", scratch->fd, "root/absolute"), 0);
	return 0;
}

static int open_root(const struct scratch *scratch)
{
	int fd = openat(scratch->fd, "root", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	assert_true(fd >= 0);
	return fd;
}

static void what_lies_below_is_opened(void **state)
{
	static const char *const paths[] = {"directory/file", "directory//file", "./directory/file"};
	HD_AUTO_CLOSE int root = open_root(*state);

	for (size_t way = 0; way < HD_ARRAY_SIZE(ways); way++) {
		HD_AUTO_CLOSE int itself = ways[way](root, "", O_RDONLY | O_DIRECTORY);
		struct stat expected, found;

		for (size_t i = 0; i < HD_ARRAY_SIZE(paths); i++) {
			HD_AUTO_CLOSE int fd = ways[way](root, paths[i], O_RDONLY);
			char text[7] = "";

			assert_true(fd >= 0);
			assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
			assert_int_equal(read(fd, text, 6), 6);
			assert_string_equal(text, "inside");
		}
		assert_int_equal(fstat(root, &expected), 0);
		assert_int_equal(fstat(itself, &found), 0);
		assert_int_equal(found.st_ino, expected.st_ino);
		assert_int_equal(ways[way](root, "directory/missing", O_RDONLY), -ENOENT);
	}
}

static void there_is_no_way_out(void **state)
{
	static const char *const paths[] = {"../outside", "directory/../../outside", "/etc/passwd",
		"link/file", "directory/up/outside", "absolute/passwd", "link", "..", "directory/.."};
	HD_AUTO_CLOSE int root = open_root(*state);

	for (size_t way = 0; way < HD_ARRAY_SIZE(ways); way++) {
		for (size_t i = 0; i < HD_ARRAY_SIZE(paths); i++) {
			int fd = ways[way](root, paths[i], O_RDONLY);

			/* openat2 takes ".." that stays below; both are within the contract. */
			if (fd >= 0 && strcmp(paths[i], "directory/..") == 0) {
				(void)close(fd);
				continue;
			}
			if (fd != -ELOOP && fd != -ENOTDIR && fd != -EXDEV)
				fail_msg("\"%s\" gives %d", paths[i], fd);
		}
	}
}

static void a_link_itself_can_be_held(void **state)
{
	HD_AUTO_CLOSE int root = open_root(*state);

	for (size_t way = 0; way < HD_ARRAY_SIZE(ways); way++) {
		HD_AUTO_CLOSE int fd = ways[way](root, "link", O_PATH | O_NOFOLLOW);
		struct stat st;

		assert_true(fd >= 0);
		assert_int_equal(fstat(fd, &st), 0);
		assert_true(S_ISLNK(st.st_mode));
	}
}

static void paths_longer_than_a_call_takes_are_walked(void **state)
{
	HD_AUTO_CLOSE int root = open_root(*state);
	HD_AUTO_CLOSE int fd = dup(root);
	HD_AUTO_CLOSE int found = -1;
	char path[30 * 201] = "";
	char name[202];

	memset(name, 'd', 200);
	(void)strcpy(name + 200, "/");
	for (int i = 0; i < 29; i++) {
		int next;

		(void)strcat(path, name);
		assert_int_equal(mkdirat(fd, name, 0755), 0);
		next = openat(fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(fd);
		fd = next;
	}
	assert_int_equal(mkdirat(fd, "end", 0755), 0);
	(void)strcat(path, "end");
	found = hd_beneath_open(root, path, O_RDONLY | O_DIRECTORY);
	assert_true(found >= 0);
}

#define WITH_TREE(test) cmocka_unit_test_setup_teardown(test, make_tree, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_TREE(what_lies_below_is_opened),
		WITH_TREE(there_is_no_way_out),
		WITH_TREE(a_link_itself_can_be_held),
		WITH_TREE(paths_longer_than_a_call_takes_are_walked),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
