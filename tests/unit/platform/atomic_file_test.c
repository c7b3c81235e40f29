/* SPDX-License-Identifier: Apache-2.0 */
/* Publishing whole files, by O_TMPFILE and by temporary names: each test runs both ways. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/platform/scratch.h"

static int set_up_named(void **state)
{
	hd_file_atomic_without_tmpfile = true;
	return scratch_set_up(state);
}

static int tear_down(void **state)
{
	hd_file_atomic_without_tmpfile = false;
	return scratch_tear_down(state);
}

static struct hd_atomic_file begin(const struct scratch *scratch, const char *text)
{
	struct hd_atomic_file file;

	assert_int_equal(hd_file_atomic_begin(scratch->fd, 0640, &file), 0);
	assert_int_equal(file.temporary[0] != '\0', hd_file_atomic_without_tmpfile);
	assert_int_equal(hd_file_write_at(file.fd, text, strlen(text), 0), 0);
	return file;
}

static void assert_content(const struct scratch *scratch, const char *name, const char *expected)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size;

	assert_int_equal(hd_file_read_whole(scratch->fd, name, 1000, &data, &size), 0);
	assert_int_equal(size, strlen(expected));
	assert_string_equal(data, expected);
}

static void a_committed_file_is_there_alone(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_atomic_file file = begin(scratch, "whole");
	struct stat st;

	assert_false(hd_file_exists(scratch->fd, "name"));
	assert_int_equal(hd_file_atomic_commit(&file, "name", false, true), 0);
	assert_int_equal(file.fd, -1);
	assert_content(scratch, "name", "whole");
	assert_int_equal(scratch_count(scratch), 1);
	assert_int_equal(hd_file_stat_at(scratch->fd, "name", &st), 0);
	assert_int_equal(st.st_mode & 0777, 0640);
	assert_int_equal(st.st_nlink, 1);
}

static void an_existing_name_wins_without_replace(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_atomic_file file;

	scratch_write(scratch, "name", "old");
	file = begin(scratch, "new");
	assert_int_equal(hd_file_atomic_commit(&file, "name", false, false), -EEXIST);
	assert_int_equal(file.fd, -1);
	assert_content(scratch, "name", "old");
	assert_int_equal(scratch_count(scratch), 1);
}

static void replacing_takes_the_place_of_the_old(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int reader = -1;
	struct hd_atomic_file file;
	char bytes[4] = "";
	size_t size;

	scratch_write(scratch, "name", "old");
	reader = hd_file_open(scratch->fd, "name", O_RDONLY, 0);
	file = begin(scratch, "newer");
	assert_int_equal(hd_file_atomic_commit(&file, "name", true, true), 0);
	assert_content(scratch, "name", "newer");
	assert_int_equal(scratch_count(scratch), 1);
	assert_int_equal(hd_file_read_at(reader, bytes, 3, 0, &size), 0);
	assert_string_equal(bytes, "old");
	file = begin(scratch, "first");
	assert_int_equal(hd_file_atomic_commit(&file, "other", true, false), 0);
	assert_content(scratch, "other", "first");
	assert_int_equal(scratch_count(scratch), 2);
}

static void replacing_a_directory_fails_and_leaves_nothing(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_atomic_file file;

	assert_int_equal(hd_directory_make(scratch->fd, "name", 0755), 0);
	file = begin(scratch, "file");
	assert_int_equal(hd_file_atomic_commit(&file, "name", true, false), -EISDIR);
	assert_int_equal(scratch_count(scratch), 1);
}

static void an_aborted_file_leaves_nothing(void **state)
{
	const struct scratch *scratch = *state;
	struct hd_atomic_file file = begin(scratch, "dropped");

	hd_file_atomic_abort(&file);
	hd_file_atomic_abort(&file);
	assert_int_equal(file.fd, -1);
	assert_int_equal(scratch_count(scratch), 0);
}

static void a_directory_that_is_gone_refuses(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int fd = -1;
	struct hd_atomic_file file = {.fd = -2};
	int r;

	assert_int_equal(hd_directory_make(scratch->fd, "gone", 0755), 0);
	fd = hd_directory_open(scratch->fd, "gone");
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "gone"), 0);
	/* Some filesystems make unnamed files there all the same. */
	r = hd_file_atomic_begin(fd, 0600, &file);
	if (r < 0)
		assert_int_equal(file.fd, -2);
	else
		r = hd_file_atomic_commit(&file, "name", false, false);
	assert_true(r < 0);
	assert_true(file.fd < 0);
}

#define BOTH_WAYS(test)                                                        \
	cmocka_unit_test_setup_teardown(test, scratch_set_up, tear_down),      \
	{                                                                      \
#test " (temporary name)", test, set_up_named, tear_down, NULL \
	}

int main(void)
{
	const struct CMUnitTest tests[] = {
		BOTH_WAYS(a_committed_file_is_there_alone),
		BOTH_WAYS(an_existing_name_wins_without_replace),
		BOTH_WAYS(replacing_takes_the_place_of_the_old),
		BOTH_WAYS(replacing_a_directory_fails_and_leaves_nothing),
		BOTH_WAYS(an_aborted_file_leaves_nothing),
		BOTH_WAYS(a_directory_that_is_gone_refuses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
