/* SPDX-License-Identifier: Apache-2.0 */
/* The kind and the space of a filesystem. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/platform/scratch.h"

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
			the_space_of_a_filesystem_adds_up, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(what_cannot_be_asked_may_stall),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
