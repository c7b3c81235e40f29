/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/compare/diff.h"
#include "overlay/platform/buffer.h"

/*
 * Diffs between states: the list, the line counts, and the patch, which git apply must turn into the new
 * tree. What counts as a difference is in tree_comparison_test.c.
 */

static int append(void *payload, const void *data, size_t size)
{
	hd_buffer_put(payload, data, size);
	return hd_buffer_status(payload);
}

/* The patch from OLD to NEW, and the diff unless RET_DIFF is NULL. Fresh memory. */
static char *patch_of(
	struct scene *scene, const struct hd_state *old, const struct hd_state *new, struct hd_diff *ret_diff)
{
	struct hd_buffer text = {0};
	struct hd_diff_options options = {.depth = HD_DIFF_PATCH,
		.context_lines = HD_DIFF_CONTEXT_DEFAULT,
		.write = append,
		.write_payload = &text};
	struct hd_diff diff;

	assert_success(hd_diff_states(scene->store, scene->bases, &old->id, &new->id, &options, &diff));
	if (ret_diff)
		*ret_diff = diff;
	else
		hd_diff_clear(&diff);
	hd_buffer_put_u8(&text, 0);
	return hd_buffer_steal(&text, NULL);
}

static void assert_patch(
	struct scene *scene, const struct hd_state *old, const struct hd_state *new, const char *expected)
{
	char *patch = patch_of(scene, old, new, NULL);

	assert_string_equal(patch, expected);
	free(patch);
}

/* Applies PATCH to the repository's checkout, which is at the base. */
static void apply(struct scene *scene, const char *patch)
{
	char path[PATH_MAX];
	FILE *file;

	snprintf(path, sizeof(path), "%s/patch", scene->directory);
	file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fputs(patch, file) >= 0, 1);
	assert_int_equal(fclose(file), 0);
	scene_run(scene, "cd repo && git apply ../patch");
}

static void a_changed_line_is_shown_with_its_context(void **state)
{
	struct scene *scene = *state;
	struct spec change = {.path = "README", .mode = S_IFREG | 0644, .text = "one\n2\nthree\n"};
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, &change, 1, "first", &first);
	assert_patch(scene, &scene->base, &first,
		"diff --git a/README b/README\n--- a/README\n+++ b/README\n"
		"@@ -1,3 +1,3 @@\n one\n-two\n+2\n three\n");
	hd_state_clear(&first);
}

static void a_missing_line_end_is_said(void **state)
{
	struct scene *scene = *state;
	struct spec change = {.path = "README", .mode = S_IFREG | 0644, .text = "one\ntwo\nthree"};
	struct hd_state first;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, &change, 1, "first", &first);
	assert_patch(scene, &scene->base, &first,
		"diff --git a/README b/README\n--- a/README\n+++ b/README\n"
		"@@ -1,3 +1,3 @@\n one\n two\n-three\n+three\n\\ No newline at end of file\n");
	hd_state_clear(&first);
}

static void a_binary_file_is_named_only(void **state)
{
	struct scene *scene = *state;
	struct spec change = {.path = "docs/manual", .mode = S_IFREG | 0644, .size = 4};
	struct hd_state first;
	struct hd_diff diff;
	char *patch;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	assert_success(hd_object_store_put(scene->store->objects, "a\0b\n", 4, &change.content));
	scene_commit(scene, &scene->base, &change, 1, "first", &first);
	patch = patch_of(scene, &scene->base, &first, &diff);
	assert_string_equal(patch, "diff --git a/docs/manual b/docs/manual\n"
				   "index 0000000..0000000 100644\n"
				   "Binary files a/docs/manual and b/docs/manual differ\n");
	assert_int_equal(diff.n_entries, 1);
	assert_true(diff.entries[0].binary);
	assert_int_equal(diff.entries[0].added_lines, 0);
	hd_diff_clear(&diff);
	free(patch);
	hd_state_clear(&first);
}

/* Everything a patch can express, with names that need quotes. */
static const struct spec everything[] = {
	{.path = "README", .mode = S_IFREG | 0755, .text = "one\n2\nthree\nfour"},
	{.path = "docs/manual"},
	{.path = "src/run", .mode = S_IFREG | 0644, .text = "#!/bin/sh\n"},
	{.path = "src/link", .mode = S_IFLNK | 0777, .text = "run"},
	{.path = "src/x.c", .mode = S_IFLNK | 0777, .text = "run"},
	{.path = "src/new link", .mode = S_IFLNK | 0777, .text = "x.c"},
	{.path = "src/deep"},
	{.path = "src/deep2/empty", .mode = S_IFREG | 0644, .text = ""},
	{.path = "src/deep2/exec empty", .mode = S_IFREG | 0755, .text = ""},
	{.path = "odd/tab\there", .mode = S_IFREG | 0644, .text = "tab\n"},
	{.path = "odd/new\nline", .mode = S_IFREG | 0644, .text = "line\n"},
	{.path = "odd/quote\"back\\slash", .mode = S_IFREG | 0644, .text = "q\n"},
	{.path = "odd/\xc3\xa4\xff\x01", .mode = S_IFREG | 0644, .text = "bytes"},
	{.path = "odd/end ", .mode = S_IFREG | 0644, .text = "blank\n"},
};

