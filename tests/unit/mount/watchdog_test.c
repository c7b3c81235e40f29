/* SPDX-License-Identifier: Apache-2.0 */
/* What the watchdog says of slow operations, how often, and what status shows of them. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <jansson.h>
#include <linux/fuse.h>

#include "mount/watchdog/watchdog.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/log.h"

#define MS 1000000u

static int log_fd;

static int open_log(void **state)
{
	(void)state;
	log_fd = hd_memory_file_create("log", 0);
	assert_true(log_fd >= 0);
	/* Lines are written where the last one ended. */
	hd_log_open("test", log_fd, HD_LOG_NOTICE);
	return 0;
}

static int close_log(void **state)
{
	(void)state;
	(void)close(log_fd);
	return 0;
}

static const char *logged(void)
{
	static char text[16384];
	ssize_t size = pread(log_fd, text, sizeof(text) - 1, 0);

	text[size > 0 ? size : 0] = '\0';
	return text;
}

static unsigned count_of(const char *needle)
{
	unsigned n = 0;

	for (const char *at = logged(); (at = strstr(at, needle)); at++)
		n++;
	return n;
}

static void wait_for(const char *needle, unsigned n)
{
	uint64_t end = hd_clock_monotonic_ns() + UINT64_C(60000) * MS;

	while (count_of(needle) < n) {
		assert_true(hd_clock_monotonic_ns() < end);
		hd_clock_sleep_ns(10 * MS);
	}
}

static int new_watchdog(uint64_t slow_ns, struct hd_watchdog **ret_watchdog)
{
	const struct hd_watchdog_settings settings = {.slow_ns = slow_ns};

	return hd_watchdog_new(&settings, ret_watchdog);
}

static void slow_operations_are_told_of(void **state)
{
	struct hd_activity slow = {0}, quick = {0};
	struct hd_watchdog *watchdog;

	(void)state;
	assert_int_equal(new_watchdog(100 * MS, &watchdog), 0);
	hd_activities_add(hd_watchdog_activities(watchdog), &slow);
	hd_activities_add(hd_watchdog_activities(watchdog), &quick);
	hd_activity_enter(&slow, FUSE_READ, UINT64_C(3) << 32 | 77, 4242);
	hd_activity_work(&slow);
	(void)hd_activity_waits_for("a test");
	wait_for("READ of inode 77 for process 4242 takes ", 1);
	assert_non_null(strstr(logged(), "it waits for a test"));
	wait_for("in flight: READ 1", 1);
	/* Again and again, but more and more seldom: at 0.1, 0.2, 0.4, 0.8 s. */
	wait_for("READ of inode", 3);
	assert_int_equal(count_of("for process"), count_of("READ of inode"));
	hd_activity_leave(&slow);
	hd_activity_work(NULL);
	hd_activities_remove(hd_watchdog_activities(watchdog), &slow);
	hd_activities_remove(hd_watchdog_activities(watchdog), &quick);
	hd_watchdog_free(watchdog);
}

static void the_next_operation_of_a_slot_is_another(void **state)
{
	struct hd_activity slot = {0};
	struct hd_watchdog *watchdog;

	(void)state;
	assert_int_equal(new_watchdog(50 * MS, &watchdog), 0);
	hd_activities_add(hd_watchdog_activities(watchdog), &slot);
	hd_activity_enter(&slot, FUSE_WRITE, 5, 1);
	wait_for("WRITE of inode 5", 3);
	hd_activity_leave(&slot);
	hd_activity_enter(&slot, FUSE_LOOKUP, 6, 1);
	wait_for("LOOKUP of inode 6 for process 1 takes ", 1);
	hd_activity_leave(&slot);
	hd_activities_remove(hd_watchdog_activities(watchdog), &slot);
	hd_watchdog_free(watchdog);
}

static void note_give_up(void *payload)
{
	atomic_fetch_add((atomic_uint *)payload, 1);
}

#define HANG_NS (UINT64_C(400) * MS)

/* Many short operations in SLOT, for longer than one may hang; how long the longest was, on a machine that has others to do. */
static uint64_t do_short_ones(struct hd_activity *slot)
{
	uint64_t began = hd_clock_monotonic_ns(), now = began, longest = 0;

	while (now - began < 4 * HANG_NS) {
		uint64_t entered = now;

		hd_activity_enter(slot, FUSE_WRITE, 8, 1);
		hd_clock_sleep_ns(10 * MS);
		hd_activity_leave(slot);
		now = hd_clock_monotonic_ns();
		longest = now - entered > longest ? now - entered : longest;
	}
	return longest;
}

