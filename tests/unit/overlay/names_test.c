/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/overlay/yard.h"

/* Names and lifetimes: what each request answers, and when an inode is gone. Renames are in rename_test.c. */

static struct hd_overlay_counters counters_of(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters;

	hd_overlay_counters(overlay, &counters);
	return counters;
}

static void a_new_name_is_there_and_a_second_of_it_is_refused(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes ignored;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	assert_true(find(overlay, HD_ROOT_INO, "file") == file);
	assert_int_equal(
		hd_overlay_create(overlay, &yard_caller, HD_ROOT_INO, "file", 0644, &ignored), -EEXIST);
	assert_int_equal(
		hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "file", 0755, &ignored), -EEXIST);
	assert_int_equal(
		hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "file", "t", &ignored), -EEXIST);
	assert_int_equal(
		hd_overlay_mknod(overlay, &yard_caller, HD_ROOT_INO, "file", S_IFIFO, 0, &ignored), -EEXIST);
	assert_int_equal(hd_overlay_link(overlay, file, HD_ROOT_INO, "file", &ignored), -EEXIST);
}

static void names_that_cannot_be_are_refused(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes ignored;
	char name[300];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(
		hd_overlay_create(overlay, &yard_caller, HD_ROOT_INO, name, 0644, &ignored), -ENAMETOOLONG);
	assert_int_equal(hd_overlay_lookup(overlay, HD_ROOT_INO, name, &ignored), -ENAMETOOLONG);
	assert_int_equal(hd_overlay_unlink(overlay, HD_ROOT_INO, name), -ENAMETOOLONG);
	assert_int_equal(
		hd_overlay_rename(overlay, HD_ROOT_INO, name, HD_ROOT_INO, "short", 0), -ENAMETOOLONG);
	name[255] = '\0';
	assert_success(hd_overlay_create(overlay, &yard_caller, HD_ROOT_INO, name, 0644, &ignored));
	assert_true(find(overlay, HD_ROOT_INO, name) == ignored.ino);
	assert_int_equal(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, ".", 0755, &ignored), -EEXIST);
	assert_int_equal(hd_overlay_mkdir(overlay, &yard_caller, HD_ROOT_INO, "..", 0755, &ignored), -EEXIST);
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, "."), -EINVAL);
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, ".."), -ENOTEMPTY);
}

static void a_file_is_no_directory(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes ignored;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	assert_int_equal(hd_overlay_lookup(overlay, file, "x", &ignored), -ENOTDIR);
	assert_int_equal(hd_overlay_create(overlay, &yard_caller, file, "x", 0644, &ignored), -ENOTDIR);
	assert_int_equal(hd_overlay_readdir(overlay, file, 0, NULL, NULL), -ENOTDIR);
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, "file"), -ENOTDIR);
	assert_int_equal(hd_overlay_unlink(overlay, HD_ROOT_INO, "directory"), -EISDIR);
	assert_int_equal(hd_overlay_link(overlay, directory, HD_ROOT_INO, "second", &ignored), -EPERM);
	assert_int_equal(hd_overlay_unlink(overlay, HD_ROOT_INO, "nothing"), -ENOENT);
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, "nothing"), -ENOENT);
}

static void only_empty_directories_are_removed(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	(void)make_file(overlay, directory, "file");
	assert_int_equal(hd_overlay_rmdir(overlay, HD_ROOT_INO, "directory"), -ENOTEMPTY);
	assert_success(hd_overlay_unlink(overlay, directory, "file"));
	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "directory"));
	assert_missing(overlay, HD_ROOT_INO, "directory");
}

static void nothing_can_be_made_in_a_removed_directory(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes ignored;
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "directory"));
	assert_int_equal(attributes_of(overlay, directory).nlink, 0);
	assert_int_equal(hd_overlay_create(overlay, &yard_caller, directory, "x", 0644, &ignored), -ENOENT);
	assert_int_equal(hd_overlay_link(overlay, file, directory, "x", &ignored), -ENOENT);
	assert_int_equal(hd_overlay_rename(overlay, HD_ROOT_INO, "file", directory, "x", 0), -ENOENT);
	assert_missing(overlay, directory, "x");
}

