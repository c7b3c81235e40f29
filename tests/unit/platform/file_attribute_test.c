/* SPDX-License-Identifier: Apache-2.0 */
/* Extended attributes, also of what only O_PATH can hold, and the space of a filesystem. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/platform/scratch.h"

static void attributes_are_listed_and_read_by_any_descriptor(void **state)
{
	const struct scratch *scratch = *state;
	static const int flags[] = {O_RDONLY, O_PATH};

	scratch_write(scratch, "file", "");
	for (size_t i = 0; i < HD_ARRAY_SIZE(flags); i++) {
		HD_AUTO_CLOSE int writable = hd_file_open(scratch->fd, "file", O_RDWR, 0);
		HD_AUTO_CLOSE int fd = hd_file_open(scratch->fd, "file", flags[i], 0);
		char names[64], value[8];
		size_t size;

		if (fsetxattr(writable, "user.colour", "blue", 4, 0) < 0)
			skip();
		assert_int_equal(hd_file_list_xattr(fd, NULL, 0, &size), 0);
		assert_int_equal(size, sizeof("user.colour"));
		assert_int_equal(hd_file_list_xattr(fd, names, sizeof(names), &size), 0);
		assert_string_equal(names, "user.colour");
		assert_int_equal(hd_file_list_xattr(fd, names, 3, &size), -ERANGE);
		assert_int_equal(hd_file_get_xattr(fd, "user.colour", NULL, 0, &size), 0);
		assert_int_equal(size, 4);
		assert_int_equal(hd_file_get_xattr(fd, "user.colour", value, sizeof(value), &size), 0);
		assert_memory_equal(value, "blue", 4);
		assert_int_equal(hd_file_get_xattr(fd, "user.shape", value, sizeof(value), &size), -ENODATA);
	}
}

static void a_links_own_attributes_are_asked_not_its_targets(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int target = -1, link = -1;
	size_t size = 99;

	scratch_write(scratch, "file", "");
	assert_int_equal(symlinkat("file", scratch->fd, "link"), 0);
	target = hd_file_open(scratch->fd, "file", O_RDWR, 0);
	if (fsetxattr(target, "user.colour", "blue", 4, 0) < 0)
		skip();
	link = hd_file_open(scratch->fd, "link", O_PATH | O_NOFOLLOW, 0);
	assert_int_equal(hd_file_list_xattr(link, NULL, 0, &size), 0);
	assert_int_equal(size, 0);
}

static void a_closed_descriptor_has_no_attributes(void **state)
{
	size_t size;

	(void)state;
	assert_int_equal(hd_file_list_xattr(-1, NULL, 0, &size), -EBADF);
	assert_true(hd_file_list_xattr(1000, NULL, 0, &size) < 0);
	assert_int_equal(hd_file_get_xattr(-1, "user.x", NULL, 0, &size), -EBADF);
}

static void the_space_of_a_filesystem_adds_up(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_filesystem_space space;

	assert_int_equal(hd_file_space(scratch->fd, &space), 0);
	assert_true(space.total_bytes > 0);
	assert_true(space.free_bytes <= space.total_bytes);
	assert_true(space.available_bytes <= space.free_bytes);
	assert_true(space.free_files <= space.total_files);
	assert_int_equal(hd_file_space(-1, &space), -EBADF);
}

static void what_cannot_be_asked_may_stall(void **state)
{
	HD_AUTO_CLOSE int proc = hd_directory_open(AT_FDCWD, "/proc");

	(void)state;
	assert_false(hd_file_may_stall(proc));
	assert_true(hd_file_may_stall(-1));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			attributes_are_listed_and_read_by_any_descriptor, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			a_links_own_attributes_are_asked_not_its_targets, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(a_closed_descriptor_has_no_attributes),
		cmocka_unit_test_setup_teardown(
			the_space_of_a_filesystem_adds_up, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(what_cannot_be_asked_may_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
