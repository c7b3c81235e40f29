/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/killed_process.h"
#include "tests/unit/capture/scene.h"

#include <stdbool.h>
#include <unistd.h>

#include "capture/git/worktree/worktree.h"

/*
 * A process that is killed while it makes a worktree, or takes one away: at each system call that changes something, one
 * after the other. git must find a whole worktree or none, whatever it does next, and heddle must go on.
 */

enum { STEPS_LIMIT = 400 };

static void attach(const struct scene *scene, struct hd_store *store, bool branch)
{
	char mountpoint[PATH_MAX];
	struct hd_worktree_settings settings = {.thread = "main", .mountpoint = mountpoint, .branch = branch};
	char *link;

	snprintf(mountpoint, sizeof(mountpoint), "%s/mnt", scene->directory);
	assert_success(hd_worktree_attach(store, &settings, &link));
	scene_run(scene, "mkdir -p mnt && cat >mnt/.git <<'X'\n%sX", link);
	free(link);
}

static int remove_one(const struct hd_worktree_record *record, void *payload)
{
	(void)payload;
	assert_success(hd_worktree_remove(record));
	return 0;
}

static void open_store(const struct scene *scene, struct hd_store **ret_store)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "%s/repo/.heddle", scene->directory);
	assert_success(hd_store_open(path, ret_store));
}

/* The traced process. SQLite's own files are open before the first stop. */
static void work(const struct scene *scene, bool removes, bool branch)
{
	struct hd_store *store;

	open_store(scene, &store);
	killed_process_begin();
	if (removes)
		assert_success(hd_worktree_list(store, remove_one, NULL));
	else
		attach(scene, store, branch);
	_exit(0);
}

static bool kill_at(const struct scene *scene, int step, bool removes, bool branch)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		work(scene, removes, branch);
	return killed_process_trace(child, step);
}

/* What git finds is whole: every worktree that it lists has a commit, and the one that can be entered is clean. */
static void check_repository(const struct scene *scene)
{
	scene_run(scene,
		"git -C repo worktree prune -v --expire=now >pruned && git -C repo fsck --strict 2>&1");
	scene_assert_output(scene, "", "cat pruned | grep -v 'gitdir file does not exist' || true");
	scene_assert_output(scene, "", "git -C repo worktree list --porcelain | grep '^HEAD 0*$' || true");
	scene_run(scene, "git -C repo status >/dev/null");
}

static void check_worktree(const struct scene *scene)
{
	scene_assert_output(scene, "", "git -C mnt diff --cached HEAD");
	scene_assert_output(scene, "2\n", "git -C repo worktree list | wc -l");
	scene_run(
		scene, "git -C repo worktree prune --expire=now && test -e repo/.git/worktrees/main/locked");
}

static void kill_each_step(void **state, bool branch)
{
	struct scene *scene = *state;
	int steps = 0;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	while (kill_at(scene, steps, false, branch)) {
		check_repository(scene);
		/* git leaves the same lock of a branch, and waits for a person. */
		scene_run(scene, "rm -f repo/.git/refs/heads/heddle/main.lock");
		attach(scene, scene->store, branch);
		check_worktree(scene);
		/* From the beginning. */
		scene_run(scene, "rm -rf repo/.git/worktrees repo/.git/heddle-new-* mnt");
		scene_run(scene, "git -C repo update-ref -d refs/heads/heddle/main; rm -rf "
				 "repo/.git/refs/heads/heddle");
		assert_true(++steps < STEPS_LIMIT);
	}
	check_worktree(scene);
	/* Five files, each with a temporary one's link, two directories, the index. */
	assert_true(steps > 10);
}

static void test_making(void **state)
{
	kill_each_step(state, false);
}

static void test_making_on_a_branch(void **state)
{
	kill_each_step(state, true);
}

static void test_removing(void **state)
{
	struct scene *scene = *state;
	int steps = 0;
	bool killed;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	do {
		attach(scene, scene->store, false);
		scene_run(scene,
			"git -C mnt commit -q --allow-empty -m kept && git -C mnt rev-parse HEAD >commit");
		killed = kill_at(scene, steps, true, false);
		check_repository(scene);
		assert_success(hd_worktree_list(scene->store, remove_one, NULL));
		scene_assert_output(scene, "1\n", "git -C repo worktree list | wc -l");
		/* Nothing but the worktree had it. */
		scene_run(scene, "git -C repo gc -q --prune=now && git -C repo cat-file -e $(cat commit)");
		scene_run(scene, "rm -rf mnt repo/.git/heddle-gone-*");
		assert_true(++steps < STEPS_LIMIT);
	} while (killed);
	assert_true(steps > 8);
	scene_run(scene, "test ! -e repo/.git/worktrees");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_making, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_making_on_a_branch, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_removing, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