static void directories_count_their_subdirectories(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	assert_int_equal(attributes_of(overlay, HD_ROOT_INO).nlink, 3);
	(void)make_directory(overlay, directory, "a");
	(void)make_directory(overlay, directory, "b");
	(void)make_file(overlay, directory, "c");
	assert_int_equal(attributes_of(overlay, directory).nlink, 4);
	assert_success(hd_overlay_rmdir(overlay, directory, "a"));
	assert_int_equal(attributes_of(overlay, directory).nlink, 3);
}

static void all_names_of_a_file_show_the_same_inode(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "a");
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	assert_success(hd_overlay_link(overlay, file, directory, "b", &attributes));
	assert_true(attributes.ino == file);
	assert_int_equal(attributes.nlink, 2);
	write_text(overlay, file, "text");
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "a"));
	assert_int_equal(attributes_of(overlay, file).nlink, 1);
	assert_text(overlay, find(overlay, directory, "b"), "text");
	assert_success(hd_overlay_unlink(overlay, directory, "b"));
	assert_int_equal(attributes_of(overlay, file).nlink, 0);
	assert_int_equal(hd_overlay_link(overlay, file, directory, "c", &attributes), -ENOENT);
}

/* As on ext4; each costs the same, whatever the number of names. */
static void a_file_has_up_to_65000_names(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	unsigned limit = YARD_IS_SLOW ? 2000 : 65000;
	struct hd_attributes attributes;
	char name[16];

	for (unsigned i = 1; i < limit; i++) {
		snprintf(name, sizeof(name), "%u", i);
		assert_success(hd_overlay_link(overlay, file, HD_ROOT_INO, name, &attributes));
	}
	assert_int_equal(attributes.nlink, limit);
	if (!YARD_IS_SLOW)
		assert_int_equal(hd_overlay_link(overlay, file, HD_ROOT_INO, "more", &attributes), -EMLINK);
	/* From the ends and from the middle. */
	for (unsigned i = 1; i < limit; i++) {
		snprintf(name, sizeof(name), "%u", i % 2 ? i : limit - limit % 2 - i);
		assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, name));
	}
	assert_int_equal(attributes_of(overlay, file).nlink, 1);
	assert_success(hd_overlay_link(overlay, file, HD_ROOT_INO, "again", &attributes));
	assert_int_equal(attributes.nlink, 2);
}

static void a_link_says_its_target(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;
	char target[4097], seen[4097];
	size_t size;

	memset(target, 't', sizeof(target));
	target[4096] = '\0';
	assert_int_equal(hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "long", target, &attributes),
		-ENAMETOOLONG);
	assert_int_equal(
		hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "none", "", &attributes), -ENOENT);
	target[4095] = '\0';
	assert_success(hd_overlay_symlink(overlay, &yard_caller, HD_ROOT_INO, "long", target, &attributes));
	assert_int_equal(attributes.size, 4095);
	assert_true(S_ISLNK(attributes.mode));
	assert_success(hd_overlay_readlink(overlay, attributes.ino, seen, sizeof(seen), &size));
	assert_int_equal(size, 4095);
	assert_memory_equal(seen, target, size);
	assert_int_equal(hd_overlay_readlink(overlay, HD_ROOT_INO, seen, sizeof(seen), &size), -EINVAL);
}

static void a_device_node_keeps_its_number_and_nonsense_is_refused(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;

	assert_success(hd_overlay_mknod(
		overlay, &yard_caller, HD_ROOT_INO, "null", S_IFCHR | 0666, 0x103, &attributes));
	assert_int_equal(attributes.device, 0x103);
	assert_success(hd_overlay_mknod(overlay, &yard_caller, HD_ROOT_INO, "plain", 0600, 5, &attributes));
	assert_true(S_ISREG(attributes.mode));
	assert_int_equal(attributes.device, 0);
	assert_int_equal(
		hd_overlay_mknod(overlay, &yard_caller, HD_ROOT_INO, "d", S_IFDIR, 0, &attributes), -EINVAL);
}

