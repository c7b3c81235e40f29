/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/overlay/yard.h"

#include "overlay/changes/changed_paths.h"
#include "overlay/snapshot.h"

/* What is told of changes, and of which tokens: never less than there is, whatever the mount went through. */

static struct hd_overlay *open_mount(struct yard *yard)
{
	struct hd_overlay_options options = yard_options(yard);

	options.background = true;
	return yard_open_with(yard, &options);
}

static struct hd_overlay *reopen(struct yard *yard)
{
	yard_close(yard);
	return open_mount(yard);
}

/* Asks with TOKEN, which becomes the new one. */
static struct hd_changed_paths ask(struct hd_overlay *overlay, char token[HD_CHANGES_TOKEN_SIZE])
{
	struct hd_changed_paths paths;

	assert_success(hd_changes_read(overlay, token, &paths));
	memcpy(token, paths.token, HD_CHANGES_TOKEN_SIZE);
	return paths;
}

static bool has(const struct hd_changed_paths *paths, const char *path)
{
	size_t at = 0;

	while (at < paths->paths.size) {
		const char *told = (const char *)paths->paths.data + at;

		if (strcmp(told, path) == 0)
			return true;
		at += strlen(told) + 1;
	}
	return paths->everything;
}

static void assert_nothing(struct hd_overlay *overlay, char token[HD_CHANGES_TOKEN_SIZE])
{
	struct hd_changed_paths paths = ask(overlay, token);

	assert_false(paths.everything);
	assert_int_equal(paths.paths.size, 0);
	hd_changed_paths_clear(&paths);
}

static void assert_told(struct hd_overlay *overlay, char token[HD_CHANGES_TOKEN_SIZE], const char *path)
{
	struct hd_changed_paths paths = ask(overlay, token);

	assert_false(paths.everything);
	assert_true(has(&paths, path));
	hd_changed_paths_clear(&paths);
	assert_nothing(overlay, token);
}

static void assert_everything(struct hd_overlay *overlay, char token[HD_CHANGES_TOKEN_SIZE])
{
	struct hd_changed_paths paths = ask(overlay, token);

	assert_true(paths.everything);
	hd_changed_paths_clear(&paths);
}

static void each_kind_of_change_is_told_of_once(void **state)
{
	struct yard *yard = *state;
	uint32_t folder = yard_base_add(yard, 0, "folder", S_IFDIR | 0755, 0);
	struct hd_overlay *overlay;
	struct hd_attributes values = {.mode = S_IFREG | 0600}, ignored;
	char token[HD_CHANGES_TOKEN_SIZE];
	hd_ino directory, file;

	yard_base_add(yard, folder, "file", S_IFREG | 0644, 10);
	overlay = open_mount(yard);
	hd_changes_begin(overlay, token);
	assert_string_not_equal(token, "");
	assert_nothing(overlay, token);
	directory = find(overlay, HD_ROOT_INO, "folder");
	file = find(overlay, directory, "file");
	assert_nothing(overlay, token); /* looking is no change */
	write_text(overlay, file, "changed");
	assert_told(overlay, token, "folder/file");
	write_text(overlay, file, "changed");
	assert_told(overlay, token, "folder/file");
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_MODE, &values, &ignored));
	assert_told(overlay, token, "folder/file");
	assert_success(hd_overlay_link(overlay, file, HD_ROOT_INO, "second", &ignored));
	assert_told(overlay, token, "second");
	write_text(overlay, file, "again");
	assert_told(overlay, token, "folder/file");
	assert_success(hd_overlay_unlink(overlay, directory, "file"));
	assert_told(overlay, token, "folder/file");
	write_text(overlay, file, "by the other name");
	assert_told(overlay, token, "second");
	assert_success(hd_overlay_rename(overlay, HD_ROOT_INO, "second", directory, "third", 0));
	assert_told(overlay, token, "second");
	make_directory(overlay, directory, "new");
	assert_told(overlay, token, "folder/new/.heddle-listing");
	assert_success(hd_overlay_rmdir(overlay, directory, "new"));
	assert_told(overlay, token, "folder/new/");
}

/* All that is below a directory that was moved, at both places, and what had changed in it before. */
static void a_move_tells_of_both_places(void **state)
{
	struct hd_overlay *overlay = open_mount(*state);
	hd_ino a = make_directory(overlay, HD_ROOT_INO, "a"), b = make_directory(overlay, a, "b"), file;
	char token[HD_CHANGES_TOKEN_SIZE] = "";
	struct hd_changed_paths paths;

	file = make_file(overlay, b, "file");
	make_file(overlay, b, "gone");
	assert_everything(overlay, token);
	paths = ask(overlay, token);
	assert_false(paths.everything);
	hd_changed_paths_clear(&paths);
	write_text(overlay, file, "changed");
	assert_success(hd_overlay_unlink(overlay, b, "gone"));
	assert_success(hd_overlay_rename(overlay, HD_ROOT_INO, "a", HD_ROOT_INO, "z", 0));
	paths = ask(overlay, token);
	assert_false(paths.everything);
	assert_true(has(&paths, "a/"));
	assert_true(has(&paths, "z/"));
	assert_true(has(&paths, "z/b/file"));
	assert_true(has(&paths, "z/b/.heddle-listing"));
	hd_changed_paths_clear(&paths);
	assert_nothing(overlay, token);
}

