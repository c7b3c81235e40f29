/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/work.h"

static void a_thread_without_work_goes_on(void **state)
{
	(void)state;
	hd_work_step(HD_WORK_COMPARING, 7);
	assert_int_equal(hd_work_advance(1), 0);
	assert_int_equal(hd_work_finish(), 0);
}

static void work_says_how_far_it_is(void **state)
{
	struct hd_work work = {0};

	(void)state;
	hd_work_begin(&work, NULL, NULL);
	hd_work_step(HD_WORK_STORING_FILES, 10);
	assert_int_equal(hd_work_advance(3), 0);
	assert_int_equal(hd_work_advance(1), 0);
	assert_int_equal(work.step, HD_WORK_STORING_FILES);
	assert_int_equal(work.done, 4);
	assert_int_equal(work.total, 10);
	hd_work_step(HD_WORK_COMPARING, 0);
	assert_int_equal(work.done, 0);
	hd_work_end();
	assert_int_equal(hd_work_advance(5), 0);
	assert_int_equal(work.done, 0);
}

static void stopped_work_fails_until_it_is_too_late(void **state)
{
	struct hd_work work = {0};

	(void)state;
	hd_work_begin(&work, NULL, NULL);
	hd_work_stop(&work);
	assert_int_equal(hd_work_advance(1), -HD_E_INTERRUPTED);
	assert_int_equal(hd_work_finish(), -HD_E_INTERRUPTED);
	hd_work_end();

	work = (struct hd_work){0};
	hd_work_begin(&work, NULL, NULL);
	assert_int_equal(hd_work_finish(), 0);
	hd_work_stop(&work);
	assert_int_equal(hd_work_advance(1), 0);
	assert_int_equal(hd_work_finish(), 0);
	hd_work_end();
}

static bool look_and_stop(struct hd_work *work, void *payload)
{
	(void)work;
	++*(int *)payload;
	return true;
}

static void somebody_who_looks_stops_it(void **state)
{
	struct hd_work work = {0};
	int looks = 0;

	(void)state;
	hd_work_begin(&work, look_and_stop, &looks);
	assert_int_equal(hd_work_advance(1), 0); /* not at once: a look costs a system call */
	while (hd_work_advance(1) == 0)
		hd_clock_sleep_ns(1000000);
	assert_int_equal(looks, 1);
	assert_true(work.stopped);
	hd_work_end();
}

static void an_interrupt_stops_it(void **state)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};

	(void)state;
	for (size_t i = 0; i < HD_ARRAY_SIZE(signals); i++) {
		struct hd_work work = {0};

		hd_work_begin(&work, NULL, NULL);
		hd_work_stop_at_interrupt(&work);
		assert_int_equal(hd_work_advance(0), 0);
		assert_int_equal(raise(signals[i]), 0);
		assert_int_equal(hd_work_advance(0), -HD_E_INTERRUPTED);
		hd_work_stop_at_interrupt(NULL);
		hd_work_end();
	}
}

static void what_is_ignored_stays_ignored(void **state)
{
	struct hd_work work = {0};

	(void)state;
	assert_true(signal(SIGINT, SIG_IGN) != SIG_ERR);
	hd_work_begin(&work, NULL, NULL);
	hd_work_stop_at_interrupt(&work);
	assert_int_equal(raise(SIGINT), 0);
	assert_int_equal(hd_work_advance(0), 0);
	hd_work_stop_at_interrupt(NULL);
	hd_work_end();
	assert_true(signal(SIGINT, SIG_DFL) == SIG_IGN);
}

static void each_step_is_found_by_its_text(void **state)
{
	(void)state;
	for (int step = 0; step < HD_WORK_STEP_COUNT; step++)
		assert_int_equal(hd_work_step_of_text(hd_work_step_text((enum hd_work_step)step)), step);
	assert_int_equal(hd_work_step_of_text("of a later version"), HD_WORK_BEGINNING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_thread_without_work_goes_on),
		cmocka_unit_test(work_says_how_far_it_is),
		cmocka_unit_test(stopped_work_fails_until_it_is_too_late),
		cmocka_unit_test(somebody_who_looks_stops_it),
		cmocka_unit_test(an_interrupt_stops_it),
		cmocka_unit_test(what_is_ignored_stays_ignored),
		cmocka_unit_test(each_step_is_found_by_its_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