static void a_set_group_id_directory_hands_its_group_down(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes values = {.mode = S_ISGID | 0775, .gid = 42}, attributes;
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "shared");

	assert_success(hd_overlay_setattr(
		overlay, &yard_caller, directory, HD_SET_MODE | HD_SET_GID, &values, &attributes));
	attributes = attributes_of(overlay, make_file(overlay, directory, "file"));
	assert_int_equal(attributes.gid, 42);
	assert_false(attributes.mode & S_ISGID);
	attributes = attributes_of(overlay, make_directory(overlay, directory, "below"));
	assert_int_equal(attributes.gid, 42);
	assert_true(attributes.mode & S_ISGID);
}

/* ---- lifetimes ---- */

static void an_unlinked_file_lives_until_its_last_close(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file"); /* looked up once, open once */

	write_text(overlay, file, "still here");
	assert_success(hd_overlay_open_file(overlay, file, O_RDONLY));
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "file"));
	assert_int_equal(counters_of(overlay).orphans, 1);
	hd_overlay_forget(overlay, file, 1);
	assert_text(overlay, file, "still here");
	assert_success(hd_overlay_release(overlay, file));
	assert_text(overlay, file, "still here");
	assert_success(hd_overlay_flush(overlay, file)); /* changes no lifetime */
	assert_success(hd_overlay_release(overlay, file));
	assert_int_equal(hd_overlay_getattr(overlay, file, &attributes), -ESTALE);
	assert_int_equal(counters_of(overlay).orphans, 0);
	assert_int_equal(counters_of(overlay).hot_bytes, 0);
	assert_int_equal(counters_of(overlay).inodes, 1);
}

static void an_unlinked_file_lives_until_its_last_lookup_is_forgotten(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes;
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	(void)find(overlay, HD_ROOT_INO, "file");
	(void)find(overlay, HD_ROOT_INO, "file");
	assert_success(hd_overlay_release(overlay, file));
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "file"));
	hd_overlay_forget(overlay, file, 2);
	assert_success(hd_overlay_getattr(overlay, file, &attributes));
	assert_int_equal(attributes.nlink, 0);
	hd_overlay_forget(overlay, file, 1);
	assert_int_equal(hd_overlay_getattr(overlay, file, &attributes), -ESTALE);
}

static void a_file_with_a_name_outlives_every_forget(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");

	assert_success(hd_overlay_release(overlay, file));
	hd_overlay_forget(overlay, file, 1);
	hd_overlay_forget(overlay, file, 1000); /* more than there were */
	assert_true(find(overlay, HD_ROOT_INO, "file") == file);
	assert_int_equal(counters_of(overlay).looked_up, 1);
}

static void a_stale_id_never_names_the_successor_of_its_inode(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	struct hd_attributes attributes = {0};
	char buffer[8];
	size_t size;
	hd_ino old = make_file(overlay, HD_ROOT_INO, "file"), new;

	assert_success(hd_overlay_release(overlay, old));
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "file"));
	hd_overlay_forget(overlay, old, 1);
	new = make_file(overlay, HD_ROOT_INO, "file");
	assert_int_equal((uint32_t) new, (uint32_t)old); /* the record is used again */
	assert_true(new != old);
	assert_int_equal(hd_overlay_getattr(overlay, old, &attributes), -ESTALE);
	assert_int_equal(
		hd_overlay_setattr(overlay, &yard_caller, old, HD_SET_SIZE, &attributes, &attributes),
		-ESTALE);
	assert_int_equal(hd_overlay_open_file(overlay, old, O_RDWR), -ESTALE);
	assert_int_equal(hd_overlay_read(overlay, old, buffer, 8, 0, &size), -ESTALE);
	assert_int_equal(hd_overlay_write(overlay, old, "x", 1, 0, &size), -ESTALE);
	assert_int_equal(hd_overlay_readlink(overlay, old, buffer, 8, &size), -ESTALE);
	assert_int_equal(hd_overlay_lookup(overlay, old, "x", &attributes), -ESTALE);
	assert_int_equal(hd_overlay_link(overlay, old, HD_ROOT_INO, "second", &attributes), -ESTALE);
	assert_int_equal(hd_overlay_release(overlay, old), -ESTALE);
	assert_int_equal(hd_overlay_fallocate(overlay, old, 0, 0, 1), -ESTALE);
	assert_int_equal(hd_overlay_setxattr(overlay, old, "user.x", "", 0, 0), -ESTALE);
	hd_overlay_forget(overlay, old, 1);
	assert_success(hd_overlay_getattr(overlay, new, &attributes));
	assert_int_equal(counters_of(overlay).opened, 1);
	assert_int_equal(counters_of(overlay).looked_up, 1);
}