/* git keeps the token of "everything" whether it looked into directories or not: they are told of once more. */
static void after_everything_all_directories_are_told_of(void **state)
{
	struct hd_overlay *overlay;
	struct hd_changed_paths paths;
	char token[HD_CHANGES_TOKEN_SIZE] = "1795214968499078294";
	uint32_t folder = yard_base_add(*state, 0, "folder", S_IFDIR | 0755, 0);

	yard_base_add(*state, folder, "below", S_IFDIR | 0755, 0);
	overlay = open_mount(*state);
	assert_everything(overlay, token);
	paths = ask(overlay, token);
	assert_false(paths.everything);
	assert_true(has(&paths, ".heddle-listing"));
	assert_true(has(&paths, "folder/below/.heddle-listing"));
	hd_changed_paths_clear(&paths);
	assert_nothing(overlay, token);
}

static void tokens_of_nobody_mean_everything(void **state)
{
	static const char *const tokens[] = {"", "heddle:", "heddle:none", "heddle:0:0", "heddle:zz:1",
		"heddle:1:1:all", "1795214968499078294"};
	struct hd_overlay *overlay = open_mount(*state);
	char token[HD_CHANGES_TOKEN_SIZE], other[HD_CHANGES_TOKEN_SIZE];

	for (size_t i = 0; i < sizeof(tokens) / sizeof(*tokens); i++) {
		strcpy(token, tokens[i]);
		assert_everything(overlay, token);
	}
	hd_changes_begin(overlay, token);
	assert_nothing(overlay, token);
	snprintf(other, sizeof(other), "%.23s:99999", token);
	assert_everything(overlay, other);
	snprintf(other, sizeof(other), "%.60s.", token);
	assert_everything(overlay, other);
}

/* The thread goes on after a mount that ended well; what was lost, or changed by somebody else, is not known. */
static void numbers_go_on_only_where_nothing_was_lost(void **state)
{
	struct yard *yard = *state;
	uint32_t node = yard_base_add(yard, 0, "file", S_IFREG | 0644, 10);
	struct hd_overlay *overlay = open_mount(yard);
	char token[HD_CHANGES_TOKEN_SIZE], old[HD_CHANGES_TOKEN_SIZE], path[PATH_MAX];

	(void)node;
	hd_changes_begin(overlay, token);
	write_text(overlay, find(overlay, HD_ROOT_INO, "file"), "changed");
	overlay = reopen(yard);
	assert_told(overlay, token, "file");
	overlay = reopen(yard);
	assert_nothing(overlay, token);
	/* Names that went in an earlier process: nobody remembers which. */
	make_file(overlay, HD_ROOT_INO, "other");
	overlay = reopen(yard);
	assert_everything(overlay, token);
	strcpy(old, token);
	/* A command without a mount. */
	yard_close(yard);
	overlay = yard_open(yard);
	make_file(overlay, HD_ROOT_INO, "third");
	overlay = reopen(yard);
	assert_everything(overlay, token);
	assert_everything(overlay, old);
	hd_changes_begin(overlay, token);
	assert_string_equal(token, "");
	/* A mount that did not end well. */
	strcpy(token, "");
	assert_everything(overlay, token);
	yard_close(yard);
	yard_thread_path(yard, "changes", path);
	assert_int_equal(truncate(path, 10), 0);
	overlay = open_mount(yard);
	assert_everything(overlay, token);
}

static void a_capture_hides_nothing(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay;
	char token[HD_CHANGES_TOKEN_SIZE];
	struct hd_snapshot *snapshot;
	hd_ino file;

	yard_base_add(yard, 0, "file", S_IFREG | 0644, 10);
	yard_base_add(yard, 0, "other", S_IFREG | 0644, 10);
	overlay = open_mount(yard);
	hd_changes_begin(overlay, token);
	file = find(overlay, HD_ROOT_INO, "file");
	write_text(overlay, file, "before");
	assert_success(hd_snapshot_take(overlay, true, &snapshot));
	write_text(overlay, find(overlay, HD_ROOT_INO, "other"), "meanwhile");
	hd_snapshot_free(snapshot);
	assert_told(overlay, token, "file");
	write_text(overlay, file, "after");
	assert_told(overlay, token, "file");
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			each_kind_of_change_is_told_of_once, yard_setup_over_base, yard_teardown),
		cmocka_unit_test_setup_teardown(a_move_tells_of_both_places, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(
			after_everything_all_directories_are_told_of, yard_setup_over_base, yard_teardown),
		cmocka_unit_test_setup_teardown(tokens_of_nobody_mean_everything, yard_setup, yard_teardown),
		cmocka_unit_test_setup_teardown(
			numbers_go_on_only_where_nothing_was_lost, yard_setup_over_base, yard_teardown),
		cmocka_unit_test_setup_teardown(a_capture_hides_nothing, yard_setup_over_base, yard_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