/* What waits for something known may take as long as it likes. */
static void an_operation_that_hangs_ends_the_process(void **state)
{
	static atomic_uint given_up;
	const struct hd_watchdog_settings settings = {
		.hang_ns = HANG_NS, .give_up = note_give_up, .payload = &given_up};
	struct hd_activity waits = {0}, hangs = {0};
	struct hd_watchdog *watchdog;
	unsigned before;

	(void)state;
	assert_int_equal(hd_watchdog_new(&settings, &watchdog), 0);
	hd_activity_work(&waits);
	(void)hd_activity_waits_for("a test");
	hd_activities_add(hd_watchdog_activities(watchdog), &waits);
	hd_activity_enter(&waits, FUSE_READ, 7, 1);
	hd_clock_sleep_ns(4 * HANG_NS);
	assert_int_equal(atomic_load(&given_up), 0);
	/* Many short ones in one slot are not one long. */
	hd_activities_add(hd_watchdog_activities(watchdog), &hangs);
	do
		before = atomic_load(&given_up);
	while (do_short_ones(&hangs) > HANG_NS / 2);
	assert_int_equal(atomic_load(&given_up), before);
	hd_activity_enter(&hangs, FUSE_RENAME, 9, 1);
	wait_for("RENAME of inode 9 for process 1 takes ", 1);
	assert_non_null(strstr(logged(), "for another one to take over"));
	hd_activity_leave(&hangs);
	hd_activity_leave(&waits);
	(void)hd_activity_waits_for(NULL);
	hd_activity_work(NULL);
	hd_activities_remove(hd_watchdog_activities(watchdog), &hangs);
	hd_activities_remove(hd_watchdog_activities(watchdog), &waits);
	hd_watchdog_free(watchdog);
	assert_true(atomic_load(&given_up) > before);
}

static void many_at_once_fill_no_disk(void **state)
{
	static struct hd_activity slots[100];
	struct hd_watchdog *watchdog;

	(void)state;
	/* All begin before anybody looks. */
	for (int i = 0; i < 100; i++)
		hd_activity_enter(&slots[i], i < 60 ? FUSE_FSYNC : 999, (uint64_t)i, 1);
	assert_int_equal(new_watchdog(20 * MS, &watchdog), 0);
	hd_clock_sleep_ns(100 * MS);
	for (int i = 0; i < 100; i++)
		hd_activities_add(hd_watchdog_activities(watchdog), &slots[i]);
	wait_for("in flight: OTHER 40, FSYNC 60", 1);
	wait_for("others", 1);
	for (int i = 0; i < 100; i++)
		hd_activities_remove(hd_watchdog_activities(watchdog), &slots[i]);
	hd_watchdog_free(watchdog);
}

static void status_shows_counts_and_the_slowest(void **state)
{
	struct hd_activity first = {0}, second = {0};
	struct hd_watchdog *watchdog;
	const char *name;
	json_int_t reads, inode, slow;
	json_t *json;

	(void)state;
	assert_int_equal(new_watchdog(0, &watchdog), 0);
	json = hd_watchdog_json(watchdog);
	assert_non_null(json);
	assert_true(json_is_null(json_object_get(json, "slowest")));
	assert_int_equal(json_object_size(json_object_get(json, "in_flight")), 0);
	json_decref(json);
	hd_activities_add(hd_watchdog_activities(watchdog), &first);
	hd_activities_add(hd_watchdog_activities(watchdog), &second);
	hd_activity_enter(&second, FUSE_READ, 8, 1);
	hd_clock_sleep_ns(50 * MS);
	hd_activity_enter(&first, FUSE_READ, 9, 1);
	json = hd_watchdog_json(watchdog);
	assert_int_equal(json_unpack(json, "{s:{s:I}, s:{s:s, s:I}, s:I}", "in_flight", "READ", &reads,
				 "slowest", "operation", &name, "inode", &inode, "slow", &slow),
		0);
	assert_int_equal(reads, 2);
	assert_string_equal(name, "READ");
	assert_int_equal(inode, 8);
	assert_int_equal(slow, 0);
	json_decref(json);
	hd_activities_remove(hd_watchdog_activities(watchdog), &first);
	hd_activities_remove(hd_watchdog_activities(watchdog), &second);
	hd_watchdog_free(watchdog);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(slow_operations_are_told_of, open_log, close_log),
		cmocka_unit_test_setup_teardown(the_next_operation_of_a_slot_is_another, open_log, close_log),
		cmocka_unit_test_setup_teardown(
			an_operation_that_hangs_ends_the_process, open_log, close_log),
		cmocka_unit_test_setup_teardown(many_at_once_fill_no_disk, open_log, close_log),
		cmocka_unit_test_setup_teardown(status_shows_counts_and_the_slowest, open_log, close_log),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
