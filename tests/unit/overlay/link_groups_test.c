/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/snapshot.h"
#include "tests/unit/overlay/yard.h"

/*
 * Hard links of the base: "first" in the root and "second" in the directory "top" are one file, and what is done
 * through one name is seen through the other, whenever that comes to be looked at.
 */

#define BYTES 3

static uint32_t add_link(struct yard *yard, uint32_t parent, const char *name, uint64_t group, uint32_t links)
{
	uint32_t node = yard_base_add(yard, parent, name, S_IFREG | 0644, BYTES);

	yard->base->nodes[node].link_group = group;
	yard->base->nodes[node].links = links;
	return node;
}

/* The two names, of LINKS that the base tells of. */
static void make_pair(struct yard *yard, uint32_t links)
{
	uint32_t top = yard_base_add(yard, 0, "top", S_IFDIR | 0755, 0);

	(void)add_link(yard, 0, "first", 99, links);
	(void)add_link(yard, top, "second", 99, links);
}

static hd_ino find_second(struct hd_overlay *overlay)
{
	return find(overlay, find(overlay, HD_ROOT_INO, "top"), "second");
}

static void forget_file(struct hd_overlay *overlay, hd_ino ino)
{
	hd_overlay_forget(overlay, ino, 1);
}

static void every_name_counts_before_it_was_looked_at(void **state)
{
	struct yard *yard = *state;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	file = find(yard->overlay, HD_ROOT_INO, "first");
	assert_int_equal(attributes_of(yard->overlay, file).nlink, 2);
	assert_true(find_second(yard->overlay) == file);
	assert_int_equal(attributes_of(yard->overlay, file).nlink, 2);
}

static void a_change_outlives_the_name_it_was_made_through(void **state)
{
	struct yard *yard = *state;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	file = find(yard->overlay, HD_ROOT_INO, "first");
	write_text(yard->overlay, file, "changed");
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "first"));
	forget_file(yard->overlay, file);
	assert_text(yard->overlay, find_second(yard->overlay), "changed");
	assert_int_equal(attributes_of(yard->overlay, find_second(yard->overlay)).nlink, 1);
	assert_success(hd_overlay_unlink(yard->overlay, find(yard->overlay, HD_ROOT_INO, "top"), "second"));
}

static void a_change_outlives_its_name_over_a_new_mount(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_counters counters;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	file = find(yard->overlay, HD_ROOT_INO, "first");
	write_text(yard->overlay, file, "changed");
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "first"));
	(void)yard_reopen(yard);
	(void)yard_reopen(yard);
	assert_text(yard->overlay, find_second(yard->overlay), "changed");
	assert_success(hd_overlay_unlink(yard->overlay, find(yard->overlay, HD_ROOT_INO, "top"), "second"));
	(void)yard_reopen(yard);
	assert_missing(yard->overlay, find(yard->overlay, HD_ROOT_INO, "top"), "second");
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.inodes, 2); /* the root and top */
}

static void a_file_that_is_replaced_lives_on_under_its_other_name(void **state)
{
	struct yard *yard = *state;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	write_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "first"), "changed");
	file = make_file(yard->overlay, HD_ROOT_INO, "other");
	write_text(yard->overlay, file, "other");
	assert_success(hd_overlay_rename(yard->overlay, HD_ROOT_INO, "other", HD_ROOT_INO, "first", 0));
	(void)yard_reopen(yard);
	assert_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "first"), "other");
	assert_text(yard->overlay, find_second(yard->overlay), "changed");
}

static void a_name_can_be_given_to_a_file_without_one(void **state)
{
	struct yard *yard = *state;
	struct hd_attributes attributes;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	file = find(yard->overlay, HD_ROOT_INO, "first");
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "first"));
	assert_success(hd_overlay_link(yard->overlay, file, HD_ROOT_INO, "third", &attributes));
	assert_int_equal(attributes.nlink, 2);
	(void)yard_reopen(yard);
	file = find(yard->overlay, HD_ROOT_INO, "third");
	assert_true(find_second(yard->overlay) == file);
	assert_int_equal(attributes_of(yard->overlay, file).nlink, 2);
}

static const struct hd_snapshot_node *node_of(const struct hd_snapshot_node *node, const char *name)
{
	for (size_t i = 0; i < node->n_children; i++)
		if (strcmp(node->children[i].name, name) == 0)
			return &node->children[i];
	fail_msg("the snapshot has no '%s'", name);
	return NULL;
}

