/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_operations.h"
#include "tests/unit/capture/live.h"

#include "capture/git/export/export_git.h"

/* Equal trees have equal names, however they came about: two threads over one commit do different things. */

static void begin(struct scene *scene)
{
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
}

/* A new thread NAME that begins at AT. */
static struct hd_overlay *open_thread(struct scene *scene, const char *name, const struct hd_state *at)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = name, .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;

	assert_success(hd_index_create_thread(scene->store->index, name, &at->id));
	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

static struct hd_overlay *open_other(struct scene *scene)
{
	return open_thread(scene, "other", &scene->base);
}

/* Captures and closes. */
static struct hd_content tree_of(struct hd_overlay *overlay)
{
	struct hd_content tree;
	struct hd_state captured;

	live_capture(overlay, "state", &captured);
	tree = captured.tree;
	hd_state_clear(&captured);
	live_close(overlay);
	return tree;
}

static void assert_same(const struct hd_content *a, const struct hd_content *b)
{
	char left[HD_CONTENT_TEXT_SIZE], right[HD_CONTENT_TEXT_SIZE];

	assert_string_equal(hd_content_format(a, left), hd_content_format(b, right));
}

static enum hd_content_kind kind_of(struct scene *scene, const struct hd_state *state, const char *path)
{
	struct hd_tree_view_entry entry;

	scene_find(scene, state, path, &entry);
	return (enum hd_content_kind)entry.content.kind;
}

static void export_and_check(struct scene *scene)
{
	struct hd_export_git_options options = {.thread = "main"};
	struct hd_export_git_result result;

	assert_success(hd_export_git(scene->store, scene->bases, &options, &result));
	hd_export_git_result_clear(&result);
	scene_run(scene, "git -C repo fsck --strict --no-dangling");
}

static void a_moved_file_and_a_copied_one_make_the_same_tree(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content moved, copied;

	begin(scene);
	overlay = live_open(scene);
	live_rename(overlay, "src/x.c", "y.c");
	moved = tree_of(overlay);
	overlay = open_other(scene);
	live_write(overlay, "y.c", "int x;\n");
	live_remove(overlay, "src/x.c");
	copied = tree_of(overlay);
	assert_same(&moved, &copied);
}

static void a_moved_directory_and_a_copied_one_make_the_same_tree(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content moved, copied;
	struct hd_state captured;

	begin(scene);
	overlay = live_open(scene);
	live_rename(overlay, "src", "source");
	moved = tree_of(overlay);
	overlay = open_other(scene);
	live_make_directory(overlay, "source");
	live_make_directory(overlay, "source/deep");
	live_write(overlay, "source/deep/file", "deep\n");
	live_make_link(overlay, "source/link", "../README");
	live_write(overlay, "source/run", "#!/bin/sh\n");
	live_chmod(overlay, "source/run", 0755);
	live_write(overlay, "source/x.c", "int x;\n");
	live_remove_tree(overlay, "src");
	live_capture(overlay, "copied", &captured);
	copied = captured.tree;
	assert_same(&moved, &copied);
	assert_int_equal(kind_of(scene, &captured, "source"), HD_CONTENT_GIT);
	/* It is what was deleted, however it was made. */
	assert_int_equal(captured.moved, 1);
	assert_int_equal(captured.n_moves, 1);
	live_close(overlay);
	hd_state_clear(&captured);
}

static void the_mode_of_a_file_or_directory_makes_a_difference(void **state)
{
	struct scene *scene = *state;
	static const struct {
		const char *path;
		mode_t mode;
	} changes[] = {{"manual/manual", 0755}, {"manual/manual", 0600}, {"manual", 0700}};
	struct hd_overlay *overlay;
	struct hd_content moved, other;
	struct hd_state captured;
	char name[16];

	begin(scene);
	overlay = live_open(scene);
	live_rename(overlay, "docs", "manual");
	moved = tree_of(overlay);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		(void)snprintf(name, sizeof(name), "other%zu", i);
		overlay = open_thread(scene, name, &scene->base);
		live_rename(overlay, "docs", "manual");
		live_chmod(overlay, changes[i].path, changes[i].mode);
		live_capture(overlay, "chmod", &captured);
		assert_false(hd_content_equal(&captured.tree, &moved));
		assert_int_equal(kind_of(scene, &captured, "manual/manual"), HD_CONTENT_GIT);
		hd_state_clear(&captured);
		live_chmod(overlay, "manual/manual", 0644);
		live_chmod(overlay, "manual", 0755);
		other = tree_of(overlay);
		assert_same(&other, &moved);
	}
}

static void an_edit_that_is_undone_gives_the_tree_of_the_base(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content tree;
	struct hd_state first;

	begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "src/deep/file", "edit\n");
	live_remove_tree(overlay, "docs");
	live_chmod(overlay, "README", 0600);
	live_capture(overlay, "edit", &first);
	assert_false(hd_content_equal(&first.tree, &scene->base.tree));
	hd_state_clear(&first);
	live_write(overlay, "src/deep/file", "deep\n");
	live_make_directory(overlay, "docs");
	live_write(overlay, "docs/manual", "manual\n");
	live_chmod(overlay, "README", 0644);
	tree = tree_of(overlay);
	assert_same(&tree, &scene->base.tree);
}

