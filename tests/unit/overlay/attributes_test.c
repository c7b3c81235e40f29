/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/limits.h>
#include <sys/xattr.h>

#include "tests/unit/overlay/yard.h"

/* Attributes and extended attributes. */

static struct hd_attributes set(
	struct hd_overlay *overlay, hd_ino ino, unsigned what, const struct hd_attributes *values)
{
	struct hd_attributes seen = {0};

	assert_success(hd_overlay_setattr(overlay, &yard_caller, ino, what, values, &seen));
	return seen;
}

static int compare_times(struct timespec a, struct timespec b)
{
	if (a.tv_sec != b.tv_sec)
		return a.tv_sec < b.tv_sec ? -1 : 1;
	return a.tv_nsec < b.tv_nsec ? -1 : a.tv_nsec > b.tv_nsec;
}

static void a_change_of_mode_leaves_the_bytes_in_the_base(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes values = {.mode = S_IFDIR | 04755, .uid = 5, .gid = 6}, before, seen;
	struct hd_overlay_counters counters;
	struct hd_overlay *overlay;
	hd_ino file;

	(void)yard_base_add(yard, 0, "file", S_IFREG | 0644, 1 << 20);
	overlay = yard_open(yard);
	file = find(overlay, HD_ROOT_INO, "file");
	before = attributes_of(overlay, file);
	assert_int_equal(before.uid, 7);
	assert_int_equal(before.modify_time.tv_sec, 1000000000);
	seen = set(overlay, file, HD_SET_MODE | HD_SET_UID | HD_SET_GID, &values);
	assert_int_equal(seen.mode, S_IFREG | 04755); /* the type is not the caller's to change */
	assert_int_equal(seen.uid, 5);
	assert_int_equal(seen.gid, 6);
	assert_int_equal(seen.modify_time.tv_sec, 1000000000);
	assert_true(compare_times(seen.change_time, before.change_time) > 0);
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.hot_bytes, 0);
	assert_int_equal(counters.unstored_files, 0);
	assert_int_equal(atomic_load(&yard->base->reads), 0);
	overlay = yard_reopen(yard);
	assert_int_equal(attributes_of(overlay, find(overlay, HD_ROOT_INO, "file")).mode, S_IFREG | 04755);
}

static void times_are_kept_to_the_nanosecond(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes values = {.access_time = {.tv_sec = -1, .tv_nsec = 999999999},
		.modify_time = {.tv_sec = 123456789012, .tv_nsec = 1}};
	struct hd_attributes seen;
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	seen = set(overlay, file, HD_SET_ACCESS_TIME | HD_SET_MODIFY_TIME, &values);
	assert_int_equal(compare_times(seen.access_time, values.access_time), 0);
	assert_int_equal(compare_times(seen.modify_time, values.modify_time), 0);
	overlay = yard_reopen(yard);
	file = find(overlay, HD_ROOT_INO, "file");
	seen = attributes_of(overlay, file);
	assert_int_equal(compare_times(seen.access_time, values.access_time), 0);
	assert_int_equal(compare_times(seen.modify_time, values.modify_time), 0);
	seen = set(overlay, file, HD_SET_ACCESS_NOW | HD_SET_MODIFY_NOW, &values);
	assert_true(seen.access_time.tv_sec > 1600000000);
	assert_true(seen.modify_time.tv_sec < 123456789012);
}

static void changes_of_a_directory_show_in_its_times(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes old = {.modify_time = {.tv_sec = 1}};
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "d");

	(void)set(overlay, directory, HD_SET_MODIFY_TIME, &old);
	(void)make_file(overlay, directory, "a");
	assert_true(attributes_of(overlay, directory).modify_time.tv_sec > 1);
	(void)set(overlay, directory, HD_SET_MODIFY_TIME, &old);
	assert_success(hd_overlay_rename(overlay, directory, "a", HD_ROOT_INO, "b", 0));
	assert_true(attributes_of(overlay, directory).modify_time.tv_sec > 1);
	(void)set(overlay, directory, HD_SET_MODIFY_TIME, &old);
	write_text(overlay, find(overlay, HD_ROOT_INO, "b"), "text");
	assert_int_equal(attributes_of(overlay, directory).modify_time.tv_sec, 1);
}

