/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/fs.h>

#include "tests/unit/overlay/yard.h"

/* rename(2), case by case. */

static int rename_in_root(struct hd_overlay *overlay, const char *from, const char *to, unsigned flags)
{
	return hd_overlay_rename(overlay, HD_ROOT_INO, from, HD_ROOT_INO, to, flags);
}

static uint32_t nlink_of(struct hd_overlay *overlay, hd_ino ino)
{
	return attributes_of(overlay, ino).nlink;
}

static void a_file_keeps_its_inode_and_bytes(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");
	hd_ino file = make_file(overlay, HD_ROOT_INO, "a");

	write_text(overlay, file, "text");
	assert_success(hd_overlay_rename(overlay, HD_ROOT_INO, "a", directory, "b", 0));
	assert_missing(overlay, HD_ROOT_INO, "a");
	assert_true(find(overlay, directory, "b") == file);
	assert_text(overlay, file, "text");
	assert_int_equal(hd_overlay_rename(overlay, HD_ROOT_INO, "a", directory, "b", 0), -ENOENT);
}

static void what_was_at_the_new_name_is_unlinked(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino old = make_file(overlay, HD_ROOT_INO, "old"), new = make_file(overlay, HD_ROOT_INO, "new");
	struct hd_attributes attributes;

	write_text(overlay, new, "replaced");
	assert_success(rename_in_root(overlay, "old", "new", 0));
	assert_true(find(overlay, HD_ROOT_INO, "new") == old);
	assert_int_equal(nlink_of(overlay, new), 0);
	assert_text(overlay, new, "replaced"); /* still open */
	hd_overlay_forget(overlay, new, 1);
	assert_success(hd_overlay_release(overlay, new));
	assert_int_equal(hd_overlay_getattr(overlay, new, &attributes), -ESTALE);
}

static void flags_that_contradict_or_are_unknown_are_refused(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);

	(void)make_file(overlay, HD_ROOT_INO, "a");
	assert_int_equal(rename_in_root(overlay, "a", "b", RENAME_WHITEOUT), -EINVAL);
	assert_int_equal(rename_in_root(overlay, "a", "b", RENAME_NOREPLACE | RENAME_EXCHANGE), -EINVAL);
	assert_int_equal(rename_in_root(overlay, "a", "b", 1u << 20), -EINVAL);
	assert_int_equal(rename_in_root(overlay, ".", "b", 0), -EBUSY);
	assert_int_equal(rename_in_root(overlay, "a", "..", 0), -EBUSY);
}

static void a_whiteout_stays_at_the_old_name(void **state)
{
	struct hd_caller caller = {.uid = 7, .gid = 8};
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory"), left;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "a"), replaced = make_file(overlay, directory, "b");
	struct hd_attributes attributes;

	assert_int_equal(hd_overlay_rename_as(overlay, &caller, HD_ROOT_INO, "a", directory, "b",
				 RENAME_WHITEOUT | RENAME_NOREPLACE),
		-EEXIST);
	assert_int_equal(hd_overlay_rename_as(overlay, &caller, HD_ROOT_INO, "a", directory, "b",
				 RENAME_WHITEOUT | RENAME_EXCHANGE),
		-EINVAL);
	assert_success(
		hd_overlay_rename_as(overlay, &caller, HD_ROOT_INO, "a", directory, "b", RENAME_WHITEOUT));
	assert_true(find(overlay, directory, "b") == file);
	assert_int_equal(nlink_of(overlay, replaced), 0);
	left = find(overlay, HD_ROOT_INO, "a");
	assert_true(left != file);
	attributes = attributes_of(overlay, left);
	assert_int_equal(attributes.mode, S_IFCHR);
	assert_int_equal(attributes.device, 0);
	assert_int_equal(attributes.nlink, 1);
	assert_int_equal(attributes.uid, 7);
	assert_int_equal(attributes.gid, 8);
	/* A directory leaves one too, in the directory that it stays in. */
	assert_success(hd_overlay_rename_as(
		overlay, &caller, HD_ROOT_INO, "directory", HD_ROOT_INO, "moved", RENAME_WHITEOUT));
	assert_true(find(overlay, HD_ROOT_INO, "moved") == directory);
	assert_int_equal(attributes_of(overlay, find(overlay, HD_ROOT_INO, "directory")).mode, S_IFCHR);
	assert_int_equal(nlink_of(overlay, HD_ROOT_INO), 3);
}

static void noreplace_replaces_nothing(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino a = make_file(overlay, HD_ROOT_INO, "a"), b = make_file(overlay, HD_ROOT_INO, "b");

	assert_int_equal(rename_in_root(overlay, "a", "b", RENAME_NOREPLACE), -EEXIST);
	assert_int_equal(rename_in_root(overlay, "a", "a", RENAME_NOREPLACE), -EEXIST);
	assert_true(find(overlay, HD_ROOT_INO, "a") == a);
	assert_true(find(overlay, HD_ROOT_INO, "b") == b);
	assert_success(rename_in_root(overlay, "a", "c", RENAME_NOREPLACE));
	assert_true(find(overlay, HD_ROOT_INO, "c") == a);
}

