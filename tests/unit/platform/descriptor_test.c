/* SPDX-License-Identifier: Apache-2.0 */
/* Pipes, flags and waiting for several descriptors at once. */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/files/descriptor.h"

#define MS 1000000u

struct ends {
	int read;
	int write;
};

static int open_ends(void **state)
{
	struct ends *ends = calloc(1, sizeof(*ends));
	int fds[2];

	assert_non_null(ends);
	assert_int_equal(hd_descriptor_pipe(fds), 0);
	ends->read = fds[0];
	ends->write = fds[1];
	*state = ends;
	return 0;
}

static int close_ends(void **state)
{
	struct ends *ends = *state;

	hd_cleanup_close(&ends->read);
	hd_cleanup_close(&ends->write);
	free(ends);
	return 0;
}

static void messages_pass_and_the_end_is_empty(void **state)
{
	struct ends *ends = *state;
	char text[8] = "";
	size_t size = 99;

	assert_int_equal(hd_descriptor_write(ends->write, "four", 4), 0);
	assert_int_equal(hd_descriptor_read(ends->read, text, sizeof(text), &size), 0);
	assert_int_equal(size, 4);
	assert_string_equal(text, "four");
	(void)close(hd_steal_fd(&ends->write));
	assert_int_equal(hd_descriptor_read(ends->read, text, sizeof(text), &size), 0);
	assert_int_equal(size, 0);
	assert_int_equal(hd_descriptor_read(-1, text, sizeof(text), &size), -EBADF);
}

static void spinning_ends_with_a_message_or_with_its_time(void **state)
{
	struct ends *ends = *state;
	uint64_t start_ns;
	char text[8] = "";
	size_t size = 99;
	int r;

	assert_int_equal(hd_descriptor_set_blocking(ends->read, false), 0);
	start_ns = hd_clock_monotonic_ns();
	r = hd_descriptor_read_spinning(ends->read, text, sizeof(text), 20 * MS, &size);
	/* On a busy machine it ends early, and says so. */
	if (r != -EBUSY) {
		assert_int_equal(r, -EAGAIN);
		assert_true(hd_clock_monotonic_ns() - start_ns >= 20 * MS);
	}
	assert_int_equal(hd_descriptor_read_spinning(ends->read, text, sizeof(text), 0, &size), -EAGAIN);
	assert_int_equal(size, 99);
	assert_int_equal(hd_descriptor_write(ends->write, "x", 1), 0);
	assert_int_equal(hd_descriptor_read_spinning(ends->read, text, sizeof(text), 20 * MS, &size), 0);
	assert_int_equal(size, 1);
	assert_int_equal(hd_descriptor_set_blocking(ends->read, true), 0);
	assert_false(fcntl(ends->read, F_GETFL) & O_NONBLOCK);
}

static void waiting_names_the_ready_ones_and_skips_negative_ones(void **state)
{
	struct ends *ends = *state;
	HD_AUTO_CLOSE int flag = hd_descriptor_flag();
	const int fds[] = {-1, flag, ends->read};
	unsigned ready = 99;
	int many[HD_DESCRIPTOR_WAIT_LIMIT + 1] = {0};

	assert_int_equal(hd_descriptor_wait(fds, 3, 10, &ready), 0);
	assert_int_equal(ready, 0);
	assert_int_equal(hd_descriptor_write(ends->write, "x", 1), 0);
	assert_int_equal(hd_descriptor_wait(fds, 3, 1000, &ready), 0);
	assert_int_equal(ready, 1u << 2);
	hd_descriptor_flag_raise(flag);
	hd_descriptor_flag_raise(flag);
	assert_int_equal(hd_descriptor_wait(fds, 3, -1, &ready), 0);
	assert_int_equal(ready, 1u << 1 | 1u << 2);
	assert_int_equal(hd_descriptor_wait(many, HD_ARRAY_SIZE(many), 0, &ready), -EINVAL);
}

static void on_alarm(int number)
{
	(void)number;
}

static void signals_neither_end_nor_stretch_the_wait(void **state)
{
	const struct itimerval often = {.it_interval.tv_usec = 5000, .it_value.tv_usec = 5000}, never = {0};
	struct ends *ends = *state;
	uint64_t began = hd_clock_monotonic_ns(), took;
	unsigned ready = 99;

	(void)signal(SIGALRM, on_alarm);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	assert_int_equal(hd_descriptor_wait(&ends->read, 1, 200, &ready), 0);
	took = hd_clock_monotonic_ns() - began;
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	(void)signal(SIGALRM, SIG_DFL);
	assert_int_equal(ready, 0);
	assert_true(took >= 150 * MS);
	/* Generous: only a wait that starts again after each signal misses this. */
	assert_true(took < UINT64_C(30000) * MS);
}

static void the_end_of_a_stream_is_ready(void **state)
{
	struct ends *ends = *state;
	unsigned ready = 0;

	(void)close(hd_steal_fd(&ends->write));
	assert_int_equal(hd_descriptor_wait(&ends->read, 1, 1000, &ready), 0);
	assert_int_equal(ready, 1);
}

static void copies_and_replacements_are_close_on_exec(void **state)
{
	struct ends *ends = *state;
	HD_AUTO_CLOSE int copy = hd_descriptor_duplicate(ends->write);
	char text[8];
	size_t size;

	assert_true(copy > STDERR_FILENO);
	assert_int_equal(fcntl(copy, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(hd_descriptor_replace(copy, ends->read), 0);
	assert_int_equal(fcntl(copy, F_GETFD) & FD_CLOEXEC, FD_CLOEXEC);
	assert_int_equal(hd_descriptor_write(ends->write, "x", 1), 0);
	assert_int_equal(hd_descriptor_read(copy, text, sizeof(text), &size), 0);
	assert_int_equal(size, 1);
	assert_int_equal(hd_descriptor_duplicate(-1), -EBADF);
}

#define WITH_ENDS(test) cmocka_unit_test_setup_teardown(test, open_ends, close_ends)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_ENDS(messages_pass_and_the_end_is_empty),
		WITH_ENDS(spinning_ends_with_a_message_or_with_its_time),
		WITH_ENDS(waiting_names_the_ready_ones_and_skips_negative_ones),
		WITH_ENDS(signals_neither_end_nor_stretch_the_wait),
		WITH_ENDS(the_end_of_a_stream_is_ready),
		WITH_ENDS(copies_and_replacements_are_close_on_exec),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
