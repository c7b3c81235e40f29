/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/threads/thread_fork.h"

#include <stdbool.h>
#include <unistd.h>

#include "overlay/check/check.h"
#include "tests/unit/capture/history_model.h"
#include "tests/unit/capture/killed_process.h"

/*
 * A process that is killed while it forks a thread with what is not captured of it: at each system call that changes
 * something, one after the other. There must be no fork or the whole one, and the first thread has lost nothing.
 */

enum { STEPS_LIMIT = 500 };

#define ACTOR "A U Thor <author@example.org>"

static struct hd_overlay *open_thread(struct scene *scene, const char *thread)
{
	struct hd_overlay_options options = {
		.store = scene->store, .thread = thread, .arena_fd = -1, .hot_fd = -1};
	struct hd_overlay *overlay;

	assert_success(hd_overlay_open(&options, &overlay));
	return overlay;
}

/* The traced process. With IS_OPEN the thread is in use, and has something that is not on disk yet. */
static void work(struct scene *scene, const char *name, bool is_open)
{
	struct hd_thread_fork fork = {.from = "main", .name = name, .actor = ACTOR};
	struct hd_operation operation;
	bool changes;

	scene_open_store(scene);
	if (is_open) {
		fork.overlay = live_open(scene);
		live_write(fork.overlay, "unsynced", name);
	}
	killed_process_begin();
	_exit(hd_thread_fork(scene->store, &fork, &operation, &changes) < 0);
}

static void tell(enum hd_check_kind kind, const char *text, void *payload)
{
	(void)payload;
	if (kind == HD_CHECK_PROBLEM)
		fail_msg("%s", text);
}

/* What the killed process wrote is not what is compared. */
static void forget_unsynced(struct hd_overlay *overlay)
{
	live_write(overlay, "unsynced", "");
	live_set_time(overlay, "unsynced", 1);
}

static char *dump_thread(struct scene *scene, const char *thread, bool is_open)
{
	struct hd_overlay *overlay = open_thread(scene, thread);
	char *dump;

	if (is_open)
		forget_unsynced(overlay);
	dump = model_dump_overlay(overlay);
	live_close(overlay);
	return dump;
}

/* Whether there is the fork NAME; it is whole then. */
static bool check_fork(struct scene *scene, const char *name, bool is_open, const char *expected)
{
	struct hd_thread record;
	struct hd_overlay *overlay;
	char *text;

	if (hd_index_get_thread(scene->store->index, name, &record) < 0)
		return false;
	hd_thread_clear(&record);
	overlay = open_thread(scene, name);
	if (is_open) {
		text = live_read(overlay, "unsynced");
		assert_string_equal(text, name);
		free(text);
		forget_unsynced(overlay);
	}
	text = model_dump_overlay(overlay);
	assert_string_equal(text, expected);
	free(text);
	live_close(overlay);
	return true;
}

static void make_changes(struct scene *scene)
{
	struct hd_overlay *overlay;
	char path[64];

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	overlay = live_open(scene);
	live_make_directory(overlay, "new");
	for (int i = 0; i < 20; i++) {
		snprintf(path, sizeof(path), "new/file%d", i);
		live_write(overlay, path, path);
		live_set_time(overlay, path, 1000 + i);
	}
	live_write(overlay, "unsynced", "");
	live_close(overlay);
}

static void a_fork_that_is_killed_anywhere_is_whole_or_none(struct scene *scene, bool is_open)
{
	struct hd_check_report report;
	char *before, *after;
	bool was_killed = true;
	int step = 0, forks = 0;

	make_changes(scene);
	before = dump_thread(scene, "main", is_open);
	scene_close_store(scene);
	for (; was_killed && step < STEPS_LIMIT; step++) {
		char name[32];
		pid_t child = fork();

		snprintf(name, sizeof(name), "%s%d", is_open ? "live" : "closed", step);
		assert_true(child >= 0);
		if (child == 0)
			work(scene, name, is_open);
		was_killed = killed_process_trace(child, step);
		scene_open_store(scene);
		forks += check_fork(scene, name, is_open, before);
		after = dump_thread(scene, "main", is_open);
		assert_string_equal(after, before);
		free(after);
		assert_success(hd_store_check(scene->store, tell, NULL, &report));
		scene_close_store(scene);
	}
	print_message("%d steps, %d forks\n", step, forks);
	assert_false(was_killed);
	assert_true(step > 8);
	assert_true(forks >= 1 && forks < step);
	free(before);
}

static void a_fork_of_a_closed_thread(void **state)
{
	a_fork_that_is_killed_anywhere_is_whole_or_none(*state, false);
}

static void a_fork_of_an_open_thread(void **state)
{
	a_fork_that_is_killed_anywhere_is_whole_or_none(*state, true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_fork_of_a_closed_thread, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(a_fork_of_an_open_thread, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests_name("killed_fork", tests, NULL, NULL);
}
