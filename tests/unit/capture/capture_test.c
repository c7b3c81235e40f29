/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_operations.h"
#include "tests/unit/capture/live.h"

#include "capture/compare/diff.h"
#include "capture/git/export/export_git.h"
#include "overlay/platform/buffer.h"

/*
 * Capture and status of a live overlay: what makes a state, what does not, what a state keeps, and what git says of
 * it after an export.
 */

static struct hd_overlay *begin(struct scene *scene)
{
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	return live_open(scene);
}

static struct hd_overlay *reopen_at(struct scene *scene, const struct hd_state *at)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = "second", .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;

	assert_success(hd_index_create_thread(scene->store->index, "second", &at->id));
	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

static void assert_counts(const struct hd_state *state, uint64_t added, uint64_t modified, uint64_t deleted)
{
	assert_int_equal(state->added, added);
	assert_int_equal(state->modified, modified);
	assert_int_equal(state->deleted, deleted);
}

static void export_and_check(struct scene *scene)
{
	struct hd_export_git_options options = {.thread = "main"};
	struct hd_export_git_result result;

	assert_success(hd_export_git(scene->store, scene->bases, &options, &result));
	hd_export_git_result_clear(&result);
	scene_run(scene, "git -C repo fsck --strict --no-dangling");
}

static void a_capture_has_exactly_the_changes(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;

	live_assert_status(overlay, "");
	live_assert_nothing(overlay);
	live_write(overlay, "README", "one\n2\nthree\n");
	live_make_directory(overlay, "new");
	live_write(overlay, "new/file", "new\n");
	live_make_link(overlay, "new/link", "file");
	live_remove_tree(overlay, "docs");
	live_chmod(overlay, "src/x.c", 0755);
	live_assert_status(
		overlay, "M README\nD docs\nD docs/manual\nA new\nA new/file\nA new/link\nM src/x.c\n");
	live_capture(overlay, "all sorts", &first);
	assert_counts(&first, 3, 2, 2);
	assert_int_equal(first.n_parents, 1);
	assert_true(hd_state_id_equal(&first.parents[0], &scene->base.id));
	assert_string_equal(first.message, "all sorts");
	live_assert_nothing(overlay);
	export_and_check(scene);
	scene_assert_output(scene, "M README\nD docs/manual\nA new/file\nA new/link\nM src/x.c\n",
		"git -C repo diff --name-status --no-renames trunk heddle/main | tr '\\t' ' '");
	live_close(overlay);
	hd_state_clear(&first);
}

static void a_capture_that_is_undone_has_the_tree_of_the_base(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first, second;

	live_write(overlay, "src/deep/file", "other\n");
	live_capture(overlay, "change", &first);
	assert_false(hd_content_equal(&first.tree, &scene->base.tree));
	live_write(overlay, "src/deep/file", "deep\n");
	live_capture(overlay, "change back", &second);
	export_and_check(scene);
	scene_run(scene, "git -C repo diff --quiet trunk heddle/main");
	live_close(overlay);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void rewriting_a_file_with_its_own_bytes_is_no_change(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);

	live_write(overlay, "README", "one\ntwo\nthree\n");
	live_remove(overlay, "src/link");
	live_make_link(overlay, "src/link", "../README");
	live_rename(overlay, "src/deep/file", "src/deep/other");
	live_rename(overlay, "src/deep/other", "src/deep/file");
	live_assert_status(overlay, "");
	live_assert_nothing(overlay);
	live_close(overlay);
}

static void a_directory_made_again_with_the_same_files_is_no_change(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);

	live_remove_tree(overlay, "src/deep");
	live_make_directory(overlay, "src/deep");
	live_write(overlay, "src/deep/file", "deep\n");
	live_assert_nothing(overlay);
	live_close(overlay);
}

static void times_and_xattrs_alone_make_no_state_but_are_kept_by_the_next(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;
	char value[16];
	size_t size;

	live_set_time(overlay, "src/x.c", 1234567890);
	live_set_xattr(overlay, "src/x.c", "user.note", "kept");
	live_assert_nothing(overlay);
	live_write(overlay, "README", "changed");
	live_capture(overlay, "first", &first);
	assert_int_equal(live_stat(overlay, "src/x.c").modify_time.tv_sec, 1234567890);
	live_close(overlay);
	/* A thread that begins at the state has them as well. */
	overlay = reopen_at(scene, &first);
	assert_int_equal(live_stat(overlay, "src/x.c").modify_time.tv_sec, 1234567890);
	assert_success(hd_overlay_getxattr(
		overlay, live_find(overlay, "src/x.c"), "user.note", value, sizeof(value), &size));
	assert_int_equal(size, 4);
	assert_memory_equal(value, "kept", 4);
	live_assert_status(overlay, "");
	live_close(overlay);
	hd_state_clear(&first);
}

