/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/tree_moves.h"
#include "overlay/platform/buffer.h"
#include "tests/unit/capture/live.h"

/* Directories and files that were moved: one change, found wherever they went, and what a state keeps of it. */

/* many/d0..d19/f0..f4 and one/file, other/file; DIRECTORY instead of a git repository. */
static struct hd_overlay *begin(struct scene *scene, bool directory)
{
	scene_run(scene, "mkdir repo && cd repo && mkdir -p many one/deep other && echo 1 > one/file &&"
			 " echo 2 > other/file && echo 3 > one/deep/file &&"
			 " for d in $(seq 0 19); do mkdir many/d$d; for f in 0 1 2 3 4; do"
			 " echo $d $f > many/d$d/f$f; done; done");
	if (!directory)
		scene_run(scene, "cd repo && git init -q -b trunk && git add -A &&"
				 " git -c user.name=A -c user.email=a@b commit -q -m first");
	scene_initialize(scene, "repo");
	return live_open(scene);
}

static void assert_moves(const struct hd_state *state, const char *expected)
{
	struct hd_buffer text = {0};

	for (size_t i = 0; i < state->n_moves; i++)
		hd_buffer_printf(&text, "%s > %s\n", state->moves[i].from, state->moves[i].to);
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	hd_buffer_clear(&text);
}

/* Status and capture tell the same, and the captured state is the head that nothing differs from. */
static void assert_captured(
	struct hd_overlay *overlay, const char *status, const char *moves, uint64_t added, uint64_t deleted)
{
	struct hd_state state;

	live_assert_status(overlay, status);
	live_capture(overlay, "x", &state);
	assert_moves(&state, moves);
	assert_int_equal(state.added, added);
	assert_int_equal(state.deleted, deleted);
	live_assert_nothing(overlay);
	hd_state_clear(&state);
}

static void a_directory_is_moved_as_a_whole(struct scene *scene, bool directory)
{
	struct hd_overlay *overlay = begin(scene, directory);
	struct hd_attributes before = live_stat(overlay, "many/d3/f2");

	live_rename(overlay, "many", "moved");
	assert_captured(overlay, "R many -> moved\n", "many > moved\n", 0, 0);
	/* One below, back and into another: each is one change. */
	live_rename(overlay, "moved/d3", "d3");
	live_rename(overlay, "moved", "one/deep/many");
	assert_captured(overlay, "R moved/d3 -> d3\nR moved -> one/deep/many\n",
		"moved/d3 > d3\nmoved > one/deep/many\n", 0, 0);
	assert_true(live_stat(overlay, "d3/f2").number == before.number);
	live_close(overlay);
}

static void in_a_git_base_a_directory_is_moved_as_a_whole(void **state)
{
	a_directory_is_moved_as_a_whole(*state, false);
}

static void in_a_directory_base_a_directory_is_moved_as_a_whole(void **state)
{
	a_directory_is_moved_as_a_whole(*state, true);
}

static void what_is_changed_in_a_moved_directory_is_told_by_its_new_path(void **state)
{
	struct hd_overlay *overlay = begin(*state, true);

	live_rename(overlay, "many", "moved");
	live_write(overlay, "moved/d3/f2", "changed");
	live_write(overlay, "moved/new", "new");
	live_remove(overlay, "moved/d4/f0");
	assert_captured(overlay, "R many -> moved\nM moved/d3/f2\nD moved/d4/f0\nA moved/new\n",
		"many > moved\n", 1, 1);
	live_close(overlay);
}

static void the_mode_of_a_moved_directory_is_told_too(void **state)
{
	struct hd_overlay *overlay = begin(*state, false);
	struct hd_state captured;

	live_rename(overlay, "many", "moved");
	live_chmod(overlay, "moved", 0700);
	live_assert_status(overlay, "R many -> moved\nM moved\n");
	live_capture(overlay, "x", &captured);
	assert_int_equal(captured.modified, 1);
	hd_state_clear(&captured);
	live_close(overlay);
}

static void a_directory_moved_out_of_one_that_is_gone_is_found(void **state)
{
	struct hd_overlay *overlay = begin(*state, false);

	live_rename(overlay, "one/deep", "deep");
	live_remove_tree(overlay, "one");
	assert_captured(overlay, "R one/deep -> deep\nD one\nD one/file\n", "one/deep > deep\n", 0, 2);
	live_close(overlay);
}

static void a_directory_moved_into_a_new_one_is_found(void **state)
{
	struct hd_overlay *overlay = begin(*state, true);

	live_make_directory(overlay, "new");
	live_make_directory(overlay, "new/new");
	live_rename(overlay, "many", "new/new/many");
	assert_captured(overlay, "A new\nA new/new\nR many -> new/new/many\n", "many > new/new/many\n", 2, 0);
	live_close(overlay);
}

static void a_name_that_is_used_again_is_compared(void **state)
{
	struct hd_overlay *overlay = begin(*state, true);

	live_rename(overlay, "one", "two");
	live_make_directory(overlay, "one");
	live_write(overlay, "one/file", "new");
	assert_captured(overlay, "M one/file\nA two\nR one/deep -> two/deep\nA two/file\n",
		"one/deep > two/deep\n", 2, 0);
	live_close(overlay);
}

