/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/live.h"

#include <signal.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "capture/state_log.h"

/*
 * A process that is killed in the middle of a capture, at any point of it. Its memory is held by this test, as the
 * supervisor holds a worker's: nothing that was written may be lost, and the next capture must find the thread as
 * if the first had happened or had not.
 */

enum { ROUNDS = 25, FILES = 60 };

static void open_scene_store(struct scene *scene)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/repo/.heddle", scene->directory);
	assert_success(hd_store_open(path, &scene->store));
	assert_success(hd_base_set_new(scene->store, 0, &scene->bases));
}

static void close_scene_store(struct scene *scene)
{
	hd_base_set_free(scene->bases);
	hd_store_free(scene->store);
	scene->bases = NULL;
	scene->store = NULL;
}

static struct hd_overlay *open_with(struct scene *scene, int arena_fd, int hot_fd, bool attach)
{
	struct hd_overlay_options options = {.store = scene->store,
		.thread = "main",
		.arena_fd = arena_fd,
		.hot_fd = hot_fd,
		.attach = attach};
	struct hd_overlay *overlay;

	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

static void name_file(char path[64], int file)
{
	snprintf(path, 64, "src/f%d", file);
}

/* What the killed process does; never returns. */
static void write_and_capture(struct scene *scene, int arena_fd, int hot_fd, int ready_fd, int round)
{
	struct hd_capture_options options = {.author = "A <a@b>", .message = "killed"};
	struct hd_overlay *overlay;
	struct hd_state state;
	char path[64], text[64];
	bool nothing;

	open_scene_store(scene);
	overlay = open_with(scene, arena_fd, hot_fd, false);
	for (int i = 0; i < FILES; i++) {
		name_file(path, i);
		snprintf(text, sizeof(text), "round %d of %d", round, i);
		live_write(overlay, path, text);
	}
	live_rename(overlay, round % 2 ? "docs" : "moved", round % 2 ? "moved" : "docs");
	if (write(ready_fd, "x", 1) != 1)
		_exit(1);
	(void)hd_capture_run(overlay, &options, &state, &nothing);
	(void)pause();
	_exit(0);
}

static void run_and_kill(struct scene *scene, int arena_fd, int hot_fd, int round)
{
	struct timespec delay = {.tv_nsec = (long)(round * 1300000 % 23000000)};
	int ready[2], status;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_and_capture(scene, arena_fd, hot_fd, ready[1], round);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	nanosleep(&delay, NULL);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ready[0]);
}

static void assert_everything_is_there(struct hd_overlay *overlay, int round)
{
	char path[64], expected[64];

	for (int i = 0; i < FILES; i++) {
		char *text;

		name_file(path, i);
		snprintf(expected, sizeof(expected), "round %d of %d", round, i);
		text = live_read(overlay, path);
		assert_string_equal(text, expected);
		free(text);
	}
	(void)live_stat(overlay, round % 2 ? "moved/manual" : "docs/manual");
}

static int check_state(const struct hd_state *state, void *payload)
{
	struct hd_tree_view *empty_view, *view;
	struct scene *scene = payload;

	/* Lists every directory of the state's tree. */
	assert_success(hd_tree_view_of_state(scene->bases, NULL, &empty_view));
	assert_success(hd_tree_view_of_state(scene->bases, state, &view));
	assert_success(hd_tree_comparison_run(empty_view, view, NULL, NULL, NULL));
	hd_tree_view_free(empty_view);
	hd_tree_view_free(view);
	return 0;
}

static void a_capture_that_is_killed_anywhere_loses_nothing(void **state)
{
	struct scene *scene = *state;
	struct hd_capture_options options = {.author = "A <a@b>", .message = "after"};
	int happened = 0;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	for (int round = 1; round <= ROUNDS; round++) {
		struct hd_overlay *overlay;
		struct hd_state after;
		int arena_fd, hot_fd;
		bool nothing;

		close_scene_store(scene);
		assert_success(hd_overlay_memory(&arena_fd, &hot_fd));
		run_and_kill(scene, arena_fd, hot_fd, round);
		open_scene_store(scene);
		overlay = open_with(scene, arena_fd, hot_fd, true);
		assert_everything_is_there(overlay, round);
		assert_success(hd_capture_run(overlay, &options, &after, &nothing));
		happened += nothing;
		if (!nothing)
			assert_int_equal(after.moved, 1);
		live_assert_status(overlay, "");
		assert_everything_is_there(overlay, round);
		hd_state_clear(&after);
		live_close(overlay);
		close(arena_fd);
		close(hot_fd);
	}
	assert_success(hd_state_log_walk_thread(
		scene->store->index, "main", HD_STATE_LOG_FIRST_PARENT, check_state, scene));
	print_message("%d of %d captures had happened\n", happened, ROUNDS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_capture_that_is_killed_anywhere_loses_nothing, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
