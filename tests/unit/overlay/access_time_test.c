/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/clock.h"
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/* Access times: when reading moves them, and that it is no change. */

#define DAY_S 86400

static void set_times(struct hd_overlay *overlay, hd_ino ino, time_t access, time_t modify)
{
	struct hd_attributes values = {.access_time = {.tv_sec = access}, .modify_time = {.tv_sec = modify}};

	/* The change's own time lies in the past as well, as that of a file which nobody touched for long. */
	values.change_time = values.modify_time;
	assert_success(hd_overlay_setattr(overlay, &yard_caller, ino,
		HD_SET_ACCESS_TIME | HD_SET_MODIFY_TIME | HD_SET_CHANGE_TIME, &values, &values));
}

static bool reading_moves(struct hd_overlay *overlay, hd_ino ino, bool always)
{
	struct timespec before = attributes_of(overlay, ino).access_time, after;
	bool is_due = hd_overlay_access_is_due(overlay, ino);
	bool moved;

	hd_overlay_accessed(overlay, ino, always);
	after = attributes_of(overlay, ino).access_time;
	moved = before.tv_sec != after.tv_sec || before.tv_nsec != after.tv_nsec;
	assert_int_equal(moved, is_due || always);
	assert_true(!moved || after.tv_sec >= hd_clock_now().tv_sec - 60);
	return moved;
}

static void what_is_not_after_the_last_change_moves(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	time_t now = hd_clock_now().tv_sec;

	assert_true(reading_moves(overlay, file, false)); /* made and never read */
	set_times(overlay, file, now - 100, now - 200);
	assert_false(reading_moves(overlay, file, false));
	set_times(overlay, file, now - 200, now - 200);
	assert_true(reading_moves(overlay, file, false));
	assert_false(reading_moves(overlay, file, false));
	assert_true(reading_moves(overlay, file, true));
	write_text(overlay, file, "more");
	assert_true(reading_moves(overlay, file, false));
	assert_false(reading_moves(overlay, file, false));
}

static void a_change_of_attributes_alone_counts_too(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes values = {.mode = 0600};
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "d");

	assert_true(reading_moves(overlay, directory, false));
	assert_false(reading_moves(overlay, directory, false));
	assert_success(hd_overlay_setattr(overlay, &yard_caller, directory, HD_SET_MODE, &values, &values));
	assert_true(reading_moves(overlay, directory, false));
}

static void what_is_a_day_old_moves(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	time_t now = hd_clock_now().tv_sec;

	set_times(overlay, file, now - DAY_S + 3600, 1);
	assert_false(reading_moves(overlay, file, false));
	set_times(overlay, file, now - DAY_S - 1, 1);
	assert_true(reading_moves(overlay, file, false));
	/* The clock was set back: what lies ahead stays until it is due. */
	set_times(overlay, file, now + DAY_S, 1);
	assert_false(reading_moves(overlay, file, false));
}

static void reading_is_no_change_and_is_kept(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot;
	struct hd_overlay *overlay;
	struct timespec seen;

	(void)yard_base_add(yard, yard_base_add(yard, 0, "d", S_IFDIR | 0755, 0), "file", S_IFREG | 0644, 10);
	overlay = yard_open(yard);
	assert_true(reading_moves(overlay, find(overlay, find(overlay, HD_ROOT_INO, "d"), "file"), false));
	assert_true(reading_moves(overlay, find(overlay, HD_ROOT_INO, "d"), false));
	assert_success(hd_snapshot_take(overlay, false, &snapshot));
	assert_false(hd_snapshot_root(snapshot)->changed);
	hd_snapshot_free(snapshot);
	seen = attributes_of(overlay, find(overlay, find(overlay, HD_ROOT_INO, "d"), "file")).access_time;
	overlay = yard_reopen(yard);
	assert_int_equal(attributes_of(overlay, find(overlay, find(overlay, HD_ROOT_INO, "d"), "file"))
				 .access_time.tv_nsec,
		seen.tv_nsec);
}

static void an_inode_that_is_gone_is_no_error(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);

	hd_overlay_accessed(overlay, 4711, true);
	assert_false(hd_overlay_access_is_due(overlay, 4711));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(what_is_not_after_the_last_change_moves),
		TEST(a_change_of_attributes_alone_counts_too),
		TEST(what_is_a_day_old_moves),
		cmocka_unit_test_setup_teardown(
			reading_is_no_change_and_is_kept, yard_setup_over_base, yard_teardown),
		TEST(an_inode_that_is_gone_is_no_error),
	};

	return cmocka_run_group_tests_name("access_time", tests, NULL, NULL);
}
