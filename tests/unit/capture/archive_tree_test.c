/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Archive tree: which names are taken, what they name in the end, how many names a file has, and the limits. The cases
 * tests/cases/archive/ have whole archives.
 */

#include "capture/archive/archive_tree.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int put(struct hd_archive_tree *tree, const char *path, uint32_t mode)
{
	struct hd_archive_file file = {.mode = mode, .uid = 7, .modify_time = {.tv_sec = 5}};
	uint32_t name;
	int r = hd_archive_tree_place(tree, path, &file, &name);

	return r < 0 ? r : hd_archive_tree_set(tree, name, &file);
}

static int put_link(struct hd_archive_tree *tree, const char *path, const char *target)
{
	static const struct hd_archive_file like = {0};
	uint32_t name, file;
	int r = hd_archive_tree_find(tree, target, &file);

	if (r == 0)
		r = hd_archive_tree_place(tree, path, &like, &name);
	return r < 0 ? r : hd_archive_tree_link(tree, name, file);
}

static const struct hd_archive_file *file_at(struct hd_archive_tree *tree, const char *path)
{
	static const struct hd_archive_file like = {0};
	uint32_t name;

	assert_int_equal(hd_archive_tree_place(tree, path, &like, &name), 0);
	assert_int_not_equal(tree->names[name].file, HD_ARCHIVE_NO_FILE);
	return &tree->files[tree->names[name].file];
}

static void refuses_names(void **state)
{
	static const char *const refused[] = {"", "/", "/a", "..", "a/..", "../a", "a/../b"};
	struct hd_archive_tree tree;
	char name[300];

	(void)state;
	assert_int_equal(hd_archive_tree_begin(&tree, 0), 0);
	for (size_t i = 0; i < HD_ARRAY_SIZE(refused); i++)
		assert_int_equal(put(&tree, refused[i], S_IFREG | 0644), -EINVAL);
	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	assert_int_equal(put(&tree, name, S_IFREG | 0644), -EINVAL);
	name[255] = '\0';
	assert_int_equal(put(&tree, name, S_IFREG | 0644), 0);
	hd_archive_tree_clear(&tree);
}

static void makes_directories(void **state)
{
	struct hd_archive_tree tree;

	(void)state;
	assert_int_equal(hd_archive_tree_begin(&tree, 0), 0);
	assert_int_equal(put(&tree, "./a//b/./c", S_IFREG | 0600), 0);
	assert_int_equal(file_at(&tree, "a")->mode, S_IFDIR | 0755);
	assert_int_equal(file_at(&tree, "a/b")->uid, 7);
	assert_int_equal(file_at(&tree, "a/b")->modify_time.tv_sec, 5);
	assert_int_equal(put(&tree, "a", S_IFDIR | 0711), 0);
	assert_int_equal(file_at(&tree, "a")->mode, S_IFDIR | 0711);
	assert_int_equal(file_at(&tree, "a/b/c")->mode, S_IFREG | 0600);
	/* The root is there, and remains a directory. */
	assert_int_equal(put(&tree, "./", S_IFDIR | 0700), 0);
	assert_int_equal(tree.files[tree.names[0].file].mode, S_IFDIR | 0700);
	assert_int_equal(put(&tree, ".", S_IFREG | 0700), -EINVAL);
	hd_archive_tree_clear(&tree);
}

static void replaces(void **state)
{
	struct hd_archive_tree tree;

	(void)state;
	assert_int_equal(hd_archive_tree_begin(&tree, 0), 0);
	assert_int_equal(put(&tree, "a", S_IFLNK | 0777), 0);
	assert_int_equal(put(&tree, "a/b", S_IFREG | 0644), -EINVAL);
	assert_int_equal(put(&tree, "a", S_IFDIR | 0755), 0);
	assert_int_equal(put(&tree, "a/b", S_IFREG | 0644), 0);
	assert_int_equal(put(&tree, "a", S_IFREG | 0644), -EINVAL);
	assert_int_equal(put_link(&tree, "a", "a/b"), -EINVAL);
	assert_int_equal(put(&tree, "a/b", S_IFIFO | 0644), 0);
	assert_int_equal(file_at(&tree, "a/b")->mode, S_IFIFO | 0644);
	hd_archive_tree_clear(&tree);
}

static void counts_links(void **state)
{
	struct hd_archive_tree tree;

	(void)state;
	assert_int_equal(hd_archive_tree_begin(&tree, 0), 0);
	assert_int_equal(put_link(&tree, "b", "a"), -EINVAL);
	assert_int_equal(put(&tree, "a", S_IFREG | 0600), 0);
	assert_int_equal(put_link(&tree, "b", "./a"), 0);
	assert_int_equal(put_link(&tree, "d/c", "b"), 0);
	assert_int_equal(put_link(&tree, "b", "a"), 0);
	assert_ptr_equal(file_at(&tree, "d/c"), file_at(&tree, "a"));
	assert_int_equal(file_at(&tree, "a")->links, 3);
	/* One name becomes another file; the others stay the file that they were. */
	assert_int_equal(put(&tree, "a", S_IFREG | 0644), 0);
	assert_int_equal(file_at(&tree, "b")->links, 2);
	assert_int_equal(file_at(&tree, "b")->mode, S_IFREG | 0600);
	assert_int_equal(file_at(&tree, "a")->links, 1);
	assert_int_equal(put_link(&tree, "e", "d"), -EINVAL);
	assert_int_equal(put_link(&tree, "e", "."), -EINVAL);
	assert_int_equal(put_link(&tree, "e", "/a"), -EINVAL);
	assert_int_equal(put_link(&tree, "e", "d/../a"), -EINVAL);
	hd_archive_tree_clear(&tree);
}

static void keeps_limits(void **state)
{
	struct hd_archive_tree tree;
	char path[32];

	(void)state;
	assert_int_equal(hd_archive_tree_begin(&tree, 5000), 0);
	for (unsigned i = 0; i < 5000; i++) {
		(void)snprintf(path, sizeof(path), "%u", i);
		assert_int_equal(put(&tree, path, S_IFREG | 0644), 0);
	}
	assert_int_equal(put(&tree, "4999", S_IFREG | 0600), 0);
	assert_int_equal(put(&tree, "5000", S_IFREG | 0644), -EFBIG);
	for (unsigned i = 0; i < 4999; i++) {
		(void)snprintf(path, sizeof(path), "%u", i);
		assert_int_equal(file_at(&tree, path)->mode, S_IFREG | 0644);
	}
	assert_int_equal(file_at(&tree, "4999")->mode, S_IFREG | 0600);
	hd_archive_tree_clear(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses_names),
		cmocka_unit_test(makes_directories),
		cmocka_unit_test(replaces),
		cmocka_unit_test(counts_links),
		cmocka_unit_test(keeps_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
