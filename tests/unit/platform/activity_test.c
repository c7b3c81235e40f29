/* SPDX-License-Identifier: Apache-2.0 */
/* Slots of operations in flight: what a look sees, and that it sees no mixture. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/threads/activity.h"
#include "overlay/platform/threads/task_thread.h"

struct seen {
	unsigned n;
	struct hd_activity_view views[8];
};

static void see(struct hd_activity *slot, const struct hd_activity_view *view, void *payload)
{
	struct seen *seen = payload;

	(void)slot;
	if (seen->n < 8)
		seen->views[seen->n] = *view;
	seen->n++;
}

static struct seen look(struct hd_activities *table)
{
	struct seen seen = {0};

	hd_activities_look(table, see, &seen);
	return seen;
}

static void what_is_in_flight_is_seen_until_it_is_left(void **state)
{
	struct hd_activities table;
	struct hd_activity one = {0}, two = {0}, never = {0};
	struct seen seen;

	(void)state;
	hd_activities_init(&table);
	hd_activities_add(&table, &one);
	hd_activities_add(&table, &two);
	assert_int_equal(look(&table).n, 0);
	hd_activity_enter(&one, 7, 70, 700);
	seen = look(&table);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.views[0].kind, 7);
	assert_int_equal(seen.views[0].subject, 70);
	assert_int_equal(seen.views[0].caller, 700);
	hd_activity_enter(&two, 8, 80, 800);
	assert_int_equal(look(&table).n, 2);
	hd_activity_leave(&one);
	seen = look(&table);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.views[0].kind, 8);
	hd_activities_remove(&table, &two);
	hd_activities_remove(&table, &two);
	hd_activities_remove(&table, &never);
	assert_int_equal(look(&table).n, 0);
	hd_activities_remove(&table, &one);
	hd_activities_destroy(&table);
}

static void an_age_grows(void **state)
{
	struct hd_activities table;
	struct hd_activity slot = {0};
	struct seen seen;

	(void)state;
	hd_activities_init(&table);
	hd_activities_add(&table, &slot);
	hd_activity_enter(&slot, 1, 2, 3);
	hd_clock_sleep_ns(50000000);
	seen = look(&table);
	assert_int_equal(seen.n, 1);
	/* The clock's tick is 10 ms at most. */
	assert_true(seen.views[0].age_ns >= 39000000);
	hd_activities_remove(&table, &slot);
	hd_activities_destroy(&table);
}

static void inner(void)
{
	HD_WAITS_FOR("what is inside");
}

static void waiting_is_seen_and_nests(void **state)
{
	struct hd_activities table;
	struct hd_activity slot = {0};

	(void)state;
	hd_activities_init(&table);
	hd_activities_add(&table, &slot);
	/* A thread without an operation. */
	assert_null(hd_activity_waits_for("nothing"));
	assert_null(hd_activity_waits_for(NULL));
	hd_activity_work(&slot);
	hd_activity_enter(&slot, 1, 2, 3);
	assert_null(look(&table).views[0].waits_for);
	{
		HD_WAITS_FOR("what is outside");
		inner();
		assert_string_equal(look(&table).views[0].waits_for, "what is outside");
		assert_int_equal(look(&table).views[0].thread, gettid());
	}
	assert_null(look(&table).views[0].waits_for);
	hd_activity_work(NULL);
	hd_activities_remove(&table, &slot);
	hd_activities_destroy(&table);
}

/* Each operation lasts a tick at least, so that no two begin at the same instant, and its fields belong together. */
struct worker {
	struct hd_activity slot;
	_Atomic bool stop;
};

static void *work(void *payload)
{
	struct worker *worker = payload;

	for (uint32_t i = 1; !worker->stop; i++) {
		uint64_t began = hd_clock_coarse_ns();

		hd_activity_enter(&worker->slot, i, i * 3ull, (int32_t)(i & 0xffff));
		while (hd_clock_coarse_ns() == began)
			;
		hd_activity_leave(&worker->slot);
	}
	return NULL;
}

static void no_look_mixes_two_operations(void **state)
{
	static struct worker worker;
	struct hd_activities table;
	uint64_t end = hd_clock_monotonic_ns() + 300000000u;
	pthread_t thread;
	unsigned found = 0;

	(void)state;
	hd_activities_init(&table);
	hd_activities_add(&table, &worker.slot);
	assert_int_equal(hd_thread_start(&thread, "worker", work, &worker), 0);
	while (hd_clock_monotonic_ns() < end || found == 0) {
		struct seen seen = look(&table);

		assert_true(seen.n <= 1);
		if (seen.n == 0)
			continue;
		found++;
		assert_int_equal(seen.views[0].subject, seen.views[0].kind * 3ull);
		assert_int_equal(seen.views[0].caller, seen.views[0].kind & 0xffff);
	}
	worker.stop = true;
	hd_thread_join(thread);
	hd_activities_remove(&table, &worker.slot);
	hd_activities_destroy(&table);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_in_flight_is_seen_until_it_is_left),
		cmocka_unit_test(an_age_grows),
		cmocka_unit_test(waiting_is_seen_and_nests),
		cmocka_unit_test(no_look_mixes_two_operations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
