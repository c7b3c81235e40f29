/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/compare/tree_comparison.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/tree_codec.h"

/* What counts as a difference, in which order it is reported, and what is not read to find out. */

static int note(const struct hd_change *change, void *payload)
{
	hd_buffer_printf(payload, "%s %s%s\n", hd_change_kind_letter(change->kind), change->path,
		change->kind == HD_CHANGE_MODIFIED && !change->content_differs ? " (mode)" : "");
	return 0;
}

static void assert_changes(
	struct scene *scene, const struct hd_state *old, const struct hd_state *new, const char *expected)
{
	struct hd_tree_view *old_view, *new_view;
	struct hd_change_counts counts;
	struct hd_buffer text = {0};
	unsigned lines = 0;

	assert_success(hd_tree_view_of_state(scene->bases, old, &old_view));
	assert_success(hd_tree_view_of_state(scene->bases, new, &new_view));
	assert_success(hd_tree_comparison_run(old_view, new_view, HD_MOVES_IGNORED, note, &text, &counts));
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	for (const char *end = strchr(expected, '\n'); end; end = strchr(end + 1, '\n'))
		lines++;
	assert_int_equal(counts.added + counts.modified + counts.deleted, lines);
	hd_buffer_clear(&text);
	hd_tree_view_free(old_view);
	hd_tree_view_free(new_view);
}

static void changes_are_reported_in_the_order_of_paths_with_all_below_new_and_deleted_directories(
	void **state)
{
	struct scene *scene = *state;
	const struct spec specs[] = {
		{.path = "README", .mode = S_IFREG | 0644, .text = "other"},
		{.path = "a/b/c", .mode = S_IFREG | 0644, .text = "c"},
		{.path = "a/d", .mode = S_IFDIR | 0755},
		{.path = "src"},
	};
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, 4, "first", &first);
	assert_changes(scene, &scene->base, &first,
		"M README\nA a\nA a/b\nA a/b/c\nA a/d\nD src\nD src/deep\nD src/deep/file\nD src/link\nD "
		"src/run\n"
		"D src/x.c\n");
	assert_changes(scene, &first, &scene->base,
		"M README\nD a\nD a/b\nD a/b/c\nD a/d\nA src\nA src/deep\nA src/deep/file\nA src/link\nA "
		"src/run\n"
		"A src/x.c\n");
	assert_changes(scene, &first, &first, "");
	hd_state_clear(&first);
}

static void another_type_is_a_deletion_and_an_addition(void **state)
{
	struct scene *scene = *state;
	const struct spec specs[] = {
		{.path = "src"},
		{.path = "docs/manual/page", .mode = S_IFREG | 0644, .text = "page"},
	};
	const struct spec file = {.path = "src", .mode = S_IFREG | 0644, .text = "a file"};
	struct hd_state first, second;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, 1, "first", &first);
	scene_commit(scene, &first, &file, 1, "second", &second);
	assert_changes(scene, &scene->base, &second,
		"D src\nD src/deep\nD src/deep/file\nD src/link\nD src/run\nD src/x.c\nA src\n");
	assert_changes(scene, &second, &scene->base,
		"D src\nA src\nA src/deep\nA src/deep/file\nA src/link\nA src/run\nA src/x.c\n");
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void the_same_bytes_under_another_reference_are_no_change(void **state)
{
	struct scene *scene = *state;
	const struct spec specs[] = {
		{.path = "README", .mode = S_IFREG | 0644, .text = "one\ntwo\nthree\n"},
		{.path = "src/link", .mode = S_IFLNK | 0777, .text = "../README"},
		{.path = "docs/manual", .mode = S_IFREG | 0644, .text = "Manual\n"},
	};
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, 3, "first", &first);
	assert_changes(scene, &scene->base, &first, "M docs/manual\n");
	hd_state_clear(&first);
}

