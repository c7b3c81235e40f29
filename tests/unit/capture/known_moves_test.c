/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/known_moves.h"

#include "overlay/platform/buffer.h"
#include "tests/unit/capture/live.h"

/* Moves of several states, put together: from the paths of one tree to those of another, along the history and back. */

#define MOVE(old, new)                                                           \
	{                                                                        \
		.from = (char *)(uintptr_t)(old), .to = (char *)(uintptr_t)(new) \
	}

static void assert_moves(const struct hd_known_moves *moves, const char *expected)
{
	struct hd_buffer text = {0};

	for (size_t i = 0; i < moves->count; i++)
		hd_buffer_printf(&text, "%s > %s\n", moves->items[i].from, moves->items[i].to);
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	hd_buffer_clear(&text);
}

static void assert_put_together(
	struct hd_state_move earlier[2], struct hd_state_move later[2], const char *expected)
{
	struct hd_known_moves moves = {0};

	for (int i = 0; i < 2 && later[i].from; i++)
		assert_success(hd_known_moves_add(&moves, later[i].from, later[i].to));
	assert_success(hd_known_moves_put_before(&moves, earlier, earlier[1].from ? 2 : 1));
	assert_moves(&moves, expected);
	hd_known_moves_clear(&moves);
}

static void steps_become_one_way(void **state)
{
	struct hd_state_move a_b[2] = {MOVE("a", "b")}, b_c[2] = {MOVE("b", "c")};
	struct hd_state_move a_in_b[2] = {MOVE("a", "b/c")}, b_d[2] = {MOVE("b", "d")};
	struct hd_state_move out_of_b[2] = {MOVE("b/x", "q")};
	struct hd_state_move nested[2] = {MOVE("src", "lib"), MOVE("src/deep", "lib/other")};
	struct hd_state_move out_of_both[2] = {MOVE("lib/other/in", "in"), MOVE("lib/deep", "deep")};
	struct hd_state_move near[2] = {MOVE("bb", "z")};

	(void)state;
	assert_put_together(a_b, b_c, "a > c\n");
	assert_put_together(a_in_b, b_d, "b > d\na > d/c\n");
	assert_put_together(a_b, out_of_b, "a/x > q\na > b\n");
	assert_put_together(
		nested, out_of_both, "src/deep/in > in\nsrc/deep > deep\nsrc > lib\nsrc/deep > lib/other\n");
	assert_put_together(a_b, near, "bb > z\na > b\n");
}

/* A state of what was done since the last. */
static struct hd_state_id captured(struct hd_overlay *overlay)
{
	struct hd_state_id id;
	struct hd_state state;

	live_capture(overlay, "x", &state);
	id = state.id;
	hd_state_clear(&state);
	return id;
}

static void assert_between(struct scene *scene, const struct hd_state_id *from, const struct hd_state_id *to,
	const char *expected)
{
	struct hd_known_moves moves;

	assert_success(hd_known_moves_between(scene->store->index, from, to, &moves));
	assert_moves(&moves, expected);
	hd_known_moves_clear(&moves);
}

static void states_lead_forth_back_and_across(void **state)
{
	struct scene *scene = *state;
	struct hd_state_id ids[4];
	struct hd_overlay *overlay;

	scene_run(scene, "mkdir -p repo/a repo/k && echo 1 > repo/a/f && echo 2 > repo/k/f");
	scene_initialize(scene, "repo");
	overlay = live_open(scene);
	hd_overlay_head(overlay, &ids[0]);
	live_rename(overlay, "a", "b");
	live_write(overlay, "b/f", "changed");
	ids[1] = captured(overlay);
	live_rename(overlay, "b", "k/c");
	live_write(overlay, "k/c/f", "again");
	ids[2] = captured(overlay);
	live_rename(overlay, "k", "l");
	ids[3] = captured(overlay);
	live_close(overlay);
	assert_between(scene, &ids[0], &ids[1], "a > b\n");
	assert_between(scene, &ids[0], &ids[2], "a > k/c\n");
	assert_between(scene, &ids[0], &ids[3], "k > l\na > l/c\n");
	assert_between(scene, &ids[3], &ids[1], "l > k\nl/c > b\n");
	assert_between(scene, &ids[2], &ids[2], "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(steps_become_one_way),
		cmocka_unit_test_setup_teardown(
			states_lead_forth_back_and_across, scene_setup, scene_teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