static void a_size_is_for_files_alone(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes values = {.size = 5}, link;

	assert_int_equal(
		hd_overlay_setattr(overlay, &yard_caller, HD_ROOT_INO, HD_SET_SIZE, &values, &values),
		-EISDIR);
	assert_success(hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "link", "target", &link));
	assert_int_equal(
		hd_overlay_setattr(overlay, &yard_caller, link.ino, HD_SET_SIZE, &values, &values), -EINVAL);
	values.size = UINT64_MAX;
	assert_int_equal(hd_overlay_setattr(overlay, &yard_caller, make_file(overlay, HD_ROOT_INO, "f"),
				 HD_SET_SIZE, &values, &values),
		-EFBIG);
}

/* ---- extended attributes ---- */

static void a_value_is_set_replaced_and_removed(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	char buffer[64];
	size_t size;

	assert_int_equal(hd_overlay_getxattr(overlay, file, "user.a", buffer, 64, &size), -ENODATA);
	assert_int_equal(hd_overlay_removexattr(overlay, file, "user.a"), -ENODATA);
	assert_int_equal(hd_overlay_setxattr(overlay, file, "user.a", "1", 1, XATTR_REPLACE), -ENODATA);
	assert_success(hd_overlay_setxattr(overlay, file, "user.a", "1", 1, XATTR_CREATE));
	assert_int_equal(hd_overlay_setxattr(overlay, file, "user.a", "2", 1, XATTR_CREATE), -EEXIST);
	assert_success(hd_overlay_setxattr(overlay, file, "user.a", "three", 5, XATTR_REPLACE));
	assert_success(hd_overlay_setxattr(overlay, file, "user.b", "", 0, 0));
	overlay = yard_reopen(yard);
	file = find(overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_getxattr(overlay, file, "user.a", buffer, 64, &size));
	assert_int_equal(size, 5);
	assert_memory_equal(buffer, "three", 5);
	assert_success(hd_overlay_getxattr(overlay, file, "user.a", NULL, 0, &size));
	assert_int_equal(size, 5);
	assert_int_equal(hd_overlay_getxattr(overlay, file, "user.a", buffer, 4, &size), -ERANGE);
	assert_success(hd_overlay_getxattr(overlay, file, "user.b", buffer, 64, &size));
	assert_int_equal(size, 0);
	assert_success(hd_overlay_listxattr(overlay, file, true, NULL, 0, &size));
	assert_int_equal(size, 14);
	assert_int_equal(hd_overlay_listxattr(overlay, file, true, buffer, 13, &size), -ERANGE);
	assert_success(hd_overlay_listxattr(overlay, file, true, buffer, 14, &size));
	assert_int_equal(size, 14);
	assert_success(hd_overlay_removexattr(overlay, file, "user.a"));
	assert_success(hd_overlay_listxattr(overlay, file, true, buffer, 64, &size));
	assert_int_equal(size, 7);
	assert_string_equal(buffer, "user.b");
	/* Names that are root's alone. */
	assert_success(hd_overlay_setxattr(overlay, file, "trusted.a", "1", 1, 0));
	assert_success(hd_overlay_listxattr(overlay, file, true, NULL, 0, &size));
	assert_int_equal(size, 17);
	assert_success(hd_overlay_listxattr(overlay, file, false, NULL, 0, &size));
	assert_int_equal(size, 7);
	assert_success(hd_overlay_listxattr(overlay, file, false, buffer, 7, &size));
	assert_string_equal(buffer, "user.b");
}