static void permission_bits_alone_make_a_state(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first, second, third;

	live_chmod(overlay, "src/x.c", 0755);
	live_capture(overlay, "file", &first);
	assert_counts(&first, 0, 1, 0);
	live_chmod(overlay, "src", 0700);
	live_assert_status(overlay, "M src\n");
	live_capture(overlay, "directory", &second);
	live_chmod(overlay, "", 0711);
	live_assert_status(overlay, "M .\n");
	live_capture(overlay, "root", &third);
	assert_int_equal(third.root_mode, 0711);
	live_assert_nothing(overlay);
	live_close(overlay);
	hd_state_clear(&first);
	hd_state_clear(&second);
	hd_state_clear(&third);
}

static void an_unlisted_directory_can_be_changed_and_renamed(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;

	/* Nobody has looked into src or below. */
	live_chmod(overlay, "docs", 0700);
	live_rename(overlay, "src", "source");
	live_assert_status(overlay, "M docs\nR src -> source\n");
	live_capture(overlay, "move", &first);
	assert_int_equal(first.moved, 1);
	export_and_check(scene);
	scene_assert_output(scene,
		"R100 src/deep/file source/deep/file\nR100 src/link source/link\n"
		"R100 src/run source/run\nR100 src/x.c source/x.c\n",
		"git -C repo diff --name-status -M trunk heddle/main | tr '\\t' ' '");
	live_close(overlay);
	hd_state_clear(&first);
}

static void special_files_links_and_empty_directories_are_kept(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;

	live_make_node(overlay, "pipe", S_IFIFO | 0600, 0);
	live_make_node(overlay, "socket", S_IFSOCK | 0600, 0);
	live_make_directory(overlay, "hollow");
	live_write(overlay, "one", "same file");
	live_link(overlay, "one", "docs/two");
	live_write(overlay, "empty", "");
	live_capture(overlay, "first", &first);
	live_close(overlay);
	overlay = reopen_at(scene, &first);
	assert_true(S_ISFIFO(live_stat(overlay, "pipe").mode));
	assert_true(S_ISSOCK(live_stat(overlay, "socket").mode));
	assert_true(S_ISDIR(live_stat(overlay, "hollow").mode));
	assert_int_equal(live_stat(overlay, "empty").size, 0);
	(void)live_stat(overlay, "docs/two");
	assert_int_equal(live_stat(overlay, "one").ino, live_stat(overlay, "docs/two").ino);
	assert_int_equal(live_stat(overlay, "one").nlink, 2);
	live_close(overlay);
	hd_state_clear(&first);
}

static void changes_survive_a_close_and_are_captured_later(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;
	char *text;

	live_write(overlay, "src/deep/file", "changed");
	live_close(overlay);
	overlay = live_open(scene);
	live_assert_status(overlay, "M src/deep/file\n");
	live_capture(overlay, "later", &first);
	live_close(overlay);
	overlay = live_open(scene);
	live_assert_status(overlay, "");
	text = live_read(overlay, "src/deep/file");
	assert_string_equal(text, "changed");
	live_close(overlay);
	free(text);
	hd_state_clear(&first);
}

static void a_large_file_is_captured_and_compared(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	enum { SIZE = 5000000 };
	char *bytes = malloc(SIZE);
	struct hd_state first, second;

	assert_non_null(bytes);
	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)((unsigned)i * 7919u >> 5);
	live_write_bytes(overlay, "large", bytes, SIZE);
	live_capture(overlay, "large", &first);
	live_write_bytes(overlay, "large", bytes, SIZE);
	live_assert_nothing(overlay);
	bytes[SIZE - 1] ^= 1;
	live_write_bytes(overlay, "large", bytes, SIZE);
	live_assert_status(overlay, "M large\n");
	live_capture(overlay, "one byte", &second);
	live_close(overlay);
	free(bytes);
	hd_state_clear(&first);
	hd_state_clear(&second);
}

static void a_status_is_bounded_but_counts_everything(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_status status;
	char path[16];

	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "f%d", i);
		live_write(overlay, path, path);
	}
	assert_success(hd_status_read(overlay, 5, &status));
	assert_int_equal(status.n_entries, 5);
	assert_int_equal(status.counts.added, 20);
	assert_true(status.truncated);
	hd_status_clear(&status);
	assert_success(hd_status_read(overlay, 0, &status));
	assert_int_equal(status.n_entries, 0);
	assert_true(status.truncated);
	hd_status_clear(&status);
	live_close(overlay);
}

static int append(void *payload, const void *data, size_t size)
{
	hd_buffer_put(payload, data, size);
	return 0;
}

