/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are never opened: FIFOs, dangling links, long names. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file_entry.h"
#include "tests/unit/platform/scratch.h"

static void the_status_is_that_of_stat(void **state)
{
	const struct scratch *scratch = *state;
	struct timespec birth = {0};
	struct stat expected, found;

	scratch_write(scratch, "file", "12345");
	assert_int_equal(fstatat(scratch->fd, "file", &expected, 0), 0);
	assert_int_equal(hd_file_entry_status(scratch->fd, "file", &found, &birth), 0);
	assert_int_equal(found.st_ino, expected.st_ino);
	assert_int_equal(found.st_dev, expected.st_dev);
	assert_int_equal(found.st_mode, expected.st_mode);
	assert_int_equal(found.st_size, 5);
	assert_int_equal(found.st_blocks, expected.st_blocks);
	assert_int_equal(found.st_nlink, 1);
	assert_int_equal(found.st_uid, expected.st_uid);
	assert_int_equal(found.st_mtim.tv_sec, expected.st_mtim.tv_sec);
	assert_int_equal(found.st_mtim.tv_nsec, expected.st_mtim.tv_nsec);
	assert_int_equal(found.st_ctim.tv_nsec, expected.st_ctim.tv_nsec);
	assert_true(birth.tv_sec > 0 && birth.tv_sec <= found.st_mtim.tv_sec);
	assert_int_equal(hd_file_entry_status(scratch->fd, "missing", &found, &birth), -ENOENT);
}

static void links_and_fifos_are_described_unopened(void **state)
{
	const struct scratch *scratch = *state;
	struct timespec birth;
	struct stat st;
	size_t size = 99;

	assert_int_equal(symlinkat("nowhere", scratch->fd, "link"), 0);
	assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
	assert_int_equal(hd_file_entry_status(scratch->fd, "link", &st, &birth), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_int_equal(hd_file_entry_status(scratch->fd, "fifo", &st, &birth), 0);
	assert_true(S_ISFIFO(st.st_mode));
	assert_int_equal(hd_file_entry_list_xattr(scratch->fd, "link", NULL, 0, &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(hd_file_entry_list_xattr(scratch->fd, "fifo", NULL, 0, &size), 0);
}

static void attributes_are_read_by_name(void **state)
{
	const struct scratch *scratch = *state;
	char name[256], names[64], value[8];
	HD_AUTO_CLOSE int fd = -1;
	size_t size;

	memset(name, 'n', 255);
	name[255] = '\0';
	scratch_write(scratch, name, "");
	fd = openat(scratch->fd, name, O_RDWR | O_CLOEXEC);
	if (fsetxattr(fd, "user.colour", "blue", 4, 0) < 0)
		skip();
	assert_int_equal(hd_file_entry_list_xattr(scratch->fd, name, names, sizeof(names), &size), 0);
	assert_int_equal(size, sizeof("user.colour"));
	assert_string_equal(names, "user.colour");
	assert_int_equal(hd_file_entry_list_xattr(scratch->fd, name, names, 3, &size), -ERANGE);
	assert_int_equal(
		hd_file_entry_get_xattr(scratch->fd, name, "user.colour", value, sizeof(value), &size), 0);
	assert_int_equal(size, 4);
	assert_memory_equal(value, "blue", 4);
	assert_int_equal(hd_file_entry_get_xattr(scratch->fd, name, "user.shape", value, 8, &size), -ENODATA);
}

#define WITH_SCRATCH(test) cmocka_unit_test_setup_teardown(test, scratch_set_up, scratch_tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_SCRATCH(the_status_is_that_of_stat),
		WITH_SCRATCH(links_and_fifos_are_described_unopened),
		WITH_SCRATCH(attributes_are_read_by_name),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
