/* SPDX-License-Identifier: Apache-2.0 */
/* Directories: making paths, listing, and removing trees that are deep, linked, mounted over or half gone. */
#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/platform/scratch.h"

static void making_a_path_makes_what_is_missing(void **state)
{
	const struct scratch *scratch = *state;
	struct stat st;

	assert_int_equal(hd_directory_make(scratch->fd, "a/b//c/", 0750), 0);
	assert_int_equal(hd_file_stat_at(scratch->fd, "a/b/c", &st), 0);
	assert_true(S_ISDIR(st.st_mode));
	assert_int_equal(hd_directory_make(scratch->fd, "a/b/c", 0750), 0);
	assert_int_equal(hd_directory_make(AT_FDCWD, scratch->path, 0750), 0);
	assert_int_equal(hd_directory_make(scratch->fd, "", 0750), -ENOENT);
}

static void a_file_in_the_way_is_not_taken_for_a_directory(void **state)
{
	const struct scratch *scratch = *state;

	scratch_write(scratch, "file", "");
	assert_int_equal(hd_directory_make(scratch->fd, "file", 0750), -ENOTDIR);
	assert_int_equal(hd_directory_make(scratch->fd, "file/below", 0750), -ENOTDIR);
	assert_int_equal(hd_directory_open(scratch->fd, "file"), -ENOTDIR);
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "file"), -ENOTDIR);
	assert_true(hd_file_exists(scratch->fd, "file"));
}

struct seen {
	int n;
	int stop_at;
	unsigned types; /* one bit each */
};

static int count_entry(const char *name, unsigned char type, void *payload)
{
	struct seen *seen = payload;

	assert_string_not_equal(name, ".");
	assert_string_not_equal(name, "..");
	seen->types |= 1u << type;
	return ++seen->n == seen->stop_at ? 42 : 0;
}

static void listing_names_every_entry_with_its_type(void **state)
{
	const struct scratch *scratch = *state;
	struct seen seen = {0};

	scratch_write(scratch, "file", "");
	scratch_write(scratch, "...", "");
	assert_int_equal(hd_directory_make(scratch->fd, "directory", 0755), 0);
	assert_int_equal(symlinkat("x", scratch->fd, "link"), 0);
	assert_int_equal(hd_directory_list(scratch->fd, ".", count_entry, &seen), 0);
	assert_int_equal(seen.n, 4);
	assert_int_equal(seen.types, 1u << DT_REG | 1u << DT_DIR | 1u << DT_LNK);
	seen = (struct seen){.stop_at = 2};
	assert_int_equal(hd_directory_list(scratch->fd, ".", count_entry, &seen), 42);
	assert_int_equal(seen.n, 2);
	assert_int_equal(hd_directory_list(scratch->fd, "missing", count_entry, &seen), -ENOENT);
}

static void a_tree_goes_and_what_its_links_name_stays(void **state)
{
	const struct scratch *scratch = *state;

	assert_int_equal(hd_directory_make(scratch->fd, "tree/a/b", 0755), 0);
	assert_int_equal(hd_directory_make(scratch->fd, "tree/c", 0755), 0);
	assert_int_equal(hd_directory_make(scratch->fd, "kept", 0755), 0);
	scratch_write(scratch, "kept/file", "x");
	scratch_write(scratch, "tree/file", "x");
	scratch_write(scratch, "tree/a/file", "x");
	scratch_write(scratch, "tree/a/b/file", "x");
	assert_int_equal(symlinkat("../../kept", scratch->fd, "tree/a/link"), 0);
	assert_int_equal(symlinkat("kept", scratch->fd, "link"), 0);
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "tree"), 0);
	assert_false(hd_file_exists(scratch->fd, "tree"));
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "link"), -ENOTDIR);
	assert_true(hd_file_exists(scratch->fd, "kept/file"));
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "tree"), -ENOENT);
}

static void depth_is_bounded_neither_by_paths_nor_by_descriptors(void **state)
{
	const struct scratch *scratch = *state;
	const struct rlimit few = {.rlim_cur = 20, .rlim_max = 20};
	struct rlimit before;
	int fd = dup(scratch->fd);

	for (int i = 0; i < 3000; i++) {
		int next;

		assert_int_equal(mkdirat(fd, "deeper", 0755), 0);
		next = openat(fd, "deeper", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		assert_true(next >= 0);
		(void)close(fd);
		fd = next;
	}
	(void)close(fd);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){few.rlim_cur, before.rlim_max}), 0);
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "deeper"), 0);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	assert_int_equal(scratch_count(scratch), 0);
}

static void wide_directories_are_emptied(void **state)
{
	const struct scratch *scratch = *state;
	char name[32];

	assert_int_equal(hd_directory_make(scratch->fd, "wide", 0755), 0);
	for (int i = 0; i < 3000; i++) {
		(void)snprintf(name, sizeof(name), "wide/%d", i);
		if (i % 10)
			scratch_write(scratch, name, "");
		else
			assert_int_equal(hd_directory_make(scratch->fd, name, 0755), 0);
	}
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "wide"), 0);
	assert_int_equal(scratch_count(scratch), 0);
}

static void another_filesystem_in_the_tree_is_not_entered(void **state)
{
	const struct scratch *scratch = *state;
	char path[128];

	assert_int_equal(hd_directory_make(scratch->fd, "tree/mounted", 0755), 0);
	(void)snprintf(path, sizeof(path), "%s/tree/mounted", scratch->path);
	if (mount("none", path, "tmpfs", 0, NULL) < 0)
		skip();
	scratch_write(scratch, "tree/mounted/kept", "x");
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "tree"), -EXDEV);
	assert_true(hd_file_exists(scratch->fd, "tree/mounted/kept"));
	assert_int_equal(umount2(path, MNT_DETACH), 0);
	assert_int_equal(hd_directory_remove_tree(scratch->fd, "tree"), 0);
}

static void a_directory_can_be_synced(void **state)
{
	const struct scratch *scratch = *state;

	assert_int_equal(hd_directory_sync(scratch->fd), 0);
	assert_int_equal(hd_directory_sync(-1), -EBADF);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			making_a_path_makes_what_is_missing, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			a_file_in_the_way_is_not_taken_for_a_directory, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			listing_names_every_entry_with_its_type, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			a_tree_goes_and_what_its_links_name_stays, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(depth_is_bounded_neither_by_paths_nor_by_descriptors,
			scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			wide_directories_are_emptied, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(
			another_filesystem_in_the_tree_is_not_entered, scratch_set_up, scratch_tear_down),
		cmocka_unit_test_setup_teardown(a_directory_can_be_synced, scratch_set_up, scratch_tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
