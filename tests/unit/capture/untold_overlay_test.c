/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/live.h"

/*
 * What fails after a state was published does not make it unmade: the capture says that there is a state, and the overlay goes on
 * from it. The linker puts the __wrap_ functions in front of what is called there.
 */

int __real_hd_index_publish(struct hd_index *index, struct hd_state *state, const char *thread,
	const struct hd_state_id *expected_head);
int __wrap_hd_index_publish(struct hd_index *index, struct hd_state *state, const char *thread,
	const struct hd_state_id *expected_head);
int __real_hd_index_get_thread(struct hd_index *index, const char *name, struct hd_thread *ret_thread);
int __wrap_hd_index_get_thread(struct hd_index *index, const char *name, struct hd_thread *ret_thread);
int __wrap_hd_snapshot_publish(struct hd_snapshot *snapshot, const struct hd_state_id *state);

static bool fails; /* from the publication on */

int __wrap_hd_index_publish(struct hd_index *index, struct hd_state *state, const char *thread,
	const struct hd_state_id *expected_head)
{
	fails = true;
	return __real_hd_index_publish(index, state, thread, expected_head);
}

int __wrap_hd_index_get_thread(struct hd_index *index, const char *name, struct hd_thread *ret_thread)
{
	return fails ? -EIO : __real_hd_index_get_thread(index, name, ret_thread);
}

int __wrap_hd_snapshot_publish(struct hd_snapshot *snapshot, const struct hd_state_id *state)
{
	(void)snapshot;
	(void)state;
	return -EIO;
}

static struct hd_overlay *begin(struct scene *scene)
{
	scene_run(scene, "mkdir -p host/a && echo x > host/a/one && echo y > host/a/two");
	scene_initialize(scene, "host");
	fails = false;
	return live_open(scene);
}

/* The next capture is one of what changed since STATE, which it clears, and of nothing else. */
static void goes_on_from(struct hd_overlay *overlay, struct hd_state *state, const char *changed)
{
	struct hd_state next;

	fails = false;
	live_assert_status(overlay, changed);
	live_write(overlay, "a/two", "next");
	live_capture(overlay, "next", &next);
	assert_true(hd_state_id_equal(&next.parents[0], &state->id));
	fails = false;
	live_assert_status(overlay, "");
	live_close(overlay);
	hd_state_clear(state);
	hd_state_clear(&next);
}

static void a_capture_of_all_has_happened(void **state)
{
	struct hd_overlay *overlay = begin(*state);
	struct hd_state made;

	live_write(overlay, "a/one", "mine");
	live_capture(overlay, "made", &made);
	goes_on_from(overlay, &made, "");
}

static void a_capture_of_paths_has_happened(void **state)
{
	struct hd_overlay *overlay = begin(*state);
	const char *const paths[] = {"a/one"};
	const struct hd_capture_options options = {
		.author = "A <a@b>", .message = "made", .choice = {.paths = paths, .n_paths = 1}};
	struct hd_state made;
	bool nothing;

	live_write(overlay, "a/one", "mine");
	live_write(overlay, "new", "left out");
	assert_success(hd_capture_run(overlay, &options, &made, &nothing));
	goes_on_from(overlay, &made, "A new\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(a_capture_of_all_has_happened),
		TEST(a_capture_of_paths_has_happened),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
