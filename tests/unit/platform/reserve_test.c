/* SPDX-License-Identifier: Apache-2.0 */
/* What is kept back is there when nothing else is, and a frame is as good without the descriptor that found no room. */

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/reserve.h"
#include "overlay/platform/sockets/socket.h"

/* No more descriptors than there are, up to the end of the test. */
static void exhaust(struct rlimit *before)
{
	struct rlimit limit;
	int lowest = dup(STDERR_FILENO);

	assert_true(lowest >= 0);
	(void)close(lowest);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	limit = *before;
	limit.rlim_cur = (rlim_t)lowest;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &limit), 0);
	assert_int_equal(hd_descriptor_limit(), lowest);
	assert_int_equal(hd_descriptor_flag(), -EMFILE);
}

static void what_was_kept_can_be_had_when_there_is_nothing_else(void **state)
{
	struct hd_reserve reserve;
	struct rlimit before;
	int taken[HD_RESERVE_DESCRIPTORS];

	(void)state;
	hd_reserve_init(&reserve);
	assert_false(hd_reserve_release(&reserve));
	hd_reserve_fill(&reserve);
	assert_non_null(reserve.memory);
	exhaust(&before);
	assert_true(hd_reserve_release(&reserve));
	for (int i = 0; i < HD_RESERVE_DESCRIPTORS; i++)
		assert_true((taken[i] = hd_descriptor_flag()) >= 0);
	assert_int_equal(hd_descriptor_flag(), -EMFILE);
	/* What has not come back is missing, and no error. */
	hd_descriptor_close(&taken[0]);
	hd_reserve_fill(&reserve);
	assert_int_equal(hd_descriptor_flag(), -EMFILE);
	assert_true(hd_reserve_release(&reserve));
	assert_false(hd_reserve_release(&reserve));
	for (int i = 1; i < HD_RESERVE_DESCRIPTORS; i++)
		hd_descriptor_close(&taken[i]);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
}

static void a_frame_arrives_without_the_descriptor_that_finds_no_room(void **state)
{
	HD_AUTO_FREE char *data = NULL;
	struct rlimit before;
	int passed_fd = 0;
	size_t size = 0;
	int ends[2];

	(void)state;
	assert_int_equal(hd_socket_pair(ends), 0);
	assert_int_equal(hd_socket_send(ends[0], "first", 5, STDERR_FILENO), 0);
	assert_int_equal(hd_socket_send(ends[0], "second", 6, STDERR_FILENO), 0);
	exhaust(&before);
	assert_int_equal(hd_socket_receive(ends[1], 1000, &data, &size, &passed_fd), 0);
	assert_int_equal(size, 5);
	assert_int_equal(passed_fd, -1);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	free(HD_STEAL(data));
	assert_int_equal(hd_socket_receive(ends[1], 1000, &data, &size, &passed_fd), 0);
	assert_memory_equal(data, "second", 6);
	assert_true(passed_fd > STDERR_FILENO);
	hd_descriptor_close(&passed_fd);
	hd_descriptor_close(&ends[0]);
	hd_descriptor_close(&ends[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_kept_can_be_had_when_there_is_nothing_else),
		cmocka_unit_test(a_frame_arrives_without_the_descriptor_that_finds_no_room),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
