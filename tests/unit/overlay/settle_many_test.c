/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/contents/promotion.h"
#include "overlay/snapshot.h"
#include "overlay/store/store.h"
#include "tests/unit/overlay/yard.h"

/* Files that are settled together: what they become, and what happens to one that is written meanwhile. */

static void assert_node(struct hd_snapshot *snapshot, const struct hd_snapshot_node *node, const char *text)
{
	char buffer[64] = "";
	size_t size = 0;

	assert_success(hd_snapshot_read(snapshot, node, buffer, sizeof(buffer) - 1, 0, &size));
	assert_string_equal(buffer, text);
}

static struct hd_snapshot *take(struct hd_overlay *overlay)
{
	struct hd_snapshot *snapshot = NULL;

	assert_success(hd_snapshot_take(overlay, false, &snapshot));
	return snapshot;
}

/* Small, large, empty and equal ones, links, and one that is settled before. */
static void many_files_are_settled_as_one_by_one(void **state)
{
	enum { COUNT = 600, LARGE = 200 << 10 };
	struct yard *yard = *state;
	struct hd_attributes attributes;
	struct hd_snapshot_node *nodes[COUNT], *root;
	struct hd_content *contents = calloc(COUNT, sizeof(*contents));
	char *large = calloc(1, LARGE + 1);
	struct hd_snapshot *snapshot;

	(void)yard_open(yard);
	memset(large, 'x', LARGE);
	for (unsigned i = 0; i < COUNT; i++) {
		char name[16], text[64];

		(void)snprintf(name, sizeof(name), "file%03u", i);
		(void)snprintf(text, sizeof(text), "%*u", (int)(i % 50), i / 3);
		if (i % 100 == 7)
			assert_success(hd_overlay_symlink(
				yard->overlay, &yard_caller, HD_ROOT_INO, name, text, &attributes));
		else if (i % 100 == 8)
			(void)make_file(yard->overlay, HD_ROOT_INO, name);
		else
			write_text(yard->overlay, make_file(yard->overlay, HD_ROOT_INO, name),
				i % 100 == 9 ? large : text);
	}
	snapshot = take(yard->overlay);
	root = hd_snapshot_root(snapshot);
	assert_int_equal(root->n_children, COUNT);
	for (size_t i = 0; i < COUNT; i++)
		nodes[i] = &root->children[i];
	assert_success(hd_snapshot_settle(snapshot, nodes[3]));
	assert_success(hd_snapshot_settle_all(snapshot, nodes, COUNT));
	for (size_t i = 0; i < COUNT; i++) {
		assert_false(nodes[i]->unsettled);
		contents[i] = nodes[i]->content;
	}
	assert_node(snapshot, &root->children[7], "      2");
	assert_int_equal(root->children[409].attributes.size, LARGE);
	assert_node(snapshot, &root->children[300], "100");
	hd_snapshot_free(snapshot);
	/* What the inodes were told is what the nodes were. */
	snapshot = take(yard->overlay);
	root = hd_snapshot_root(snapshot);
	for (size_t i = 0; i < COUNT; i++) {
		assert_false(root->children[i].unsettled);
		assert_true(hd_content_equal(&root->children[i].content, &contents[i]));
	}
	hd_snapshot_free(snapshot);
	free(contents);
	free(large);
}

/* Between its bytes' being put into the store and the file's being told. */
static void a_file_that_is_written_while_it_is_settled_keeps_what_was_written(void **state)
{
	struct yard *yard = *state;
	struct hd_object_batch *batch = NULL;
	struct hd_settling settling;
	struct hd_snapshot *snapshot;
	struct hd_snapshot_node *node;
	hd_ino file;

	(void)yard_open(yard);
	file = make_file(yard->overlay, HD_ROOT_INO, "file");
	write_text(yard->overlay, file, "before");
	assert_success(hd_object_batch_new(yard->store->objects, &batch));
	assert_int_equal(hd_file_settle_begin(yard->overlay, file, NULL, batch, &settling), 1);
	write_text(yard->overlay, file, "behind");
	assert_success(hd_object_batch_flush(batch));
	assert_int_equal(hd_file_settle_end(yard->overlay, NULL, &settling), -EAGAIN);
	hd_object_batch_free(batch);
	snapshot = take(yard->overlay);
	node = hd_snapshot_root(snapshot)->children;
	assert_true(node->unsettled);
	assert_success(hd_snapshot_settle(snapshot, node));
	assert_node(snapshot, node, "behind");
	hd_snapshot_free(snapshot);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup, yard_teardown)
		TEST(many_files_are_settled_as_one_by_one),
		TEST(a_file_that_is_written_while_it_is_settled_keeps_what_was_written),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
