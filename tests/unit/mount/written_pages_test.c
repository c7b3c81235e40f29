/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <linux/fuse.h>

#include "mount/fuse/written_pages.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/platform/threads/work.h"

static struct hd_activities table;
static struct hd_activity slots[3];

static int set_up(void **state)
{
	(void)state;
	hd_activities_init(&table);
	for (size_t i = 0; i < 3; i++)
		hd_activities_add(&table, &slots[i]);
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	for (size_t i = 0; i < 3; i++) {
		hd_activity_leave(&slots[i]);
		hd_activities_remove(&table, &slots[i]);
	}
	hd_activities_destroy(&table);
	return 0;
}

static void nothing_in_flight_is_not_waited_for(void **state)
{
	(void)state;
	assert_int_equal(hd_written_pages_await(&table), 0);
	hd_activity_enter(&slots[1], FUSE_READ, 7, 1);
	assert_int_equal(hd_written_pages_await(&table), 0);
}

/* Ends the write that was in flight before, after another one has begun that does not end. */
static void *end_one(void *payload)
{
	hd_clock_sleep_ns(30000000);
	hd_activity_enter(&slots[2], FUSE_WRITE, 9, 1);
	hd_clock_sleep_ns(30000000);
	atomic_store((_Atomic int *)payload, 1);
	hd_activity_leave(&slots[0]);
	return NULL;
}

static void what_was_in_flight_is_waited_for_and_no_more(void **state)
{
	_Atomic int ended = 0;
	pthread_t thread;

	(void)state;
	hd_activity_enter(&slots[0], FUSE_WRITE, 7, 1);
	assert_int_equal(hd_thread_start(&thread, "ender", end_one, &ended), 0);
	assert_int_equal(hd_written_pages_await(&table), 0);
	assert_int_equal(ended, 1);
	hd_thread_join(thread);
}

static void who_does_not_want_to_wait_any_more_is_let_go(void **state)
{
	struct hd_work work = {0};

	(void)state;
	hd_activity_enter(&slots[0], FUSE_WRITE, 7, 1);
	hd_work_begin(&work, NULL, NULL);
	hd_work_stop(&work);
	assert_int_equal(hd_written_pages_await(&table), -HD_E_INTERRUPTED);
	hd_work_end();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(nothing_in_flight_is_not_waited_for, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			what_was_in_flight_is_waited_for_and_no_more, set_up, tear_down),
		cmocka_unit_test_setup_teardown(
			who_does_not_want_to_wait_any_more_is_let_go, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
