/* SPDX-License-Identifier: Apache-2.0 */
/* Memory files: holes, sharing between descriptor and mapping, giving memory back. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/memory_file.h"

#define SIZE ((uint64_t)1 << 36)
#define PAGE 4096u

/* Bytes of memory that FD holds now. st_blocks counts units of 512 bytes, whatever st_blksize says: stat(2). */
static uint64_t resident(int fd)
{
	struct stat st;

	assert_int_equal(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void a_new_file_is_a_hole_of_its_size(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", SIZE);
	uint8_t bytes[16];

	(void)state;
	assert_true(fd >= 0);
	assert_true(hd_memory_file_size(fd) == SIZE);
	assert_int_equal(resident(fd), 0);
	memset(bytes, 1, sizeof(bytes));
	assert_int_equal(hd_memory_file_read(fd, bytes, sizeof(bytes), SIZE - sizeof(bytes)), 0);
	for (size_t i = 0; i < sizeof(bytes); i++)
		assert_int_equal(bytes[i], 0);
	assert_int_equal(fcntl(fd, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
}

static void a_mapping_and_the_descriptor_see_the_same_bytes(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", SIZE);
	void *address;
	char bytes[4];

	(void)state;
	assert_int_equal(hd_memory_file_map(fd, SIZE, &address), 0);
	memcpy((char *)address + SIZE / 2, "abc", 4);
	assert_int_equal(hd_memory_file_read(fd, bytes, 4, SIZE / 2), 0);
	assert_string_equal(bytes, "abc");
	assert_int_equal(hd_memory_file_write(fd, "xyz", 4, PAGE - 2), 0);
	assert_string_equal((char *)address + PAGE - 2, "xyz");
	assert_int_equal(resident(fd), 3 * PAGE);
	hd_memory_file_unmap(address, SIZE);
}

static void reading_beyond_the_end_is_an_error(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", 10);
	char bytes[8];

	(void)state;
	assert_int_equal(hd_memory_file_read(fd, bytes, 8, 3), -EIO);
	assert_int_equal(hd_memory_file_read(fd, bytes, 1, 10), -EIO);
	assert_int_equal(hd_memory_file_read(fd, bytes, 7, 3), 0);
	assert_int_equal(hd_memory_file_read(fd, bytes, 1, UINT64_MAX), -EINVAL);
}

static void discarded_pages_read_as_zero_and_cost_nothing(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", 8 * PAGE);
	char bytes[2 * PAGE];

	(void)state;
	memset(bytes, 'x', sizeof(bytes));
	for (int i = 0; i < 4; i++)
		assert_int_equal(
			hd_memory_file_write(fd, bytes, sizeof(bytes), (uint64_t)i * sizeof(bytes)), 0);
	assert_int_equal(resident(fd), 8 * PAGE);
	assert_int_equal(hd_memory_file_discard(fd, PAGE, 2 * PAGE), 0);
	assert_int_equal(hd_memory_file_discard(fd, 0, 0), 0);
	assert_int_equal(resident(fd), 6 * PAGE);
	assert_int_equal(hd_memory_file_size(fd), 8 * PAGE);
	assert_int_equal(hd_memory_file_read(fd, bytes, sizeof(bytes), 0), 0);
	assert_int_equal(bytes[PAGE - 1], 'x');
	assert_int_equal(bytes[PAGE], 0);
	assert_int_equal(bytes[2 * PAGE - 1], 0);
}

static void shrinking_and_growing_leaves_no_old_bytes(void **state)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("test", 0);
	char bytes[6] = "";

	(void)state;
	assert_int_equal(hd_memory_file_write(fd, "secret", 6, 0), 0);
	assert_int_equal(hd_memory_file_size(fd), 6);
	assert_int_equal(hd_memory_file_resize(fd, 1), 0);
	assert_int_equal(hd_memory_file_resize(fd, 6), 0);
	assert_int_equal(hd_memory_file_read(fd, bytes, 6, 0), 0);
	assert_memory_equal(bytes, "s\0\0\0\0\0", 6);
	assert_int_equal(hd_memory_file_resize(fd, UINT64_MAX), -EINVAL);
}

static void what_is_no_file_is_refused(void **state)
{
	int ends[2];
	char byte;

	(void)state;
	assert_int_equal(pipe(ends), 0);
	assert_int_equal(hd_memory_file_read(ends[0], &byte, 1, 0), -ESPIPE);
	assert_int_equal(hd_memory_file_size(-1), 0);
	(void)close(ends[0]);
	(void)close(ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_new_file_is_a_hole_of_its_size),
		cmocka_unit_test(a_mapping_and_the_descriptor_see_the_same_bytes),
		cmocka_unit_test(reading_beyond_the_end_is_an_error),
		cmocka_unit_test(discarded_pages_read_as_zero_and_cost_nothing),
		cmocka_unit_test(shrinking_and_growing_leaves_no_old_bytes),
		cmocka_unit_test(what_is_no_file_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