static void different_histories_that_meet_have_the_same_tree(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content one, two, three;
	struct hd_state middle;

	begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "new", "first\n");
	live_capture(overlay, "first", &middle);
	live_write(overlay, "new", "deep\n");
	live_rename(overlay, "README", "docs/read");
	one = tree_of(overlay);
	overlay = open_other(scene);
	live_write(overlay, "docs/read", "one\ntwo\nthree\n");
	live_remove(overlay, "README");
	live_write(overlay, "new", "deep\n");
	two = tree_of(overlay);
	assert_same(&one, &two);
	/* A thread that begins at a capture has the same base. */
	overlay = open_thread(scene, "third", &middle);
	live_rename(overlay, "README", "docs/read");
	live_remove(overlay, "new");
	live_rename(overlay, "src/deep/file", "new");
	live_make_directory(overlay, "src/deep/hollow");
	hd_state_clear(&middle);
	live_capture(overlay, "not yet", &middle);
	live_remove(overlay, "src/deep/hollow");
	live_write(overlay, "src/deep/file", "deep\n");
	three = tree_of(overlay);
	assert_same(&one, &three);
	hd_state_clear(&middle);
}

static void bytes_that_are_anywhere_in_the_commit_are_named_by_git(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state captured;

	begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "docs/a", "int x;\n");
	live_write(overlay, "docs/text", "../README"); /* a link's target in the commit */
	live_make_link(overlay, "docs/link", "deep\n");
	live_write(overlay, "docs/new", "int y;\n");
	live_make_link(overlay, "docs/other", "nowhere");
	live_write(overlay, "docs/empty", "");
	live_capture(overlay, "all", &captured);
	assert_int_equal(kind_of(scene, &captured, "docs/a"), HD_CONTENT_GIT);
	assert_int_equal(kind_of(scene, &captured, "docs/text"), HD_CONTENT_GIT);
	assert_int_equal(kind_of(scene, &captured, "docs/link"), HD_CONTENT_GIT);
	assert_int_equal(kind_of(scene, &captured, "docs/manual"), HD_CONTENT_GIT);
	assert_int_equal(kind_of(scene, &captured, "docs/new"), HD_CONTENT_OBJECT);
	assert_int_equal(kind_of(scene, &captured, "docs/other"), HD_CONTENT_OBJECT);
	assert_int_equal(kind_of(scene, &captured, "docs/empty"), HD_CONTENT_NONE);
	assert_int_equal(kind_of(scene, &captured, "docs"), HD_CONTENT_OBJECT);
	live_close(overlay);
	export_and_check(scene);
	hd_state_clear(&captured);
}

static void an_empty_file_is_gits_if_the_commit_has_one(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content moved, copied;

	scene_make_repository(scene);
	scene_run(scene, "cd repo && : > docs/nothing && git add -A && git commit -q -m nothing");
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	live_rename(overlay, "docs/nothing", "nothing");
	moved = tree_of(overlay);
	overlay = open_other(scene);
	live_remove(overlay, "docs/nothing");
	live_write(overlay, "nothing", "");
	copied = tree_of(overlay);
	assert_same(&moved, &copied);
}

static void a_large_file_is_found_in_the_commit(void **state)
{
	struct scene *scene = *state;
	enum { SIZE = 3000000 };
	char *bytes = malloc(SIZE + 1);
	struct hd_overlay *overlay;
	struct hd_content moved, copied;
	struct hd_state captured;

	assert_non_null(bytes);
	memset(bytes, 'z', SIZE + 1);
	scene_make_repository(scene);
	scene_run(scene,
		"cd repo && head -c %d /dev/zero | tr '\\0' z > large && git add -A && "
		"git commit -q -m large",
		SIZE);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	live_rename(overlay, "large", "huge");
	moved = tree_of(overlay);
	overlay = open_other(scene);
	live_write_bytes(overlay, "huge", bytes, SIZE + 1);
	live_remove(overlay, "large");
	live_capture(overlay, "larger", &captured);
	assert_int_equal(kind_of(scene, &captured, "huge"), HD_CONTENT_CHUNKED);
	hd_state_clear(&captured);
	live_write_bytes(overlay, "huge", bytes, SIZE);
	copied = tree_of(overlay);
	assert_same(&moved, &copied);
	free(bytes);
}

static void make_repository_with_submodule(struct scene *scene)
{
	scene_make_repository(scene);
	scene_run(scene, "cd repo && mkdir lib && echo a > lib/a && git add lib && git update-index --add "
			 "--cacheinfo 160000,$(git rev-parse HEAD),lib/module && git commit -q -m module");
	scene_initialize(scene, NULL);
}

