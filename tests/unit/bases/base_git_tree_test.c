/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Decoding of git tree objects, honest and hostile. base_git_test.c covers trees of real repositories.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/bases/git/base_git_tree.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/error.h"

static void put_entry(struct hd_buffer *bytes, const char *mode, const char *name, uint8_t fill)
{
	hd_buffer_printf(bytes, "%s %s", mode, name);
	hd_buffer_put_u8(bytes, 0);
	memset(hd_buffer_extend(bytes, HD_GIT_ID_SIZE), fill, HD_GIT_ID_SIZE);
}

static void modes_become_those_of_a_checkout(void **state)
{
	static const struct {
		const char *mode, *name;
		uint32_t shown;
	} rows[] = {
		{"100644", "a", S_IFREG | 0644},
		{"100755", "b", S_IFREG | 0755},
		{"100664", "c", S_IFREG | 0644},
		{"120000", "d", S_IFLNK | 0777},
		{"40000", "e", S_IFDIR | 0755},
		{"160000", "f", S_IFDIR | 0755},
	};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_git_tree tree;

	(void)state;
	for (size_t i = 0; i < 6; i++)
		put_entry(&bytes, rows[i].mode, rows[i].name, (uint8_t)i);
	assert_int_equal(hd_git_tree_decode(bytes.data, bytes.size, &tree), 0);
	assert_int_equal(tree.count, 6);
	for (size_t i = 0; i < 6; i++) {
		assert_string_equal(tree.entries[i].name, rows[i].name);
		assert_int_equal(tree.entries[i].mode, rows[i].shown);
		assert_int_equal(tree.entries[i].id[0], i);
		assert_int_equal(tree.entries[i].is_commit, i == 5);
	}
	hd_git_tree_clear(&tree);
}

static void names_no_directory_may_hold_are_left_out(void **state)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "/", "../../etc/passwd", ".git", ".GIT", ".Git"};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_git_tree tree;
	char longest[257];

	(void)state;
	memset(longest, 'x', 256);
	longest[256] = '\0';
	put_entry(&bytes, "100644", longest, 1);
	put_entry(&bytes, "100644", longest + 1, 2);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		put_entry(&bytes, "40000", bad[i], 3);
	put_entry(&bytes, "100644", ".gitignore", 4);
	put_entry(&bytes, "100644", "\xff\xfe\n", 5);
	assert_int_equal(hd_git_tree_decode(bytes.data, bytes.size, &tree), 0);
	assert_int_equal(tree.skipped, 10);
	assert_int_equal(tree.count, 3);
	assert_string_equal(tree.entries[0].name, ".gitignore");
	assert_string_equal(tree.entries[1].name, longest + 1);
	assert_string_equal(tree.entries[2].name, "\xff\xfe\n");
	hd_git_tree_clear(&tree);
}

static void of_two_entries_with_one_name_the_first_stays(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_git_tree tree;

	(void)state;
	/* In git's order a directory sorts as "a/", so these two are not neighbours. */
	put_entry(&bytes, "100644", "a", 1);
	put_entry(&bytes, "100644", "a.c", 2);
	put_entry(&bytes, "40000", "a", 3);
	assert_int_equal(hd_git_tree_decode(bytes.data, bytes.size, &tree), 0);
	assert_int_equal(tree.count, 2);
	assert_int_equal(tree.skipped, 1);
	assert_int_equal(tree.entries[0].id[0], 1);
	assert_true(S_ISREG(tree.entries[0].mode));
	hd_git_tree_clear(&tree);
}

static void an_empty_tree_has_no_entries(void **state)
{
	struct hd_git_tree tree;

	(void)state;
	assert_int_equal(hd_git_tree_decode("", 0, &tree), 0);
	assert_int_equal(tree.count, 0);
	hd_git_tree_clear(&tree);
}

/* Each prefix lies in memory of exactly its size, so that a sanitizer sees a read behind it. */
static void bytes_cut_off_anywhere_but_between_entries_are_refused(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	size_t first;

	(void)state;
	put_entry(&bytes, "100644", "one", 1);
	first = bytes.size;
	put_entry(&bytes, "40000", "two", 2);
	for (size_t size = 1; size < bytes.size; size++) {
		uint8_t *copy = malloc(size);
		struct hd_git_tree tree;
		int r;

		assert_non_null(copy);
		memcpy(copy, bytes.data, size);
		r = hd_git_tree_decode(copy, size, &tree);
		assert_int_equal(r, size == first ? 0 : -HD_E_BASE_OBJECT);
		if (r == 0)
			hd_git_tree_clear(&tree);
		free(copy);
	}
}

static void modes_that_are_no_octal_numbers_are_refused(void **state)
{
	static const char *const bad[] = {"", "x100644", "98", "100644x", "777777777"};

	(void)state;
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		HD_AUTO_BUFFER struct hd_buffer bytes = {0};
		struct hd_git_tree tree;

		put_entry(&bytes, bad[i], "name", 1);
		assert_int_equal(hd_git_tree_decode(bytes.data, bytes.size, &tree), -HD_E_BASE_OBJECT);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(modes_become_those_of_a_checkout),
		cmocka_unit_test(names_no_directory_may_hold_are_left_out),
		cmocka_unit_test(of_two_entries_with_one_name_the_first_stays),
		cmocka_unit_test(an_empty_tree_has_no_entries),
		cmocka_unit_test(bytes_cut_off_anywhere_but_between_entries_are_refused),
		cmocka_unit_test(modes_that_are_no_octal_numbers_are_refused),
	};

	return cmocka_run_group_tests_name("git tree objects", tests, NULL, NULL);
}