static void a_diff_shows_the_overlay_as_it_is_now(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_buffer text = {0};
	struct hd_diff_options options = {
		.depth = HD_DIFF_PATCH, .context_lines = 0, .write = append, .write_payload = &text};
	struct hd_diff diff;

	live_write(overlay, "README", "one\n2\nthree\n");
	assert_success(hd_diff_overlay(overlay, NULL, NULL, &options, &diff));
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data,
		"diff --git a/README b/README\n--- a/README\n+++ b/README\n@@ -2 +2 @@ one\n-two\n+2\n");
	assert_int_equal(diff.n_entries, 1);
	hd_diff_clear(&diff);
	hd_buffer_clear(&text);
	/* Nothing was stored for it: the file is still to be captured. */
	live_assert_status(overlay, "M README\n");
	live_close(overlay);
}

static void facts_are_kept_sorted_and_checked(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state_fact facts[] = {
		{.key = (char *)"tool", .value = (char *)"make"},
		{.key = (char *)"agent", .value = (char *)"a b"},
	};
	struct hd_capture_time when = {.time_s = 1700000000, .time_ns = 5, .zone_minutes = 330};
	struct hd_capture_options options = {
		.author = "A <a@b>", .facts = facts, .n_facts = 2, .time = &when, .message = "m"};
	struct hd_state first;
	bool nothing;

	live_write(overlay, "README", "x");
	facts[0].key = (char *)"agent";
	assert_code(hd_capture_run(overlay, &options, &first, &nothing), HD_E_FACT_INVALID);
	facts[0].key = (char *)"no blank";
	assert_code(hd_capture_run(overlay, &options, &first, &nothing), HD_E_FACT_INVALID);
	facts[0].key = (char *)"tool";
	options.author = "nobody";
	assert_code(hd_capture_run(overlay, &options, &first, &nothing), HD_E_IDENTITY_INVALID);
	live_assert_status(overlay, "M README\n");
	options.author = "A <a@b>";
	assert_success(hd_capture_run(overlay, &options, &first, &nothing));
	assert_int_equal(first.n_facts, 2);
	assert_string_equal(first.facts[0].key, "agent");
	assert_string_equal(first.facts[1].value, "make");
	assert_int_equal(first.time_s, 1700000000);
	assert_int_equal(first.zone_minutes, 330);
	live_close(overlay);
	hd_state_clear(&first);
}

static void a_moved_thread_is_an_error_and_loses_nothing(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_capture_options options = {.author = "A <a@b>"};
	struct spec other = {.path = "other", .mode = S_IFREG | 0644, .text = "x"};
	struct hd_state theirs, mine;
	bool nothing;

	live_write(overlay, "README", "mine");
	scene_commit(scene, &scene->base, &other, 1, "theirs", &theirs);
	assert_code(hd_capture_run(overlay, &options, &mine, &nothing), HD_E_THREAD_MOVED);
	live_assert_status(overlay, "M README\n");
	live_close(overlay);
	hd_state_clear(&theirs);
}

static void a_capture_that_died_before_telling_the_overlay_has_happened(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct spec same = {.path = "README", .mode = S_IFREG | 0644, .text = "mine"};
	struct hd_state published, next;

	live_write(overlay, "README", "mine");
	/* What the dead capture left in the index. */
	scene_commit(scene, &scene->base, &same, 1, "published", &published);
	live_close(overlay);
	overlay = live_open(scene);
	live_assert_status(overlay, "");
	live_write(overlay, "src/x.c", "next");
	live_capture(overlay, "next", &next);
	assert_true(hd_state_id_equal(&next.parents[0], &published.id));
	assert_counts(&next, 0, 1, 0);
	live_close(overlay);
	hd_state_clear(&published);
	hd_state_clear(&next);
}

static void a_directory_base_is_captured_by_reference(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_tree_view_entry entry;
	struct hd_state first;

	scene_run(scene,
		"mkdir -p host/a/b && echo x > host/a/b/file && echo y > host/a/other && echo z > host/top");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_write(overlay, "a/other", "changed");
	live_write(overlay, "top", "z\n");
	live_assert_status(overlay, "M a/other\n");
	live_capture(overlay, "first", &first);
	assert_counts(&first, 0, 1, 0);
	live_close(overlay);
	/* A new process resolves the references. */
	hd_base_set_free(scene->bases);
	assert_success(hd_base_set_new(scene->store, 0, &scene->bases));
	scene_find(scene, &first, "a/b/file", &entry);
	assert_int_equal(entry.content.kind, HD_CONTENT_HOST);
	scene_find(scene, &first, "top", &entry);
	assert_int_equal(entry.content.kind, HD_CONTENT_HOST);
	scene_find(scene, &first, "a/other", &entry);
	assert_int_equal(entry.content.kind, HD_CONTENT_OBJECT);
	hd_state_clear(&first);
}

