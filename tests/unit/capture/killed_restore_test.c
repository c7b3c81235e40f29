/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/restore.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "overlay/platform/clock.h"
#include "overlay/snapshot.h"
#include "tests/unit/capture/history_model.h"

/*
 * A process that is killed while it switches a live tree. Its memory is held by this test, as the supervisor holds a
 * worker's, or lost, as in a power cut: whoever opens the thread next finds the tree that the log of operations says,
 * whole.
 */

enum { ROUNDS = 24, DIRECTORIES = 6, FILES = 40 };

struct yard {
	struct scene *scene;
	struct hd_state_id states[2];
	char *dumps[2]; /* owned: what the states are */
};

enum death { IN_RESTORE, ANNOUNCED, MOVED };

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
		.attach = attach,
		.keep_references = attach};
	struct hd_overlay *overlay;

	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

/* Two states that differ in many files of many directories, in names, and in a directory. */
static void make_states(struct yard *yard, struct scene *scene)
{
	struct hd_overlay *overlay;

	yard->scene = scene;
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	for (int which = 0; which < 2; which++) {
		struct hd_state state;

		for (int i = 0; i < DIRECTORIES * FILES; i++) {
			char path[64], text[64];

			snprintf(path, sizeof(path), "d%d", i % DIRECTORIES);
			if (which == 0 && i < DIRECTORIES)
				live_make_directory(overlay, path);
			snprintf(path, sizeof(path), "d%d/f%d", i % DIRECTORIES, i);
			snprintf(text, sizeof(text), "file %d of state %d", i, which);
			live_write(overlay, path, text);
			live_set_time(overlay, path, 1000 + which);
		}
		if (which == 1) {
			live_remove_tree(overlay, "docs");
			live_rename(overlay, "d0/f0", "src/moved");
			live_make_directory(overlay, "new");
			live_link(overlay, "src/moved", "new/linked");
		}
		live_capture(overlay, "one of two", &state);
		yard->states[which] = state.id;
		yard->dumps[which] = model_dump_overlay(overlay);
		hd_state_clear(&state);
	}
	live_close(overlay);
	close_scene_store(scene);
}

static void restore(struct scene *scene, struct hd_overlay *overlay, const struct hd_state_id *source)
{
	struct hd_live_thread live = {.overlay = overlay};
	struct hd_restore_options options = {
		.thread = "main", .source = source, .actor = "A <a@b>", .live = &live};
	struct hd_operation operation;
	bool nothing;

	hd_overlay_hold_captures(overlay);
	if (hd_restore(scene->store, &options, &operation, &nothing) < 0)
		_exit(1);
	hd_overlay_unhold_captures(overlay);
}

/* As hd_restore does it, up to where it dies. */
static void announce(
	struct scene *scene, struct hd_overlay *overlay, const struct hd_state_id *target, bool moved)
{
	struct hd_operation operation;
	struct hd_switch *run;

	hd_overlay_hold_captures(overlay);
	assert_success(hd_thread_change_begin(scene->store, "main", HD_OPERATION_RESTORE, "A <a@b>", true,
		&(struct hd_live_thread){.overlay = overlay}, &operation));
	operation.after.tree = *target;
	assert_success(hd_switch_new(overlay, target, &run));
	assert_success(hd_switch_announce(run));
	if (moved)
		assert_success(hd_index_change(scene->store->index, &operation));
}

/* The process that is killed; never returns. */
static void live_and_die(struct yard *yard, int arena_fd, int hot_fd, int ready_fd,
	const struct hd_state_id *target, enum death death)
{
	struct scene *scene = yard->scene;
	struct hd_overlay *overlay;

	open_scene_store(scene);
	overlay = open_with(scene, arena_fd, hot_fd, false);
	/* Looked into, so that it must be switched entry by entry. */
	free(model_dump_overlay(overlay));
	if (write(ready_fd, "x", 1) != 1)
		_exit(1);
	if (death == IN_RESTORE)
		restore(scene, overlay, target);
	else
		announce(scene, overlay, target, death == MOVED);
	if (write(ready_fd, "y", 1) != 1)
		_exit(1);
	(void)pause();
	_exit(0);
}

