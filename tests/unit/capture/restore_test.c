/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/restore.h"

#include <errno.h>

#include "capture/tree_compose.h"
#include "tests/unit/capture/live.h"

/* Whole trees and paths of them come back, with their times, and nothing else changes. */

static struct hd_overlay *begin(struct scene *scene)
{
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	return live_open(scene);
}

static int try_restore(
	struct scene *scene, const struct hd_state *source, const char *const *paths, bool *ret_nothing)
{
	struct hd_restore_options options = {
		.thread = "main", .source = &source->id, .paths = paths, .actor = "A <a@b>"};
	struct hd_operation operation;
	bool nothing = false;
	int r;

	while (paths && paths[options.n_paths])
		options.n_paths++;
	r = hd_restore(scene->store, &options, &operation, &nothing);
	if (r >= 0 && !nothing)
		hd_operation_clear(&operation);
	if (r >= 0 && ret_nothing)
		*ret_nothing = nothing;
	return r;
}

static void restore(struct scene *scene, const struct hd_state *source, const char *path)
{
	const char *const paths[] = {path, NULL};
	bool nothing = false;

	assert_success(try_restore(scene, source, path ? paths : NULL, &nothing));
	assert_false(nothing);
}

static void assert_restored(
	struct scene *scene, const struct hd_state *source, const char *path, const char *status)
{
	struct hd_overlay *overlay;

	restore(scene, source, path);
	overlay = live_open(scene);
	live_assert_status(overlay, status);
	live_close(overlay);
}

static void the_whole_tree_comes_back_and_the_head_stays(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;
	struct hd_state_id head;
	char *text;

	live_write(overlay, "README", "new\n");
	live_chmod(overlay, "src/x.c", 0700);
	live_capture(overlay, "first", &first);
	live_close(overlay);
	assert_restored(scene, &scene->base, NULL, "M README\nM src/x.c\n");
	overlay = live_open(scene);
	hd_overlay_head(overlay, &head);
	assert_true(hd_state_id_equal(&head, &first.id));
	text = live_read(overlay, "README");
	assert_string_equal(text, "one\ntwo\nthree\n");
	free(text);
	live_close(overlay);
	assert_restored(scene, &first, NULL, "");
	hd_state_clear(&first);
}

static void only_the_path_changes(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);

	live_write(overlay, "README", "new\n");
	live_write(overlay, "src/deep/file", "deeper\n");
	live_write(overlay, "src/extra", "x");
	live_remove(overlay, "src/x.c");
	live_close(overlay);
	assert_restored(scene, &scene->base, "src/deep/file", "M README\nA src/extra\nD src/x.c\n");
	assert_restored(scene, &scene->base, "./src//x.c/", "M README\nA src/extra\n");
	assert_restored(scene, &scene->base, "src/extra", "M README\n");
	assert_restored(scene, &scene->base, "README", "");
	overlay = live_open(scene);
	live_assert_nothing(overlay);
	live_close(overlay);
}

static void directories_come_back_with_what_is_below_them(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);

	live_remove_tree(overlay, "src");
	live_write(overlay, "src", "a file now");
	live_close(overlay);
	/* Only the way down is made, then everything. */
	assert_restored(scene, &scene->base, "src/deep/file", "D src/link\nD src/run\nD src/x.c\n");
	assert_restored(scene, &scene->base, "src", "");
}

static void what_a_state_does_not_have_is_deleted(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;

	live_make_directory(overlay, "new");
	live_make_directory(overlay, "new/sub");
	live_write(overlay, "new/sub/file", "x");
	live_capture(overlay, "first", &first);
	live_close(overlay);
	assert_restored(scene, &scene->base, "new/sub/file", "D new/sub/file\n");
	assert_restored(scene, &scene->base, "new", "D new\nD new/sub\nD new/sub/file\n");
	assert_restored(scene, &first, "new/sub", "");
	hd_state_clear(&first);
}

static void what_is_nowhere_is_an_error_and_changes_nothing(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	const char *const missing[] = {"README", "no/such", NULL};
	const char *const above[] = {"../README", NULL};
	const char *const below_file[] = {"README/x", NULL};
	const char *const same[] = {"src", "docs", NULL};
	bool nothing = false;

	live_write(overlay, "README", "new\n");
	live_close(overlay);
	assert_int_equal(try_restore(scene, &scene->base, missing, NULL), -HD_E_PATH_MISSING);
	assert_int_equal(try_restore(scene, &scene->base, above, NULL), -EINVAL);
	assert_int_equal(try_restore(scene, &scene->base, below_file, NULL), -HD_E_PATH_MISSING);
	assert_success(try_restore(scene, &scene->base, same, &nothing));
	assert_true(nothing);
	overlay = live_open(scene);
	live_assert_status(overlay, "M README\n");
	live_close(overlay);
}

/* A restored tree has the names that a capture gives: equal content is equal trees, however it came about. */
static void a_composed_tree_is_named_as_a_captured_one(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first, second, third;

	live_write(overlay, "src/deep/file", "deeper\n");
	live_capture(overlay, "first", &first);
	live_write(overlay, "README", "new\n");
	live_write(overlay, "src/deep/file", "deepest\n");
	live_capture(overlay, "second", &second);
	live_close(overlay);
	restore(scene, &first, "src/deep/file");
	restore(scene, &scene->base, "README");
	overlay = live_open(scene);
	live_capture(overlay, "third", &third);
	assert_true(hd_content_equal(&third.tree, &first.tree));
	live_close(overlay);
	restore(scene, &scene->base, "src");
	overlay = live_open(scene);
	hd_state_clear(&third);
	live_capture(overlay, "the base again", &third);
	assert_true(hd_content_equal(&third.tree, &scene->base.tree));
	live_close(overlay);
	hd_state_clear(&first);
	hd_state_clear(&second);
	hd_state_clear(&third);
}