static void hard_links_of_a_base_and_of_a_capture_do_not_mix(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state first;
	char *text;

	scene_run(scene,
		"mkdir -p host/a host/b && for i in 1 2 3 4 5 6 7 8 9; do echo base$i > host/a/$i && "
		"ln host/a/$i host/b/$i; done");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_make_directory(overlay, "mine");
	live_write(overlay, "mine/one", "mine\n");
	live_link(overlay, "mine/one", "mine/two");
	live_capture(overlay, "first", &first);
	live_close(overlay);
	overlay = reopen_at(scene, &first);
	(void)live_stat(overlay, "mine/one");
	(void)live_stat(overlay, "a/1");
	text = live_read(overlay, "b/1");
	assert_string_equal(text, "base1\n");
	free(text);
	assert_int_equal(live_stat(overlay, "a/3").ino, live_stat(overlay, "b/3").ino);
	assert_int_equal(live_stat(overlay, "mine/one").ino, live_stat(overlay, "mine/two").ino);
	assert_int_not_equal(live_stat(overlay, "mine/one").ino, live_stat(overlay, "a/1").ino);
	live_close(overlay);
	hd_state_clear(&first);
}

static void a_change_through_one_name_of_a_link_is_a_change_of_the_other(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state first;
	char *text;

	scene_run(scene, "mkdir -p host/a host/b && echo old > host/a/x && ln host/a/x host/b/x");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_write(overlay, "a/x", "new");
	/* Only now anybody looks at the other name. */
	text = live_read(overlay, "b/x");
	assert_string_equal(text, "new");
	free(text);
	live_assert_status(overlay, "M a/x\nM b/x\n");
	live_capture(overlay, "first", &first);
	assert_counts(&first, 0, 2, 0);
	live_close(overlay);
	hd_state_clear(&first);
}

static void a_change_through_one_name_is_captured_under_all(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	struct hd_state first;
	char *text;

	scene_run(scene, "mkdir -p host/a host/b && echo old > host/a/x && ln host/a/x host/b/x");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_write(overlay, "a/x", "new");
	live_capture(overlay, "first", &first);
	/* Nobody looked into b yet. */
	text = live_read(overlay, "b/x");
	assert_string_equal(text, "new");
	free(text);
	live_assert_status(overlay, "");
	live_close(overlay);
	overlay = reopen_at(scene, &first);
	assert_int_equal(live_stat(overlay, "a/x").nlink, 2);
	text = live_read(overlay, "b/x");
	assert_string_equal(text, "new");
	free(text);
	text = live_read(overlay, "a/x");
	assert_string_equal(text, "new");
	free(text);
	live_assert_status(overlay, "");
	live_close(overlay);
	hd_state_clear(&first);
}

static void the_root_keeps_its_times(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay = begin(scene);
	struct hd_state first;

	live_write(overlay, "new", "x");
	live_set_time(overlay, "", 1234567890);
	live_capture(overlay, "first", &first);
	live_close(overlay);
	overlay = reopen_at(scene, &first);
	assert_int_equal(live_stat(overlay, "").modify_time.tv_sec, 1234567890);
	live_close(overlay);
	hd_state_clear(&first);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_capture_has_exactly_the_changes),
		TEST(a_capture_that_is_undone_has_the_tree_of_the_base),
		TEST(rewriting_a_file_with_its_own_bytes_is_no_change),
		TEST(a_directory_made_again_with_the_same_files_is_no_change),
		TEST(times_and_xattrs_alone_make_no_state_but_are_kept_by_the_next),
		TEST(permission_bits_alone_make_a_state),
		TEST(an_unlisted_directory_can_be_changed_and_renamed),
		TEST(special_files_links_and_empty_directories_are_kept),
		TEST(changes_survive_a_close_and_are_captured_later),
		TEST(a_large_file_is_captured_and_compared),
		TEST(a_status_is_bounded_but_counts_everything),
		TEST(a_diff_shows_the_overlay_as_it_is_now),
		TEST(facts_are_kept_sorted_and_checked),
		TEST(a_moved_thread_is_an_error_and_loses_nothing),
		TEST(a_capture_that_died_before_telling_the_overlay_has_happened),
		TEST(a_directory_base_is_captured_by_reference),
		TEST(hard_links_of_a_base_and_of_a_capture_do_not_mix),
		TEST(a_change_through_one_name_of_a_link_is_a_change_of_the_other),
		TEST(a_change_through_one_name_is_captured_under_all),
		TEST(the_root_keeps_its_times),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