/* Kills DELAY_NS after it began, or when it has ended; returns how long it was waited for. */
static uint64_t run_and_kill(struct yard *yard, int arena_fd, int hot_fd, const struct hd_state_id *target,
	enum death death, const uint64_t *delay_ns)
{
	int ready[2], status;
	uint64_t begin;
	char byte;
	pid_t child;

	assert_int_equal(pipe(ready), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0)
		live_and_die(yard, arena_fd, hot_fd, ready[1], target, death);
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

/* Opens the thread after a death; returns which of the two trees is there. */
static int look(struct yard *yard, int arena_fd, int hot_fd, bool attach)
{
	struct hd_overlay *overlay;
	struct hd_thread thread;
	char *dump;
	int which;

	open_scene_store(yard->scene);
	overlay = open_with(yard->scene, attach ? arena_fd : -1, attach ? hot_fd : -1, attach);
	dump = model_dump_overlay(overlay);
	assert_success(hd_index_get_thread(yard->scene->store->index, "main", &thread));
	which = hd_state_id_equal(&thread.tree, &yard->states[1]);
	hd_thread_clear(&thread);
	assert_string_equal(dump, yard->dumps[which]);
	free(dump);
	live_close(overlay);
	overlay = live_open(yard->scene);
	dump = model_dump_overlay(overlay);
	assert_string_equal(dump, yard->dumps[which]);
	free(dump);
	live_close(overlay);
	close_scene_store(yard->scene);
	return which;
}

static void yard_clear(struct yard *yard)
{
	free(yard->dumps[0]);
	free(yard->dumps[1]);
	open_scene_store(yard->scene);
}

static void a_restore_that_is_killed_anywhere_happened_or_not(void **state)
{
	struct yard yard;
	uint64_t whole_ns = 0;
	int there = 1, happened = 0;

	make_states(&yard, *state);
	/* The first two are not killed, and tell how long one takes; the first has nothing to keep. */
	for (int round = 0; round < ROUNDS; round++) {
		uint64_t delay_ns = whole_ns * (uint64_t)round / (ROUNDS * 3 / 4);
		int wanted = !there, arena_fd, hot_fd;
		uint64_t took_ns;

		assert_success(hd_overlay_memory(&arena_fd, &hot_fd));
		took_ns = run_and_kill(&yard, arena_fd, hot_fd, &yard.states[wanted], IN_RESTORE,
			round < 2 ? NULL : &delay_ns);
		if (round < 2)
			whole_ns = took_ns;
		there = look(&yard, arena_fd, hot_fd, round % 2 == 0);
		happened += there == wanted;
		close(arena_fd);
		close(hot_fd);
	}
	assert_true(happened > 0);
	print_message("%d of %d restores had happened\n", happened, ROUNDS);
	yard_clear(&yard);
}

static void what_was_announced_is_finished_if_the_thread_was_moved_and_forgotten_if_not(void **state)
{
	struct yard yard;
	int there = 1;

	make_states(&yard, *state);
	for (int round = 0; round < 8; round++) {
		enum death death = round % 4 < 2 ? MOVED : ANNOUNCED;
		int wanted = !there, arena_fd, hot_fd;

		assert_success(hd_overlay_memory(&arena_fd, &hot_fd));
		(void)run_and_kill(&yard, arena_fd, hot_fd, &yard.states[wanted], death, NULL);
		assert_int_equal(
			look(&yard, arena_fd, hot_fd, round % 2 == 0), death == MOVED ? wanted : there);
		there = death == MOVED ? wanted : there;
		close(arena_fd);
		close(hot_fd);
	}
	yard_clear(&yard);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_restore_that_is_killed_anywhere_happened_or_not, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			what_was_announced_is_finished_if_the_thread_was_moved_and_forgotten_if_not,
			scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
