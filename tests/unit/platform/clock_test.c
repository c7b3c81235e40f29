/* SPDX-License-Identifier: Apache-2.0 */
/* Sleeping and the two clocks. */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

#include "overlay/platform/clock.h"

#define MS 1000000u

static _Atomic int alarms;

static void on_alarm(int number)
{
	(void)number;
	alarms++;
}

static void signals_neither_shorten_nor_stretch_a_sleep(void **state)
{
	const struct itimerval often = {.it_interval.tv_usec = 2000, .it_value.tv_usec = 2000}, never = {0};
	uint64_t start_ns = hd_clock_monotonic_ns(), slept_ns;

	(void)state;
	(void)signal(SIGALRM, on_alarm);
	assert_int_equal(setitimer(ITIMER_REAL, &often, NULL), 0);
	hd_clock_sleep_ns(100 * MS);
	slept_ns = hd_clock_monotonic_ns() - start_ns;
	assert_int_equal(setitimer(ITIMER_REAL, &never, NULL), 0);
	(void)signal(SIGALRM, SIG_DFL);
	assert_true(alarms > 0);
	assert_true(slept_ns >= 100 * MS);
	/* Generous: only a sleep that starts again after each signal misses this. */
	assert_true(slept_ns < UINT64_C(5000) * MS);
}

static void the_wall_clock_is_the_systems(void **state)
{
	time_t before = time(NULL);
	struct timespec now = hd_clock_now();

	(void)state;
	/* time(2) may lag by a tick. */
	assert_true(now.tv_sec >= before && now.tv_sec <= before + 5);
	assert_in_range(now.tv_nsec, 0, 999999999);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(signals_neither_shorten_nor_stretch_a_sleep),
		cmocka_unit_test(the_wall_clock_is_the_systems),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
