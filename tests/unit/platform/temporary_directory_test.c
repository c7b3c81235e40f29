/* SPDX-License-Identifier: Apache-2.0 */
/* Temporary directories: each is its maker's alone, and goes with all in it. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/temporary_directory.h"
#include "tests/unit/platform/scratch.h"

static void each_is_new_and_for_its_owner_alone(void **state)
{
	const struct scratch *scratch = *state;
	char *first = NULL, *second = NULL;
	struct stat st;

	assert_int_equal(hd_temporary_directory_make(scratch->path, "word", &first), 0);
	assert_int_equal(hd_temporary_directory_make(scratch->path, "word", &second), 0);
	assert_string_not_equal(first, second);
	assert_int_equal(
		strncmp(strrchr(first, '/') + 1, HD_ATOMIC_FILE_PREFIX, strlen(HD_ATOMIC_FILE_PREFIX)), 0);
	assert_int_equal(hd_file_stat_at(AT_FDCWD, first, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0700);
	assert_int_equal(scratch_count(scratch), 2);
	hd_temporary_directory_remove(first);
	hd_temporary_directory_remove(second);
	assert_int_equal(scratch_count(scratch), 0);
}

static void what_is_in_it_goes_with_it(void **state)
{
	const struct scratch *scratch = *state;
	char *path = NULL;
	int fd;

	assert_int_equal(hd_temporary_directory_make(scratch->path, "word", &path), 0);
	fd = hd_directory_open(AT_FDCWD, path);
	assert_true(fd >= 0);
	assert_int_equal(hd_directory_make(fd, "a/b", 0700), 0);
	hd_cleanup_close(&fd);
	errno = EDOM;
	hd_temporary_directory_remove(path);
	hd_temporary_directory_remove(NULL);
	assert_int_equal(errno, EDOM);
	assert_int_equal(scratch_count(scratch), 0);
}

static void without_a_parent_there_is_none(void **state)
{
	char *path = NULL;

	(void)state;
	assert_int_equal(hd_temporary_directory_make("/nowhere/at/all", "word", &path), -ENOENT);
	assert_null(path);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_is_new_and_for_its_owner_alone, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			what_is_in_it_goes_with_it, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(without_a_parent_there_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