static void two_names_of_one_file_are_left_alone(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "a");

	assert_success(hd_overlay_link(overlay, file, HD_ROOT_INO, "b", &attributes));
	assert_success(rename_in_root(overlay, "a", "b", 0));
	assert_true(find(overlay, HD_ROOT_INO, "a") == file);
	assert_true(find(overlay, HD_ROOT_INO, "b") == file);
	assert_int_equal(nlink_of(overlay, file), 2);
	assert_success(rename_in_root(overlay, "a", "a", 0));
	assert_success(rename_in_root(overlay, "a", "b", RENAME_EXCHANGE));
	assert_int_equal(nlink_of(overlay, file), 2);
}

static void kinds_must_match(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino full;

	(void)make_file(overlay, HD_ROOT_INO, "file");
	(void)make_directory(overlay, HD_ROOT_INO, "empty");
	full = make_directory(overlay, HD_ROOT_INO, "full");
	(void)make_file(overlay, full, "x");
	assert_int_equal(rename_in_root(overlay, "file", "empty", 0), -EISDIR);
	assert_int_equal(rename_in_root(overlay, "empty", "file", 0), -ENOTDIR);
	assert_int_equal(rename_in_root(overlay, "empty", "full", 0), -ENOTEMPTY);
	assert_success(rename_in_root(overlay, "full", "empty", 0));
	assert_true(find(overlay, HD_ROOT_INO, "empty") == full);
	assert_int_equal(nlink_of(overlay, HD_ROOT_INO), 3);
}

static void a_directory_does_not_go_below_itself(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino top = make_directory(overlay, HD_ROOT_INO, "top");
	hd_ino middle = make_directory(overlay, top, "middle");
	hd_ino bottom = make_directory(overlay, middle, "bottom");

	assert_int_equal(hd_overlay_rename(overlay, HD_ROOT_INO, "top", top, "x", 0), -EINVAL);
	assert_int_equal(hd_overlay_rename(overlay, HD_ROOT_INO, "top", bottom, "x", 0), -EINVAL);
	assert_int_equal(
		hd_overlay_rename(overlay, HD_ROOT_INO, "top", middle, "bottom", RENAME_EXCHANGE), -EINVAL);
	/* And nothing takes the place of what it lies in. */
	assert_int_equal(hd_overlay_rename(overlay, middle, "bottom", HD_ROOT_INO, "top", 0), -ENOTEMPTY);
	assert_int_equal(
		hd_overlay_rename(overlay, middle, "bottom", HD_ROOT_INO, "top", RENAME_EXCHANGE), -EINVAL);
	assert_success(hd_overlay_rename(overlay, middle, "bottom", HD_ROOT_INO, "bottom", 0));
	assert_success(hd_overlay_rename(overlay, HD_ROOT_INO, "top", bottom, "top", 0));
	assert_true(find(overlay, middle, "..") == top);
	assert_true(find(overlay, top, "..") == bottom);
}

static void a_moved_directory_moves_its_link_count(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino a = make_directory(overlay, HD_ROOT_INO, "a"), b = make_directory(overlay, HD_ROOT_INO, "b");
	hd_ino moved = make_directory(overlay, a, "moved");

	(void)make_directory(overlay, moved, "below");
	assert_success(hd_overlay_rename(overlay, a, "moved", b, "moved", 0));
	assert_int_equal(nlink_of(overlay, a), 2);
	assert_int_equal(nlink_of(overlay, b), 3);
	assert_int_equal(nlink_of(overlay, moved), 3);
	assert_true(find(overlay, moved, "..") == b);
	/* Over an empty one: that one is gone. */
	(void)make_directory(overlay, a, "empty");
	assert_success(hd_overlay_rename(overlay, b, "moved", a, "empty", 0));
	assert_int_equal(nlink_of(overlay, a), 3);
	assert_int_equal(nlink_of(overlay, b), 2);
}

static void an_exchange_of_file_and_directory_keeps_all_counts(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino a = make_directory(overlay, HD_ROOT_INO, "a"), b = make_directory(overlay, HD_ROOT_INO, "b");
	hd_ino file = make_file(overlay, a, "file"), directory = make_directory(overlay, b, "directory");

	assert_success(hd_overlay_rename(overlay, a, "file", b, "directory", RENAME_EXCHANGE));
	assert_true(find(overlay, a, "file") == directory);
	assert_true(find(overlay, b, "directory") == file);
	assert_int_equal(nlink_of(overlay, a), 3);
	assert_int_equal(nlink_of(overlay, b), 2);
	assert_int_equal(nlink_of(overlay, file), 1);
	assert_int_equal(nlink_of(overlay, directory), 2);
	assert_true(find(overlay, directory, "..") == a);
	/* Back, the other way round. */
	assert_success(hd_overlay_rename(overlay, a, "file", b, "directory", RENAME_EXCHANGE));
	assert_int_equal(nlink_of(overlay, a), 2);
	assert_int_equal(nlink_of(overlay, b), 3);
	/* Two directories. */
	(void)make_directory(overlay, a, "other");
	assert_success(hd_overlay_rename(overlay, a, "other", b, "directory", RENAME_EXCHANGE));
	assert_int_equal(nlink_of(overlay, a), 3);
	assert_int_equal(nlink_of(overlay, b), 3);
	assert_true(find(overlay, directory, "..") == a);
	assert_int_equal(rename_in_root(overlay, "a", "nothing", RENAME_EXCHANGE), -ENOENT);
}