static void permission_bits_are_a_change_of_their_own(void **state)
{
	struct scene *scene = *state;
	const struct spec specs[] = {
		{.path = "README", .mode = S_IFREG | 0600, .text = "one\ntwo\nthree\n"},
		{.path = "empty", .mode = S_IFDIR | 0700},
		{.path = "node", .mode = S_IFIFO | 0600},
	};
	const struct spec opened[] = {
		{.path = "empty", .mode = S_IFDIR | 0755},
		{.path = "node", .mode = S_IFIFO | 0644},
	};
	struct hd_state first, second;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, 3, "first", &first);
	scene_commit(scene, &first, opened, 2, "second", &second);
	assert_changes(scene, &scene->base, &first, "M README (mode)\nA empty\nA node\n");
	assert_changes(scene, &first, &second, "M empty (mode)\nM node (mode)\n");
	second.root_mode = 0700;
	assert_changes(scene, &second, &first, "M . (mode)\nM empty (mode)\nM node (mode)\n");
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void equal_directories_are_not_entered(void **state)
{
	struct scene *scene = *state;
	struct spec missing = {.path = "broken", .mode = S_IFDIR | 0755};
	struct spec change = {.path = "README", .mode = S_IFREG | 0644, .text = "x"};
	struct hd_tree_view *view;
	struct hd_tree_view_entry broken;
	struct hd_tree_view_listing listing;
	struct hd_state first, second;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	/* A directory that cannot be listed: whoever enters it fails. */
	missing.content = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1, 2, 3}};
	scene_commit(scene, &scene->base, &missing, 1, "first", &first);
	scene_commit(scene, &first, &change, 1, "second", &second);
	assert_changes(scene, &first, &second, "M README\n");
	scene_find(scene, &second, "broken", &broken);
	assert_success(hd_tree_view_of_state(scene->bases, &second, &view));
	assert_code(hd_tree_view_list(view, &broken, &listing), HD_E_OBJECT_MISSING);
	hd_tree_view_free(view);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void a_tree_may_be_deeper_than_the_stack(void **state)
{
	struct scene *scene = *state;
	enum { DEPTH = 20000 };
	struct hd_state deep = {.root_mode = 0755};
	struct hd_tree_view *empty_view, *deep_view;
	struct hd_change_counts counts;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	for (int i = 0; i < DEPTH; i++) {
		struct hd_tree_entry entry = {
			.name = "d", .name_length = 1, .mode = S_IFDIR | 0755, .content = deep.tree};
		struct hd_buffer bytes = {0};

		assert_success(hd_tree_encode(&entry, 1, &bytes));
		assert_success(
			hd_object_store_put(scene->store->objects, bytes.data, bytes.size, &deep.tree));
		hd_buffer_clear(&bytes);
	}
	assert_success(hd_tree_view_of_state(scene->bases, NULL, &empty_view));
	assert_success(hd_tree_view_of_state(scene->bases, &deep, &deep_view));
	assert_success(hd_tree_comparison_run(empty_view, deep_view, HD_MOVES_IGNORED, NULL, NULL, &counts));
	assert_int_equal(counts.added, DEPTH);
	hd_tree_view_free(empty_view);
	hd_tree_view_free(deep_view);
}

static int stop(const struct hd_change *change, void *payload)
{
	(void)change;
	++*(int *)payload;
	return 7;
}

static void a_callback_ends_the_walk(void **state)
{
	struct scene *scene = *state;
	struct hd_tree_view *empty_view, *base_view;
	int calls = 0;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	assert_success(hd_tree_view_of_state(scene->bases, NULL, &empty_view));
	assert_success(hd_tree_view_of_state(scene->bases, &scene->base, &base_view));
	assert_int_equal(
		hd_tree_comparison_run(empty_view, base_view, HD_MOVES_IGNORED, stop, &calls, NULL), 7);
	assert_int_equal(calls, 1);
	hd_tree_view_free(empty_view);
	hd_tree_view_free(base_view);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(changes_are_reported_in_the_order_of_paths_with_all_below_new_and_deleted_directories),
		TEST(another_type_is_a_deletion_and_an_addition),
		TEST(the_same_bytes_under_another_reference_are_no_change),
		TEST(permission_bits_are_a_change_of_their_own),
		TEST(equal_directories_are_not_entered),
		TEST(a_tree_may_be_deeper_than_the_stack),
		TEST(a_callback_ends_the_walk),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