static void a_snapshot_has_a_change_under_every_name(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot = NULL;
	const struct hd_snapshot_node *root, *second;
	char bytes[16] = "";
	size_t size = 0;

	make_pair(yard, 2);
	(void)yard_open(yard);
	write_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "first"), "changed");
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "first"));
	assert_success(hd_snapshot_take(yard->overlay, false, &snapshot));
	root = hd_snapshot_root(snapshot);
	assert_int_equal(root->n_children, 1);
	second = node_of(node_of(root, "top"), "second");
	assert_true(second->changed);
	assert_int_equal(second->attributes.nlink, 1);
	assert_success(hd_snapshot_read(snapshot, second, bytes, sizeof(bytes) - 1, 0, &size));
	assert_string_equal(bytes, "changed");
	hd_snapshot_free(snapshot);
}

/* What no directory of the base has is waited for until a snapshot needs it, and no longer. */
static void names_outside_of_the_base_keep_nothing_alive(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot = NULL;
	struct hd_overlay_counters counters;

	make_pair(yard, 3);
	(void)yard_open(yard);
	write_text(yard->overlay, find(yard->overlay, HD_ROOT_INO, "first"), "changed");
	assert_int_equal(attributes_of(yard->overlay, find_second(yard->overlay)).nlink, 3);
	assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, "first"));
	assert_success(hd_overlay_unlink(yard->overlay, find(yard->overlay, HD_ROOT_INO, "top"), "second"));
	(void)yard_reopen(yard);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.inodes, 3);
	assert_success(hd_snapshot_take(yard->overlay, false, &snapshot));
	hd_snapshot_free(snapshot);
	hd_overlay_counters(yard->overlay, &counters);
	assert_int_equal(counters.inodes, 2); /* the root and top */
}

/* A base that cannot be listed holds no snapshot up; the name gets the change when it can be. */
static void a_directory_that_cannot_be_loaded_is_passed_over(void **state)
{
	struct yard *yard = *state;
	struct hd_snapshot *snapshot = NULL;
	hd_ino file;

	make_pair(yard, 2);
	(void)yard_open(yard);
	file = find(yard->overlay, HD_ROOT_INO, "first");
	write_text(yard->overlay, file, "changed");
	atomic_store(&yard->base->fail_lists, 1);
	assert_success(hd_snapshot_take(yard->overlay, false, &snapshot));
	assert_int_equal(atomic_load(&yard->base->fail_lists), 0);
	assert_null(node_of(hd_snapshot_root(snapshot), "top")->children);
	hd_snapshot_free(snapshot);
	assert_true(find_second(yard->overlay) == file);
	assert_success(hd_snapshot_take(yard->overlay, false, &snapshot));
	assert_true(node_of(node_of(hd_snapshot_root(snapshot), "top"), "second")->changed);
	hd_snapshot_free(snapshot);
}

/* Many files, and directories in directories: more than fits one transaction, and found behind the first pass. */
static void names_deep_in_the_base_are_found(void **state)
{
	enum { FILES = 1500, DEPTH = 40 };
	struct yard *yard = *state;
	struct hd_snapshot *snapshot = NULL;
	uint32_t directory = 0;
	const struct hd_snapshot_node *node;
	char name[32];

	for (int i = 0; i < DEPTH; i++)
		directory = yard_base_add(yard, directory, "below", S_IFDIR | 0755, 0);
	for (uint64_t i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", (int)i);
		(void)add_link(yard, 0, name, i + 1, i < FILES / 2 ? 2 : 3);
		(void)add_link(yard, directory, name, i + 1, i < FILES / 2 ? 2 : 3);
	}
	(void)yard_open(yard);
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_success(hd_overlay_unlink(yard->overlay, HD_ROOT_INO, name));
	}
	assert_success(hd_snapshot_take(yard->overlay, false, &snapshot));
	node = hd_snapshot_root(snapshot);
	for (int i = 0; i < DEPTH; i++)
		node = node_of(node, "below");
	assert_int_equal(node->n_children, FILES);
	assert_int_equal(node_of(node, "f0")->attributes.nlink, 1);
	assert_int_equal(node_of(node, "f1499")->attributes.nlink, 2);
	hd_snapshot_free(snapshot);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(every_name_counts_before_it_was_looked_at),
		TEST(a_change_outlives_the_name_it_was_made_through),
		TEST(a_change_outlives_its_name_over_a_new_mount),
		TEST(a_file_that_is_replaced_lives_on_under_its_other_name),
		TEST(a_name_can_be_given_to_a_file_without_one),
		TEST(a_snapshot_has_a_change_under_every_name),
		TEST(names_outside_of_the_base_keep_nothing_alive),
		TEST(a_directory_that_cannot_be_loaded_is_passed_over),
		TEST(names_deep_in_the_base_are_found),
	};

	return cmocka_run_group_tests_name("link groups", tests, NULL, NULL);
}