static int64_t time_of(struct scene *scene, const char *path)
{
	struct hd_overlay *overlay = live_open(scene);
	int64_t time = live_stat(overlay, path).modify_time.tv_sec;

	live_close(overlay);
	return time;
}

static void times_are_those_of_the_trees(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;
	int64_t untouched = live_stat(overlay, "src/deep/file").modify_time.tv_sec;

	live_set_time(overlay, "README", 1111);
	live_write(overlay, "src/x.c", "new\n");
	live_set_time(overlay, "src/x.c", 2222);
	live_capture(overlay, "first", &first);
	live_write(overlay, "src/x.c", "newer\n");
	live_close(overlay);
	restore(scene, &first, "src/x.c");
	assert_int_equal(time_of(scene, "src/x.c"), 2222);
	assert_int_equal(time_of(scene, "README"), 1111);
	/* In a directory of the commit that nobody ever changed, and in one made anew around it. */
	assert_int_equal(time_of(scene, "src/deep/file"), untouched);
	assert_int_equal(time_of(scene, "src/run"), untouched);
	restore(scene, &scene->base, NULL);
	assert_int_equal(time_of(scene, "src/x.c"), untouched);
	hd_state_clear(&first);
}

static unsigned draw_below(unsigned *draw, unsigned limit)
{
	*draw = *draw * 1103515245u + 12345u;
	return (*draw >> 16) % limit;
}

/* "a-" comes between "a" and "a/b" for who compares bytes. */
static const char *const drawn_names[] = {"a", "a-", "b", "z"};

/* In the directory PATH, which ends with a slash or is empty: for each name nothing, a file or a directory. */
static void write_some(struct hd_overlay *overlay, unsigned *draw, const char *path, int depth)
{
	for (size_t i = 0; i < HD_ARRAY_SIZE(drawn_names); i++) {
		unsigned kind = draw_below(draw, depth < 2 ? 4 : 2);
		char name[16];

		snprintf(name, sizeof(name), "%s%s", path, drawn_names[i]);
		if (kind == 1)
			live_write(overlay, name, draw_below(draw, 2) ? "one" : "two");
		if (kind < 2)
			continue;
		live_make_directory(overlay, name);
		strcat(name, "/");
		write_some(overlay, draw, name, depth + 1);
	}
}

static void remove_some(struct hd_overlay *overlay)
{
	struct hd_attributes attributes;

	for (size_t i = 0; i < HD_ARRAY_SIZE(drawn_names); i++) {
		const char *name = drawn_names[i];

		if (hd_overlay_lookup(overlay, HD_ROOT_INO, name, &attributes) == -ENOENT)
			continue;
		if (S_ISDIR(attributes.mode))
			live_remove_tree(overlay, name);
		else
			live_remove(overlay, name);
	}
}

/* Paths of both trees and of none, in any order, the same ones and some below others. */
static size_t draw_paths(unsigned *draw, char paths[][16], const char **list)
{
	size_t count = 2 + draw_below(draw, 20);

	for (size_t i = 0; i < count; i++) {
		unsigned parts = 1 + draw_below(draw, 3);
		int length = 0;

		for (unsigned k = 0; k < parts; k++)
			length += snprintf(paths[i] + length, 16 - (size_t)length, "%s%s", k > 0 ? "/" : "",
				drawn_names[draw_below(draw, HD_ARRAY_SIZE(drawn_names))]);
		list[i] = paths[i];
	}
	return count;
}

/* One after the other, without those that are nowhere; how many that were. */
static size_t compose_each(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char **list, size_t *count, struct hd_state *target)
{
	size_t kept = 0, nowhere = 0;

	for (size_t i = 0; i < *count; i++) {
		struct hd_state before = *target;
		int r = hd_tree_compose_path(compose, source, list[i], target);

		if (r == -HD_E_PATH_MISSING) {
			*target = before;
			nowhere++;
			continue;
		}
		assert_success(r);
		list[kept++] = list[i];
	}
	*count = kept;
	return nowhere;
}

static void paths_together_are_what_they_are_one_after_the_other(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	const struct hd_tree_compose compose = {
		.store = scene->store, .bases = scene->bases, .thread = "main"};
	struct hd_state first, second;
	unsigned draw = 7;
	size_t nowhere = 0;

	write_some(overlay, &draw, "", 0);
	live_capture(overlay, "first", &first);
	remove_some(overlay);
	write_some(overlay, &draw, "", 0);
	live_capture(overlay, "second", &second);
	for (int round = 0; round < 300; round++) {
		struct hd_state one = second, all = second; /* own nothing */
		const char *list[24];
		char paths[24][16];
		size_t count = draw_paths(&draw, paths, list);

		nowhere += compose_each(&compose, &first, list, &count, &one);
		assert_success(hd_tree_compose_paths(&compose, &first, list, count, &all));
		assert_true(hd_content_equal(&one.tree, &all.tree));
		assert_true(hd_content_equal(&one.attributes, &all.attributes));
	}
	assert_true(nowhere > 0);
	hd_state_clear(&first);
	hd_state_clear(&second);
	live_close(overlay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(the_whole_tree_comes_back_and_the_head_stays),
		TEST(only_the_path_changes),
		TEST(directories_come_back_with_what_is_below_them),
		TEST(what_a_state_does_not_have_is_deleted),
		TEST(what_is_nowhere_is_an_error_and_changes_nothing),
		TEST(a_composed_tree_is_named_as_a_captured_one),
		TEST(times_are_those_of_the_trees),
		TEST(paths_together_are_what_they_are_one_after_the_other),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
