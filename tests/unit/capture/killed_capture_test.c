/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/live.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "capture/history/state_log.h"
#include "capture/history/state_spec.h"
#include "overlay/platform/clock.h"

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
	static const char *const some[] = {"src"};
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
	/* Now and then the files alone, so that the move of the directory is left. */
	if (round % 3 == 0)
		options.choice = (struct hd_capture_choice){.paths = some, .n_paths = 1};
	(void)hd_capture_run(overlay, &options, &state, &nothing);
	if (write(ready_fd, "y", 1) != 1)
		_exit(1);
	(void)pause();
	_exit(0);
}

/* Kills DELAY_NS after the capture began, or when it has ended; returns how long it was waited for. */
static uint64_t run_and_kill(
	struct scene *scene, int arena_fd, int hot_fd, int round, const uint64_t *delay_ns)
{
	int ready[2], status;
	uint64_t begin;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		write_and_capture(scene, arena_fd, hot_fd, ready[1], round);
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	begin = hd_clock_monotonic_ns();
	if (delay_ns)
		hd_clock_sleep_ns(*delay_ns);
	else
		assert_int_equal(read(ready[0], &byte, 1), 1);
	assert_int_equal(kill(child, SIGKILL), 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	close(ready[0]);
	return hd_clock_monotonic_ns() - begin;
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
	assert_success(hd_tree_comparison_run(empty_view, view, HD_MOVES_IGNORED, NULL, NULL, NULL));
	hd_tree_view_free(empty_view);
	hd_tree_view_free(view);
	return 0;
}

static void a_capture_that_is_killed_anywhere_loses_nothing(void **state)
{
	struct scene *scene = *state;
	struct hd_capture_options options = {.author = "A <a@b>", .message = "after"};
	struct hd_state_id head;
	uint64_t whole_ns = 0;
	int happened = 0;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	/* The first is not killed, and tells how long one takes. */
	for (int round = 1; round <= ROUNDS; round++) {
		struct hd_overlay *overlay;
		struct hd_state after;
		uint64_t delay_ns = whole_ns * (uint64_t)round / (ROUNDS * 3 / 4);
		int arena_fd, hot_fd;
		bool nothing;

		close_scene_store(scene);
		assert_success(hd_overlay_memory(&arena_fd, &hot_fd));
		if (round == 1)
			whole_ns = run_and_kill(scene, arena_fd, hot_fd, round, NULL);
		else
			(void)run_and_kill(scene, arena_fd, hot_fd, round, &delay_ns);
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
	assert_success(hd_state_spec_resolve(scene->store->index, "main", NULL, &head));
	assert_success(
		hd_state_log_walk(scene->store->index, &head, HD_STATE_LOG_FIRST_PARENT, check_state, scene));
	print_message("%d of %d captures had happened\n", happened, ROUNDS);
}

static void a_finished_capture_survives_the_loss_of_all_memory(void **state)
{
	struct scene *scene = *state;
	struct hd_overlay *overlay;
	int arena_fd, hot_fd;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	/* So that there is an older tree on the disk that could come back. */
	overlay = live_open(scene);
	live_write(overlay, "src/f1", "older");
	live_close(overlay);
	close_scene_store(scene);
	assert_success(hd_overlay_memory(&arena_fd, &hot_fd));
	(void)run_and_kill(scene, arena_fd, hot_fd, 1, NULL);
	close(arena_fd);
	close(hot_fd);
	open_scene_store(scene);
	overlay = live_open(scene);
	/* Not only the state: the tree that it was taken of. */
	assert_everything_is_there(overlay, 1);
	live_assert_status(overlay, "");
	live_assert_nothing(overlay);
	live_close(overlay);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_capture_that_is_killed_anywhere_loses_nothing, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			a_finished_capture_survives_the_loss_of_all_memory, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