static void directories_of_equal_content_are_matched_by_their_names(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;

	scene_run(scene,
		"mkdir repo && cd repo && git init -q -b trunk && mkdir a a/x b b/y && echo 1 > a/x/f &&"
		" echo 1 > b/y/f && touch a/k b/k && git add -A &&"
		" git -c user.name=A -c user.email=a@b commit -q -m first");
	scene_initialize(scene, "repo");
	overlay = live_open(scene);
	live_make_directory(overlay, "c");
	live_rename(overlay, "a/x", "c/x");
	live_rename(overlay, "b/y", "c/y");
	assert_captured(overlay, "A c\nR a/x -> c/x\nR b/y -> c/y\n", "a/x > c/x\nb/y > c/y\n", 1, 0);
	live_close(overlay);
}

static void an_empty_directory_is_not_moved(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;

	scene_run(scene, "mkdir host");
	scene_initialize(scene, "host");
	overlay = live_open(scene);
	live_make_directory(overlay, "empty");
	assert_captured(overlay, "A empty\n", "", 1, 0);
	live_rename(overlay, "empty", "other");
	assert_captured(overlay, "D empty\nA other\n", "", 1, 1);
	live_close(overlay);
}

static void a_file_is_moved_as_long_as_its_bytes_stay(void **state)
{
	struct hd_overlay *overlay = begin(*state, false);
	struct hd_state captured;

	live_rename(overlay, "one/file", "other/name");
	live_rename(overlay, "many/d0/f1", "f1");
	live_chmod(overlay, "f1", 0755);
	live_rename(overlay, "many/d0/f2", "f2");
	live_write(overlay, "f2", "other bytes");
	live_write(overlay, "empty", "");
	live_assert_status(overlay, "A empty\nR many/d0/f1 -> f1\nM f1\nA f2\nD many/d0/f2\n"
				    "R one/file -> other/name\n");
	live_capture(overlay, "x", &captured);
	assert_moves(&captured, "");
	assert_int_equal(captured.moved, 2);
	assert_int_equal(captured.added, 2);
	assert_int_equal(captured.deleted, 1);
	hd_state_clear(&captured);
	live_rename(overlay, "empty", "still-empty");
	live_assert_status(overlay, "D empty\nA still-empty\n");
	live_close(overlay);
}

static void files_of_equal_bytes_are_matched_once_and_by_their_names(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;

	scene_run(scene, "mkdir repo && cd repo && git init -q -b trunk && mkdir a b && echo 1 > a/x && echo "
			 "1 > b/y &&"
			 " echo k > a/k && echo k > b/k && git add -A &&"
			 " git -c user.name=A -c user.email=a@b commit -q -m first");
	scene_initialize(scene, "repo");
	overlay = live_open(scene);
	live_make_directory(overlay, "c");
	live_rename(overlay, "a/x", "c/x");
	live_rename(overlay, "b/y", "c/y");
	live_write(overlay, "c/z", "1\n");
	assert_captured(overlay, "A c\nR a/x -> c/x\nR b/y -> c/y\nA c/z\n", "", 2, 0);
	live_close(overlay);
}

static void a_file_moved_out_of_a_moved_directory_is_told_by_its_old_path(void **state)
{
	struct hd_overlay *overlay = begin(*state, true);

	live_rename(overlay, "many", "moved");
	live_rename(overlay, "moved/d3/f3", "other/f3");
	live_rename(overlay, "other/file", "moved/d3/f3");
	assert_captured(overlay, "R many -> moved\nM moved/d3/f3\nA other/f3\nD other/file\n",
		"many > moved\n", 1, 1);
	live_rename(overlay, "moved", "again");
	live_rename(overlay, "again/d4/f4", "f4");
	live_rename(overlay, "one/file", "again/d4/new");
	assert_captured(overlay, "R moved -> again\nR one/file -> again/d4/new\nR moved/d4/f4 -> f4\n",
		"moved > again\n", 0, 0);
	live_close(overlay);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(in_a_git_base_a_directory_is_moved_as_a_whole),
		TEST(in_a_directory_base_a_directory_is_moved_as_a_whole),
		TEST(what_is_changed_in_a_moved_directory_is_told_by_its_new_path),
		TEST(the_mode_of_a_moved_directory_is_told_too),
		TEST(a_directory_moved_out_of_one_that_is_gone_is_found),
		TEST(a_directory_moved_into_a_new_one_is_found),
		TEST(a_name_that_is_used_again_is_compared),
		TEST(directories_of_equal_content_are_matched_by_their_names),
		TEST(an_empty_directory_is_not_moved),
		TEST(a_file_is_moved_as_long_as_its_bytes_stay),
		TEST(files_of_equal_bytes_are_matched_once_and_by_their_names),
		TEST(a_file_moved_out_of_a_moved_directory_is_told_by_its_old_path),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