static void ids_that_were_never_given_out_are_stale(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	const hd_ino wrong[] = {0, 2, HD_ROOT_INO | (hd_ino)1 << 32, UINT32_MAX, UINT64_MAX, (hd_ino)7 << 32};
	struct hd_attributes attributes;

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		assert_int_equal(hd_overlay_getattr(overlay, wrong[i], &attributes), -ESTALE);
		assert_int_equal(hd_overlay_lookup(overlay, wrong[i], "x", &attributes), -ESTALE);
		hd_overlay_forget(overlay, wrong[i], 1);
	}
}

static void the_root_survives_everything(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);

	hd_overlay_forget(overlay, HD_ROOT_INO, UINT64_MAX);
	assert_true(find(overlay, HD_ROOT_INO, ".") == HD_ROOT_INO);
	assert_true(find(overlay, HD_ROOT_INO, "..") == HD_ROOT_INO);
	assert_true(S_ISDIR(attributes_of(overlay, HD_ROOT_INO).mode));
}

static void orphans_do_not_survive_a_reopening_and_take_no_room(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	hd_ino directory = make_directory(overlay, HD_ROOT_INO, "directory");

	write_text(overlay, file, "nobody will see this again");
	(void)directory;
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "file"));
	assert_success(hd_overlay_rmdir(overlay, HD_ROOT_INO, "directory"));
	assert_int_equal(counters_of(overlay).orphans, 2);
	overlay = yard_reopen(yard);
	assert_int_equal(counters_of(overlay).orphans, 0);
	assert_int_equal(counters_of(overlay).inodes, 1);
	assert_int_equal(counters_of(overlay).hot_bytes, 0);
}

static void many_files_come_and_go_without_a_trace(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	char name[80];

	for (unsigned i = 0; i < 3000; i++) {
		hd_ino file;

		snprintf(name, sizeof(name), "%060u", i);
		file = make_file(overlay, HD_ROOT_INO, name);
		write_text(overlay, file, name);
		assert_success(hd_overlay_setxattr(overlay, file, "user.x", name, 60, 0));
		assert_success(hd_overlay_release(overlay, file));
		hd_overlay_forget(overlay, file, 1);
		if (i >= 10) {
			snprintf(name, sizeof(name), "%060u", i - 10);
			assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, name));
		}
	}
	assert_int_equal(counters_of(overlay).inodes, 11);
	assert_int_equal(counters_of(overlay).entries, 10);
	assert_int_equal(counters_of(overlay).hot_bytes, 10 * 4096);
	assert_int_equal(counters_of(overlay).looked_up, 0);
	assert_int_equal(counters_of(overlay).opened, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_new_name_is_there_and_a_second_of_it_is_refused),
		TEST(names_that_cannot_be_are_refused),
		TEST(a_file_is_no_directory),
		TEST(only_empty_directories_are_removed),
		TEST(nothing_can_be_made_in_a_removed_directory),
		TEST(directories_count_their_subdirectories),
		TEST(all_names_of_a_file_show_the_same_inode),
		TEST(a_file_has_up_to_65000_names),
		TEST(a_link_says_its_target),
		TEST(a_device_node_keeps_its_number_and_nonsense_is_refused),
		TEST(a_set_group_id_directory_hands_its_group_down),
		TEST(an_unlinked_file_lives_until_its_last_close),
		TEST(an_unlinked_file_lives_until_its_last_lookup_is_forgotten),
		TEST(a_file_with_a_name_outlives_every_forget),
		TEST(a_stale_id_never_names_the_successor_of_its_inode),
		TEST(ids_that_were_never_given_out_are_stale),
		TEST(the_root_survives_everything),
		TEST(orphans_do_not_survive_a_reopening_and_take_no_room),
		TEST(many_files_come_and_go_without_a_trace),
	};

	return cmocka_run_group_tests_name("names", tests, NULL, NULL);
}