static void long_and_short_names_take_each_others_place(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "short");
	struct hd_overlay_counters before, after;
	char name[256];

	memset(name, 'l', 255);
	name[255] = '\0';
	hd_overlay_counters(overlay, &before);
	for (int i = 0; i < 100; i++) {
		assert_success(rename_in_root(overlay, "short", name, 0));
		assert_true(find(overlay, HD_ROOT_INO, name) == file);
		assert_missing(overlay, HD_ROOT_INO, "short");
		assert_success(rename_in_root(overlay, name, "short", 0));
	}
	hd_overlay_counters(overlay, &after);
	assert_int_equal(after.entries, before.entries);
}

static void a_removed_parent_has_nothing_to_rename(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino gone = make_directory(overlay, HD_ROOT_INO, "gone");

	(void)make_file(overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "gone"));
	assert_int_equal(hd_overlay_rename(overlay, gone, "x", HD_ROOT_INO, "y", 0), -ENOENT);
	assert_int_equal(hd_overlay_rename(overlay, HD_ROOT_INO, "file", gone, "y", 0), -ENOENT);
}

/* ---- over a base ---- */

static void a_directory_that_only_the_base_has_is_renamed_without_reading_it(void **state)
{
	struct yard *yard = *state;
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0), below;
	struct hd_overlay *overlay;
	hd_ino other, directory;
	unsigned lists;

	below = yard_base_add(yard, top, "below", S_IFDIR | 0755, 0);
	(void)yard_base_add(yard, below, "file", S_IFREG | 0644, 10);
	(void)yard_base_add(yard, 0, "other", S_IFDIR | 0755, 0);
	overlay = yard_open(yard);
	other = find(overlay, HD_ROOT_INO, "other");
	directory = find(overlay, HD_ROOT_INO, "top");
	lists = atomic_load(&yard->base->lists);
	assert_success(hd_overlay_rename(overlay, directory, "below", other, "moved", 0));
	assert_int_equal(atomic_load(&yard->base->lists), lists);
	assert_int_equal(nlink_of(overlay, directory), 2);
	assert_int_equal(nlink_of(overlay, other), 3);
	directory = find(overlay, other, "moved");
	assert_int_equal(attributes_of(overlay, find(overlay, directory, "file")).size, 10);
}

static void a_full_directory_of_the_base_is_not_replaced(void **state)
{
	struct yard *yard = *state;
	uint32_t full = yard_base_add(yard, 0, "full", S_IFDIR | 0755, 0);
	struct hd_overlay *overlay;

	(void)yard_base_add(yard, full, "file", S_IFREG | 0644, 10);
	(void)yard_base_add(yard, 0, "empty", S_IFDIR | 0755, 0);
	overlay = yard_open(yard);
	(void)make_directory(overlay, HD_ROOT_INO, "mine");
	assert_int_equal(rename_in_root(overlay, "mine", "full", 0), -ENOTEMPTY);
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, "full"), -ENOTEMPTY);
	assert_success(rename_in_root(overlay, "mine", "empty", 0));
	assert_success(rename_in_root(overlay, "full", "empty", RENAME_EXCHANGE));
	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "full"));
	assert_int_equal(
		attributes_of(overlay, find(overlay, find(overlay, HD_ROOT_INO, "empty"), "file")).size, 10);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)
#define BASE_TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_file_keeps_its_inode_and_bytes),
		TEST(what_was_at_the_new_name_is_unlinked),
		TEST(flags_that_contradict_or_are_unknown_are_refused),
		TEST(a_whiteout_stays_at_the_old_name),
		TEST(noreplace_replaces_nothing),
		TEST(two_names_of_one_file_are_left_alone),
		TEST(kinds_must_match),
		TEST(a_directory_does_not_go_below_itself),
		TEST(a_moved_directory_moves_its_link_count),
		TEST(an_exchange_of_file_and_directory_keeps_all_counts),
		TEST(long_and_short_names_take_each_others_place),
		TEST(a_removed_parent_has_nothing_to_rename),
		BASE_TEST(a_directory_that_only_the_base_has_is_renamed_without_reading_it),
		BASE_TEST(a_full_directory_of_the_base_is_not_replaced),
	};

	return cmocka_run_group_tests_name("rename", tests, NULL, NULL);
}