static void an_undone_edit_beside_a_submodule_gives_the_tree_of_the_base(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content tree;
	struct hd_state first;

	make_repository_with_submodule(scene);
	overlay = live_open(scene);
	live_write(overlay, "lib/a", "edit\n");
	live_capture(overlay, "edit", &first);
	hd_state_clear(&first);
	live_write(overlay, "lib/a", "a\n");
	tree = tree_of(overlay);
	assert_same(&tree, &scene->base.tree);
}

static void a_directory_that_looks_like_one_with_a_submodule_has_none(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state captured;

	make_repository_with_submodule(scene);
	overlay = live_open(scene);
	live_make_directory(overlay, "copy");
	live_write(overlay, "copy/a", "a\n");
	live_make_directory(overlay, "copy/module");
	live_write(overlay, "lib/b", "b\n");
	live_capture(overlay, "copy", &captured);
	assert_int_equal(kind_of(scene, &captured, "copy"), HD_CONTENT_OBJECT);
	live_close(overlay);
	export_and_check(scene);
	scene_assert_output(scene, "160000 lib/module\n",
		"git -C repo ls-tree -r --format='%%(objectmode) %%(path)' heddle/main | grep ^16");
	hd_state_clear(&captured);
}

static void a_lost_or_damaged_list_of_the_commit_changes_nothing(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_content one, two, three;

	begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "copy", "deep\n");
	one = tree_of(overlay);
	scene_run(scene, "f=$(ls repo/.heddle/cache/git-*.ids) && chmod u+w $f && "
			 "dd if=/dev/zero of=$f bs=1 seek=3124 count=40 conv=notrunc status=none");
	overlay = open_other(scene);
	live_write(overlay, "copy", "deep\n");
	two = tree_of(overlay);
	assert_same(&one, &two);
	scene_run(scene, "rm -r repo/.heddle/cache");
	overlay = open_thread(scene, "third", &scene->base);
	live_write(overlay, "copy", "deep\n");
	three = tree_of(overlay);
	assert_same(&one, &three);
}

/* The commit is walked once something is asked for that only its list can tell. */
static void what_the_repository_never_had_needs_no_list_of_the_commit(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state captured;

	begin(scene);
	overlay = live_open(scene);
	live_write(overlay, "new", "never seen\n");
	live_write(overlay, "src/x.c", "int never;\n");
	live_write(overlay, "README", "one\ntwo\nthree\n");
	live_remove(overlay, "src/run");
	live_capture(overlay, "changed", &captured);
	assert_int_equal(kind_of(scene, &captured, "new"), HD_CONTENT_OBJECT);
	assert_int_equal(kind_of(scene, &captured, "README"), HD_CONTENT_GIT);
	hd_state_clear(&captured);
	scene_run(scene, "test ! -e repo/.heddle/cache || ! ls repo/.heddle/cache | grep ids");
	live_write(overlay, "copy", "deep\n");
	live_capture(overlay, "copied", &captured);
	assert_int_equal(kind_of(scene, &captured, "copy"), HD_CONTENT_GIT);
	hd_state_clear(&captured);
	scene_run(scene, "ls repo/.heddle/cache | grep -q ids");
	live_close(overlay);
}

/* The weaker promise over a directory, which has no names for bytes: decisions/0009. */
static void over_a_directory_a_file_is_named_by_its_path_where_it_was_left_alone(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state captured;

	scene_run(scene, "mkdir -p host/a && echo x > host/a/file");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_write(overlay, "a/copy", "x\n");
	live_write(overlay, "a/new", "new\n");
	live_capture(overlay, "copy", &captured);
	assert_int_equal(kind_of(scene, &captured, "a/file"), HD_CONTENT_HOST);
	assert_int_equal(kind_of(scene, &captured, "a/copy"), HD_CONTENT_OBJECT);
	hd_state_clear(&captured);
	/* Rewritten with its own bytes, it is still no change. */
	live_write(overlay, "a/file", "x\n");
	live_assert_nothing(overlay);
	live_close(overlay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_moved_file_and_a_copied_one_make_the_same_tree),
		TEST(a_moved_directory_and_a_copied_one_make_the_same_tree),
		TEST(the_mode_of_a_file_or_directory_makes_a_difference),
		TEST(an_edit_that_is_undone_gives_the_tree_of_the_base),
		TEST(different_histories_that_meet_have_the_same_tree),
		TEST(bytes_that_are_anywhere_in_the_commit_are_named_by_git),
		TEST(an_empty_file_is_gits_if_the_commit_has_one),
		TEST(a_large_file_is_found_in_the_commit),
		TEST(an_undone_edit_beside_a_submodule_gives_the_tree_of_the_base),
		TEST(a_directory_that_looks_like_one_with_a_submodule_has_none),
		TEST(a_lost_or_damaged_list_of_the_commit_changes_nothing),
		TEST(what_the_repository_never_had_needs_no_list_of_the_commit),
		TEST(over_a_directory_a_file_is_named_by_its_path_where_it_was_left_alone),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
