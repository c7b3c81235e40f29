/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/killed_process.h"
#include "tests/unit/capture/scene.h"

#include <stdbool.h>
#include <unistd.h>

#include "capture/git/export/export_git.h"
#include "capture/git/export/export_pack.h"
#include "overlay/platform/files/atomic_file_fallback.h"

/*
 * A process that is killed while it exports: at each system call that changes something, one after the other (every few of them,
 * and all with KILLED_EXPORT_STRIDE=1). The branch must be absent or whole, git's gc must remove whatever is left, and exporting again must lead to the same commit.
 */

enum { STEPS_LIMIT = 2000, FILES = HD_EXPORT_LOOSE_OBJECTS + 4 };

/* A state with COUNT files more. */
static void make_scene(struct scene *scene, size_t count)
{
	static struct spec specs[FILES];
	static char paths[FILES][32], texts[FILES][32];
	struct hd_state state;

	for (size_t i = 0; i < count; i++) {
		snprintf(paths[i], sizeof(paths[i]), "src/d%zu/f%zu", i % 7, i);
		snprintf(texts[i], sizeof(texts[i]), "file %zu\n", i);
		specs[i] = (struct spec){.path = paths[i], .mode = S_IFREG | 0644, .text = texts[i]};
	}
	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, count, "more", &state);
	hd_state_clear(&state);
	scene_close_store(scene);
	scene_run(scene, "cp -a repo origin");
}

static int export_thread(struct scene *scene, struct hd_export_git_result *result)
{
	const struct hd_export_git_options options = {.thread = "main"};

	return hd_export_git(scene->store, scene->bases, &options, result);
}

static bool kill_at(struct scene *scene, int step)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0) {
		struct hd_export_git_result result;

		scene_open_store(scene);
		killed_process_begin();
		_exit(export_thread(scene, &result) < 0);
	}
	return killed_process_trace(child, step);
}

static void check_branch(const struct scene *scene, size_t count)
{
	scene_assert_output(
		scene, "heddle/main\n", "git -C repo branch --list --format='%%(refname:short)' 'heddle/*'");
	scene_run(scene, "test $(git -C repo diff --name-only trunk heddle/main | wc -l) = %zu", count);
	scene_run(scene, "cd repo && git fsck --strict --no-dangling && test $(git show "
			 "heddle/main:src/d3/f3 | wc -l) = 1");
}

static void check_killed(struct scene *scene, size_t count)
{
	struct hd_export_git_result result;

	scene_run(scene,
		"find repo/.git/refs -name '*.lock' -delete; cd repo && git fsck --strict --no-dangling");
	if (scene_try(scene, "git -C repo rev-parse -q --verify heddle/main >/dev/null") == 0)
		check_branch(scene, count);
	/* What is left is git's to take away. */
	scene_run(scene, "cp -a repo swept && cd swept && git -c core.fsync=none gc -q --prune=now && rm -rf "
			 "../sweep && "
			 "! find .git/objects | grep -vE "
			 "'/(objects|pack|info|info/packs|info/commit-graph|pack/"
			 "pack-[0-9a-f]{40}[.](pack|idx|rev))$'");
	scene_run(scene, "rm -rf swept");
	scene_open_store(scene);
	assert_success(export_thread(scene, &result));
	hd_export_git_result_clear(&result);
	scene_close_store(scene);
	check_branch(scene, count);
}

static void kill_each_step(void **state, size_t count, int stride)
{
	struct scene *scene = *state;
	const char *given = getenv("KILLED_EXPORT_STRIDE");
	int steps = 0;

	stride = given ? atoi(given) : stride;
	assert_true(stride > 0);
	make_scene(scene, count);
	while (kill_at(scene, steps)) {
		check_killed(scene, count);
		scene_run(scene, "rm -rf repo && cp -a origin repo");
		steps += stride;
		assert_true(steps < STEPS_LIMIT);
	}
	check_branch(scene, count);
	assert_true(steps > 10);
	scene_assert_output(scene, count > HD_EXPORT_LOOSE_OBJECTS ? "1\n" : "0\n",
		"ls repo/.git/objects/pack | grep 'pack$' | wc -l");
}

static void test_files(void **state)
{
	kill_each_step(state, 4, 11);
}

static void test_pack(void **state)
{
	kill_each_step(state, FILES, 5);
}

static void test_pack_without_unnamed_files(void **state)
{
	hd_file_atomic_without_tmpfile = true;
	kill_each_step(state, FILES, 7);
	hd_file_atomic_without_tmpfile = false;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_files, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_pack, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_pack_without_unnamed_files, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
