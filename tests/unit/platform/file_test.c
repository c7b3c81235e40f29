/* SPDX-License-Identifier: Apache-2.0 */
/* Files: whole transfers, limits, links. atomic_file_test.c covers publishing, directory_test.c directories.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/platform/scratch.h"

static void descriptors_are_close_on_exec(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int fd = hd_file_open(scratch->fd, "new", O_RDWR | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(hd_file_open(scratch->fd, "missing", O_RDONLY, 0), -ENOENT);
}

static void a_read_stops_at_the_end_and_says_so(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int fd = -1;
	char bytes[8] = "";
	size_t size = 99;

	scratch_write(scratch, "file", "0123456789");
	fd = hd_file_open(scratch->fd, "file", O_RDWR, 0);
	assert_int_equal(hd_file_read_at(fd, bytes, 4, 8, &size), 0);
	assert_int_equal(size, 2);
	assert_memory_equal(bytes, "89", 2);
	assert_int_equal(hd_file_read_at(fd, bytes, 4, 10, &size), 0);
	assert_int_equal(size, 0);
	size = 99;
	assert_int_equal(hd_file_read_at(fd, bytes, 4, UINT64_MAX - 1, &size), -EINVAL);
	assert_int_equal(size, 99);
	assert_int_equal(hd_file_write_at(fd, "xy", 2, 12), 0);
	assert_int_equal(hd_file_read_at(fd, bytes, 6, 8, &size), 0);
	assert_int_equal(size, 6);
	assert_memory_equal(bytes, "89\0\0xy", 6);
}

static void reading_a_whole_file_respects_the_limit(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_FREE char *data = NULL;
	size_t size = 99;

	scratch_write(scratch, "file", "12345");
	assert_int_equal(hd_file_read_whole(scratch->fd, "file", 4, &data, &size), -EFBIG);
	assert_null(data);
	assert_int_equal(size, 99);
	assert_int_equal(hd_file_read_whole(scratch->fd, "file", 5, &data, &size), 0);
	assert_int_equal(size, 5);
	assert_string_equal(data, "12345");
}

static void an_empty_file_reads_as_an_empty_string(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_FREE char *data = NULL;
	size_t size = 99;

	scratch_write(scratch, "file", "");
	assert_int_equal(hd_file_read_whole(scratch->fd, "file", 0, &data, &size), 0);
	assert_int_equal(size, 0);
	assert_string_equal(data, "");
}

static void files_without_a_size_are_read_to_their_end(void **state)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size;

	(void)state;
	/* /proc answers 0 to stat; status is some 1500 bytes. */
	assert_int_equal(hd_file_read_whole(AT_FDCWD, "/proc/self/status", 1 << 20, &data, &size), 0);
	assert_true(size > 500);
	assert_int_equal(strlen(data), size);
	assert_non_null(strstr(data, "nonvoluntary_ctxt_switches"));
	free(HD_STEAL(data));
	assert_int_equal(hd_file_read_whole(AT_FDCWD, "/proc/self/status", 100, &data, &size), -EFBIG);
}

static void a_fifo_does_not_hang_a_reader_of_whole_files(void **state)
{
	const struct scratch *scratch = *state;
	char *data;
	size_t size;

	assert_int_equal(mkfifoat(scratch->fd, "fifo", 0600), 0);
	assert_int_equal(hd_file_read_whole(scratch->fd, "fifo", 100, &data, &size), -ESPIPE);
	assert_int_equal(hd_file_read_whole(scratch->fd, ".", 100, &data, &size), -EISDIR);
}

static void links_are_described_not_followed(void **state)
{
	const struct scratch *scratch = *state;
	char target[8];
	struct stat st;
	size_t size;

	assert_int_equal(symlinkat("nowhere", scratch->fd, "link"), 0);
	assert_int_equal(hd_file_stat_at(scratch->fd, "link", &st), 0);
	assert_true(S_ISLNK(st.st_mode));
	assert_true(hd_file_exists(scratch->fd, "link"));
	assert_false(hd_file_exists(scratch->fd, "nowhere"));
	assert_int_equal(hd_file_look(scratch->fd, "link"), 1);
	assert_int_equal(hd_file_look(scratch->fd, "nowhere"), 0);
	assert_int_equal(hd_file_look(scratch->fd, "link/below"), 0);
	/* Nobody can tell. */
	assert_int_equal(hd_file_look(-1, "link"), -EBADF);
	assert_false(hd_file_exists(-1, "link"));
	assert_int_equal(hd_file_read_link(scratch->fd, "link", target, 8, &size), 0);
	assert_int_equal(size, 7);
	assert_string_equal(target, "nowhere");
	assert_int_equal(hd_file_read_link(scratch->fd, "link", target, 7, &size), -ERANGE);
	assert_int_equal(hd_file_read_link(scratch->fd, ".", target, 8, &size), -EINVAL);
}

static void truncating_renaming_and_unlinking_report_what_is_wrong(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;

	scratch_write(scratch, "file", "12345");
	fd = hd_file_open(scratch->fd, "file", O_RDWR, 0);
	assert_int_equal(hd_file_truncate(fd, 2), 0);
	assert_int_equal(hd_file_stat(fd, &st), 0);
	assert_int_equal(st.st_size, 2);
	assert_int_equal(hd_file_truncate(fd, UINT64_MAX), -EINVAL);
	assert_int_equal(hd_file_sync(fd), 0);
	assert_int_equal(hd_file_sync_filesystem(fd), 0);
	assert_int_equal(hd_file_rename(scratch->fd, "file", "moved"), 0);
	assert_int_equal(hd_file_rename(scratch->fd, "file", "moved"), -ENOENT);
	assert_int_equal(hd_file_unlink(scratch->fd, "moved"), 0);
	assert_int_equal(hd_file_unlink(scratch->fd, "moved"), -ENOENT);
	assert_int_equal(hd_file_sync(-1), -EBADF);
}

static void a_locked_file_refuses_a_second_holder(void **state)
{
	const struct scratch *scratch = *state;
	HD_AUTO_CLOSE int first = -1, second = -1;

	scratch_write(scratch, "lock", "");
	first = hd_file_open(scratch->fd, "lock", O_RDWR, 0);
	second = hd_file_open(scratch->fd, "lock", O_RDWR, 0);
	assert_int_equal(hd_file_lock(first), 0);
	assert_int_equal(hd_file_lock(second), -EWOULDBLOCK);
	(void)close(hd_steal_fd(&first));
	assert_int_equal(hd_file_lock(second), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			descriptors_are_close_on_exec, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			a_read_stops_at_the_end_and_says_so, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			reading_a_whole_file_respects_the_limit, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			an_empty_file_reads_as_an_empty_string, scratch_set_up, scratch_tear_down),
		cmocka_unit_test(files_without_a_size_are_read_to_their_end),
		cmocka_unit_test_setup_teardown(
			a_fifo_does_not_hang_a_reader_of_whole_files, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			links_are_described_not_followed, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(truncating_renaming_and_unlinking_report_what_is_wrong,
			scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			a_locked_file_refuses_a_second_holder, scratch_set_up, scratch_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