static void git_apply_makes_the_new_tree_of_a_patch(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	char *patch;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, everything, HD_ARRAY_SIZE(everything), "first", &first);
	patch = patch_of(scene, &scene->base, &first, NULL);
	apply(scene, patch);
	free(patch);
	scene_assert_output(scene, "one\n2\nthree\nfour", "cat repo/README");
	scene_assert_output(scene, "bytes", "cat repo/odd/$(printf '\\303\\244\\377\\001')");
	scene_run(scene, "cd repo && test -x README && test ! -x src/run && test ! -e docs/manual && test ! "
			 "-e src/deep");
	scene_run(scene,
		"cd repo && test -f src/deep2/empty && test -x 'src/deep2/exec empty' && test -f 'odd/end '");
	scene_assert_output(scene, "run\nrun\nx.c\n", "cd repo/src && readlink link x.c 'new link'");
	scene_assert_output(scene, "5\n", "ls -1q repo/odd | wc -l");
	/* And back. */
	patch = patch_of(scene, &first, &scene->base, NULL);
	apply(scene, patch);
	free(patch);
	scene_assert_output(scene, "", "git -C repo status --porcelain");
	hd_state_clear(&first);
}

static void the_patch_is_what_git_diff_prints(void **state)
{
	struct scene *scene = *state;
	struct hd_state first;
	char *patch, *expected;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, everything, HD_ARRAY_SIZE(everything), "first", &first);
	patch = patch_of(scene, &scene->base, &first, NULL);
	apply(scene, patch);
	expected = scene_output(
		scene, "cd repo && git add -A && git diff --cached --no-renames | grep -v '^index '");
	assert_string_equal(patch, expected);
	free(patch);
	free(expected);
	hd_state_clear(&first);
}

static void stat_counts_lines_without_writing_text(void **state)
{
	struct scene *scene = *state;
	struct hd_diff_options options = {.depth = HD_DIFF_STAT};
	struct hd_state first;
	struct hd_diff diff;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, everything, 2, "first", &first);
	assert_success(
		hd_diff_states(scene->store, scene->bases, &scene->base.id, &first.id, &options, &diff));
	assert_int_equal(diff.n_entries, 2);
	assert_string_equal(diff.entries[0].path, "README");
	assert_int_equal(diff.entries[0].added_lines, 2);
	assert_int_equal(diff.entries[0].deleted_lines, 1);
	assert_int_equal(diff.entries[0].old_mode & 07777, 0644);
	assert_int_equal(diff.entries[0].new_mode & 07777, 0755);
	assert_string_equal(diff.entries[1].path, "docs/manual");
	assert_int_equal(diff.entries[1].kind, HD_CHANGE_DELETED);
	assert_int_equal(diff.entries[1].deleted_lines, 1);
	assert_int_equal(diff.entries[1].new_mode, 0);
	hd_diff_clear(&diff);
	hd_state_clear(&first);
}

static void an_empty_directory_is_in_the_list_and_not_in_the_patch(void **state)
{
	struct scene *scene = *state;
	struct spec change = {.path = "hollow", .mode = S_IFDIR | 0755};
	struct hd_state first;
	struct hd_diff diff;
	char *patch;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, &change, 1, "first", &first);
	patch = patch_of(scene, &scene->base, &first, &diff);
	assert_string_equal(patch, "");
	assert_int_equal(diff.n_entries, 1);
	assert_string_equal(diff.entries[0].path, "hollow");
	assert_int_equal(diff.counts.added, 1);
	hd_diff_clear(&diff);
	free(patch);
	hd_state_clear(&first);
}

static int refuse(void *payload, const void *data, size_t size)
{
	(void)payload;
	(void)data;
	(void)size;
	return -EPIPE;
}

static void a_reader_that_goes_away_ends_the_diff(void **state)
{
	struct scene *scene = *state;
	struct hd_diff_options options = {.depth = HD_DIFF_PATCH, .write = refuse};
	struct hd_state first;
	struct hd_diff diff;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, everything, 2, "first", &first);
	assert_int_equal(
		hd_diff_states(scene->store, scene->bases, &scene->base.id, &first.id, &options, &diff),
		-EPIPE);
	hd_state_clear(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_changed_line_is_shown_with_its_context),
		TEST(a_missing_line_end_is_said),
		TEST(a_binary_file_is_named_only),
		TEST(git_apply_makes_the_new_tree_of_a_patch),
		TEST(the_patch_is_what_git_diff_prints),
		TEST(stat_counts_lines_without_writing_text),
		TEST(an_empty_directory_is_in_the_list_and_not_in_the_patch),
		TEST(a_reader_that_goes_away_ends_the_diff),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
