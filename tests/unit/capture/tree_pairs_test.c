/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "capture/trees/tree_pairs.h"

/* What a pair of directories that was compared once leaves out, and that it is only given for those two. */

#define COUNT 7

static struct hd_content content_of(uint8_t byte)
{
	struct hd_content content = {.kind = HD_CONTENT_OBJECT, .length = 20};

	memset(content.bytes, byte, 16);
	return content;
}

static struct hd_tree_view_entry entry_of(const char *name, uint32_t mode, uint8_t byte)
{
	return (struct hd_tree_view_entry){.name = name,
		.name_length = (uint16_t)strlen(name),
		.mode = mode,
		.content = content_of(byte)};
}

static struct hd_snapshot_node node_of(const char *name, uint32_t mode, uint8_t byte)
{
	return (struct hd_snapshot_node){.name = (char *)(uintptr_t)name,
		.name_length = (uint16_t)strlen(name),
		.attributes = {.mode = mode},
		.content = content_of(byte)};
}

static void assert_names(const struct hd_tree_view_listing *listing, const char *const *names)
{
	for (size_t i = 0; i < listing->count; i++) {
		assert_non_null(names[i]);
		assert_string_equal(listing->entries[i].name, names[i]);
		assert_int_equal(listing->entries[i].name_length, strlen(names[i]));
	}
	assert_null(names[listing->count]);
}

static void what_is_the_same_is_left_out(void **state)
{
	static const char *const old_names[] = {"device", "gone", "mode", "other", "written", NULL};
	static const char *const new_names[] = {"device", "mode", "new", "other", "written", NULL};
	struct hd_tree_view_entry entries[COUNT] = {entry_of("device", S_IFCHR | 0600, 0),
		entry_of("gone", S_IFREG | 0644, 1), entry_of("mode", S_IFREG | 0644, 1),
		entry_of("other", S_IFREG | 0644, 2), entry_of("same", S_IFREG | 0644, 3),
		entry_of("same too", S_IFDIR | 0755, 4), entry_of("written", S_IFREG | 0644, 5)};
	struct hd_snapshot_node children[COUNT] = {node_of("device", S_IFCHR | 0600, 0),
		node_of("mode", S_IFREG | 0755, 1), node_of("new", S_IFREG | 0644, 1),
		node_of("other", S_IFREG | 0644, 9), node_of("same", S_IFREG | 0644, 3),
		node_of("same too", S_IFDIR | 0755, 4), node_of("written", S_IFREG | 0644, 5)};
	struct hd_tree_view_listing listing = {.entries = entries, .count = COUNT}, old, new;
	struct hd_snapshot_node directory = {.children = children, .n_children = COUNT}, stranger = directory;
	const struct hd_tree_view *view = (const struct hd_tree_view *)(const void *)&listing;
	const struct hd_tree_view *other = (const struct hd_tree_view *)(const void *)&directory;
	struct hd_content tree = content_of(7), another = content_of(8);
	struct hd_tree_pairs *pairs = NULL;

	(void)state;
	children[0].attributes.device = 5;
	children[6].unsettled = true;
	assert_int_equal(hd_tree_pairs_note(&pairs, view, &tree, &listing, &directory), 0);
	assert_true(hd_tree_pairs_find(pairs, view, &tree, &directory, &old, &new));
	assert_names(&old, old_names);
	assert_names(&new, new_names);
	assert_ptr_equal(new.entries[2].node, &children[2]);
	assert_true(new.entries[4].unreferenced);
	/* The names are the pair's own. */
	assert_ptr_not_equal(old.entries[0].name, entries[0].name);
	hd_tree_view_listing_clear(&old);
	hd_tree_view_listing_clear(&new);
	assert_true(hd_tree_pairs_find(pairs, view, &tree, &directory, &old, &new));
	assert_false(hd_tree_pairs_find(pairs, other, &tree, &directory, &old, &new));
	assert_false(hd_tree_pairs_find(pairs, view, &another, &directory, &old, &new));
	assert_false(hd_tree_pairs_find(pairs, view, &tree, &stranger, &old, &new));
	hd_tree_pairs_free(pairs);
}

static void empty_directories_have_pairs_as_well(void **state)
{
	struct hd_snapshot_node none[1] = {{0}}, directory = {.children = none};
	struct hd_tree_view_listing listing = {0}, old = {.count = 1}, new = {.count = 1};
	const struct hd_tree_view *view = (const struct hd_tree_view *)(const void *)&listing;
	struct hd_content tree = {0};
	struct hd_tree_pairs *pairs = NULL;

	(void)state;
	assert_int_equal(hd_tree_pairs_note(&pairs, view, &tree, &listing, &directory), 0);
	assert_true(hd_tree_pairs_find(pairs, view, &tree, &directory, &old, &new));
	assert_int_equal(old.count + new.count, 0);
	hd_tree_pairs_free(pairs);
	hd_tree_pairs_free(NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_the_same_is_left_out),
		cmocka_unit_test(empty_directories_have_pairs_as_well),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
