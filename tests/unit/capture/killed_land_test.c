/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/killed_process.h"
#include "tests/unit/capture/scene.h"

#include <stdbool.h>
#include <unistd.h>

#include "capture/git/land/land.h"
#include "capture/threads/thread_advance.h"

/*
 * A process that is killed while it lands a thread on a branch that went on and that is checked out: at each system call
 * that changes something, one after the other (every few of them, and all with KILLED_LAND_STRIDE=1). The branch must be where it was or have the whole merge, the store be whole,
 * and landing again must lead to the same.
 */

enum { STEPS_LIMIT = 2000 };

#define AUTHOR "A U Thor <author@example.org>"

/* A thread with a change, and a branch with another one. */
static void make_scene(struct scene *scene)
{
	const struct spec specs[] = {
		{.path = "README", .mode = S_IFREG | 0644, .text = "one\ntwo\nthree\nours\n"},
		{.path = "src/new/ours", .mode = S_IFREG | 0755, .text = "ours\n"},
		{.path = "docs/manual"},
	};
	struct hd_state state;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, specs, HD_ARRAY_SIZE(specs), "ours", &state);
	hd_state_clear(&state);
	scene_close_store(scene);
	scene_run(scene,
		"cd repo && printf 'theirs\\none\\ntwo\\nthree\\n' >README && mkdir -p src/new && "
		"echo theirs >src/new/theirs && git add README src/new && git commit -q -m theirs && "
		"git rev-parse HEAD >../before && cd .. && cp -a repo origin");
}

static int land(struct scene *scene, bool squash, struct hd_land_result *result)
{
	struct hd_land_options options = {
		.thread = "main", .author = AUTHOR, .squash = squash, .message = "landed"};
	struct hd_advance_options advance = {.thread = "main", .kind = HD_OPERATION_LAND, .actor = AUTHOR};
	struct hd_operation operation;
	int r = hd_land_run(scene->store, scene->bases, &options, result);

	if (r < 0 || result->outcome == HD_LAND_NOTHING)
		return r;
	advance.from = &result->head.id;
	advance.to = &result->state.id;
	r = hd_thread_advance(scene->store, &advance, &operation);
	if (r >= 0)
		hd_operation_clear(&operation);
	return r;
}

/* The traced process. SQLite's own files are open before the first stop. */
static void work(struct scene *scene, bool squash)
{
	struct hd_land_result result;

	scene_open_store(scene);
	killed_process_begin();
	_exit(land(scene, squash, &result) < 0);
}

static bool kill_at(struct scene *scene, int step, bool squash)
{
	pid_t child = fork();

	assert_true(child >= 0);
	if (child == 0)
		work(scene, squash);
	return killed_process_trace(child, step);
}

static void tell(const char *text, void *payload)
{
	(void)payload;
	fail_msg("%s", text);
}

/*
 * The branch is old or new, and what it names is there. git's own locks stay, as when git dies, and so may files of a
 * checkout: somebody takes them away.
 */
static void check_repository(const struct scene *scene)
{
	scene_run(scene, "find repo/.git -name '*.lock' -delete; cd repo && git fsck --connectivity-only "
			 "--no-dangling &&"
			 "{ [ $(git rev-parse trunk) = $(cat ../before) ] || [ $(git rev-parse trunk^1) = "
			 "$(cat ../before) ]; } &&"
			 "git status >/dev/null && git reset -q --hard && git clean -fdq");
}

static void check_landed(const struct scene *scene, bool squash)
{
	scene_assert_output(scene, "theirs\none\ntwo\nthree\nours\nours\ntheirs\n",
		"cd repo && git show trunk:README trunk:src/new/ours trunk:src/new/theirs");
	scene_assert_output(scene, "", "cd repo && git ls-tree -r trunk docs && git status --porcelain -uno");
	scene_assert_output(scene, squash ? "1\n" : "2\n", "cd repo && git rev-parse trunk^@ | wc -l");
	scene_run(scene, "cd repo && test ! -e docs/manual && test -x src/new/ours && grep -q theirs README");
}

static void check_store(struct scene *scene, bool squash)
{
	struct hd_land_result result;

	scene_open_store(scene);
	assert_success(hd_index_check(scene->store->index, tell, NULL));
	assert_success(land(scene, squash, &result));
	hd_land_result_clear(&result);
	assert_success(hd_index_check(scene->store->index, tell, NULL));
	scene_close_store(scene);
	check_landed(scene, squash);
}

static void kill_each_step(void **state, bool squash, int stride)
{
	struct scene *scene = *state;
	const char *given = getenv("KILLED_LAND_STRIDE");
	int steps = 0;

	stride = given ? atoi(given) : stride;
	assert_true(stride > 0);
	make_scene(scene);
	while (kill_at(scene, steps, squash)) {
		check_repository(scene);
		check_store(scene, squash);
		scene_run(scene, "rm -rf repo && cp -a origin repo");
		steps += stride;
		assert_true(steps < STEPS_LIMIT);
	}
	check_landed(scene, squash);
	assert_true(steps > 50);
}

static void test_merge(void **state)
{
	kill_each_step(state, false, 5);
}

static void test_squash(void **state)
{
	/* The calls are nearly the same. */
	kill_each_step(state, true, 9);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_merge, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(test_squash, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