static void limits_are_those_of_the_kernel(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	static char value[65537], seen[65537];
	char name[300];
	size_t size;

	memset(value, 'v', sizeof(value));
	assert_int_equal(hd_overlay_setxattr(overlay, file, "user.x", value, 65537, 0), -E2BIG);
	assert_success(hd_overlay_setxattr(overlay, file, "user.x", value, 65536, 0));
	assert_success(hd_overlay_getxattr(overlay, file, "user.x", seen, sizeof(seen), &size));
	assert_int_equal(size, 65536);
	assert_memory_equal(seen, value, size);
	/* Together they may be larger than one value, not without end. */
	assert_success(hd_overlay_setxattr(overlay, file, "user.y", value, 60000, 0));
	assert_int_equal(hd_overlay_setxattr(overlay, file, "user.z", value, 60000, 0), -ENOSPC);
	assert_success(hd_overlay_getxattr(overlay, file, "user.x", seen, sizeof(seen), &size));
	memset(name, 'n', sizeof(name));
	memcpy(name, "user.", 5);
	name[256] = '\0';
	assert_int_equal(hd_overlay_setxattr(overlay, file, name, "", 0, 0), -ERANGE);
	name[255] = '\0';
	assert_success(hd_overlay_setxattr(overlay, file, name, "", 0, 0));
	assert_int_equal(hd_overlay_setxattr(overlay, file, "", "", 0, 0), -ERANGE);
}

/* listxattr(2) gives at most XATTR_LIST_MAX bytes: one more name and it would give nothing ever after. */
static void names_stay_within_what_can_be_listed(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	static char list[XATTR_LIST_MAX];
	char name[256];
	size_t size;
	int i;

	memset(name, 'n', sizeof(name));
	name[255] = '\0';
	for (i = 0; i < 256; i++) {
		memcpy(name, "user.", 5);
		name[5 + snprintf(name + 5, 8, "%d", i)] = '.';
		assert_success(hd_overlay_setxattr(overlay, file, name, "v", 1, 0));
	}
	assert_success(hd_overlay_listxattr(overlay, file, true, list, sizeof(list), &size));
	assert_int_equal(size, XATTR_LIST_MAX);
	assert_int_equal(hd_overlay_setxattr(overlay, file, "user.x", "v", 1, 0), -ENOSPC);
	assert_success(hd_overlay_setxattr(overlay, file, name, "longer", 6, 0));
	assert_success(hd_overlay_removexattr(overlay, file, name));
	assert_success(hd_overlay_setxattr(overlay, file, "user.x", "v", 1, 0));
}

static void many_values_are_kept_apart(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	char name[32], value[256];
	size_t size;

	for (int round = 0; round < 3; round++) {
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "user.%d", i);
			memset(value, i + round, sizeof(value));
			assert_success(hd_overlay_setxattr(
				overlay, file, name, value, (size_t)((i * 7 + round * 31) % 256), 0));
		}
		for (int i = 0; i < 200; i++) {
			snprintf(name, sizeof(name), "user.%d", i);
			assert_success(hd_overlay_getxattr(overlay, file, name, value, sizeof(value), &size));
			assert_int_equal(size, (i * 7 + round * 31) % 256);
			for (size_t at = 0; at < size; at++)
				assert_int_equal((uint8_t)value[at], (uint8_t)(i + round));
		}
	}
	for (int i = 0; i < 200; i++) {
		snprintf(name, sizeof(name), "user.%d", i);
		assert_success(hd_overlay_removexattr(overlay, file, name));
	}
	assert_success(hd_overlay_listxattr(overlay, file, true, value, sizeof(value), &size));
	assert_int_equal(size, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_change_of_mode_leaves_the_bytes_in_the_base, yard_setup_over_base, yard_teardown),
		TEST(times_are_kept_to_the_nanosecond),
		TEST(changes_of_a_directory_show_in_its_times),
		TEST(a_size_is_for_files_alone),
		TEST(a_value_is_set_replaced_and_removed),
		TEST(limits_are_those_of_the_kernel),
		TEST(names_stay_within_what_can_be_listed),
		TEST(many_values_are_kept_apart),
	};

	return cmocka_run_group_tests_name("attributes", tests, NULL, NULL);
}
