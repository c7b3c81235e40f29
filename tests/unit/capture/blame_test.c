/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_operations.h"
#include "tests/unit/capture/scene.h"

#include "capture/blame/blame.h"
#include "capture/compare/line_hunks.h"

/* Blame over merges, and the numbers of hunks; what the command does with them is cases/cli/blame.sh. */

static void commit(struct scene *scene, const struct hd_state *parent, const char *text, const char *message,
	struct hd_state *ret_state)
{
	struct spec spec = {.path = "file", .mode = S_IFREG | 0644, .text = text};

	scene_commit(scene, parent, &spec, 1, message, ret_state);
}

/* A state whose parents are A, the thread's head, and B. */
static void merge(struct scene *scene, const struct hd_state *a, const struct hd_state *b, const char *text,
	struct hd_state *ret_state)
{
	struct hd_state_id parents[2] = {a->id, b->id};
	struct hd_state made, state;

	commit(scene, a, text, "tree of the merge", &made);
	state = made;
	state.parents = parents;
	state.n_parents = 2;
	state.message = (char *)"merge";
	assert_success(hd_index_publish(scene->store->index, &state, NULL, NULL));
	assert_success(hd_index_get_state(scene->store->index, &state.id, ret_state));
	hd_state_clear(&made);
}

/* "message:line" of each line, apart by blanks. */
static void assert_blame(struct scene *scene, const struct hd_state *state, const char *expected)
{
	const struct hd_blame_range all = {0};
	char text[512] = "";
	struct hd_blame blame;

	assert_success(hd_blame_state(scene->store, scene->bases, &state->id, "file", &all, &blame));
	for (size_t i = 0; i < blame.n_lines; i++) {
		size_t length = strlen(text);

		(void)snprintf(text + length, sizeof(text) - length, "%s%s:%zu", i > 0 ? " " : "",
			blame.sources[blame.lines[i].source].state.message, blame.lines[i].source_line);
	}
	hd_blame_clear(&blame);
	assert_string_equal(text, expected);
}

static void a_line_of_a_merge_is_the_side_s_that_brought_it(void **state)
{
	struct scene *scene = *state;
	struct hd_state first, left, right, merged, again;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	commit(scene, &scene->base, "a\nb\nc\nd\ne\n", "first", &first);
	commit(scene, &first, "a\nB\nc\nd\ne\n", "left", &left);
	assert_success(hd_index_create_thread(scene->store->index, "kept", &left.id));
	/* The other side begins where the first one did. */
	{
		struct hd_state_id head = left.id;
		struct hd_state side = first;

		side.parents = &first.id;
		side.n_parents = 1;
		side.message = (char *)"back";
		assert_success(hd_index_publish(scene->store->index, &side, "main", &head));
		commit(scene, &side, "a\nb\nc\nD\ne\n", "right", &right);
	}
	assert_success(hd_index_get_state(scene->store->index, &right.id, &again));
	hd_state_clear(&again);
	merge(scene, &right, &left, "a\nB\nc\nD\nE\n", &merged);
	assert_blame(scene, &merged, "first:1 left:2 first:3 right:4 merge:5");
	hd_state_clear(&first);
	hd_state_clear(&left);
	hd_state_clear(&right);
	hd_state_clear(&merged);
}

static void lines_that_moved_down_are_still_theirs(void **state)
{
	struct scene *scene = *state;
	struct hd_state first, second, third;

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	commit(scene, &scene->base, "a\nb\nc\n", "first", &first);
	commit(scene, &first, "x\ny\na\nc\nz", "second", &second);
	commit(scene, &second, "y\na\nw\nc\nz", "third", &third);
	assert_blame(scene, &first, "first:1 first:2 first:3");
	assert_blame(scene, &second, "second:1 second:2 first:1 first:3 second:5");
	assert_blame(scene, &third, "second:2 first:1 third:3 first:3 second:5");
	hd_state_clear(&first);
	hd_state_clear(&second);
	hd_state_clear(&third);
}

static void hunks_count_from_nothing(void **state)
{
	static const char old_text[] = "a\nb\nc\nd\n", new_text[] = "0\na\nc\nd\nE\n";
	struct hd_buffer found = {0};
	const struct hd_line_hunk *hunks;
	unsigned percent;

	(void)state;
	assert_success(hd_line_hunks_find(old_text, 8, new_text, 10, &found));
	assert_int_equal(found.size, 3 * sizeof(*hunks));
	hunks = (const struct hd_line_hunk *)(void *)found.data;
	assert_memory_equal(&hunks[0], (&(struct hd_line_hunk){0, 0, 0, 1}), sizeof(*hunks));
	assert_memory_equal(&hunks[1], (&(struct hd_line_hunk){1, 1, 2, 0}), sizeof(*hunks));
	assert_memory_equal(&hunks[2], (&(struct hd_line_hunk){4, 0, 4, 1}), sizeof(*hunks));
	hd_buffer_clear(&found);
	assert_success(hd_line_hunks_similarity(old_text, 8, old_text, 8, &percent));
	assert_int_equal(percent, 100);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_line_of_a_merge_is_the_side_s_that_brought_it, scene_setup, scene_teardown),
		cmocka_unit_test_setup_teardown(
			lines_that_moved_down_are_still_theirs, scene_setup, scene_teardown),
		cmocka_unit_test(hunks_count_from_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
