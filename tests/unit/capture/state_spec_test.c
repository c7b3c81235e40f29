/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/capture/scene.h"

#include "capture/history/state_history.h"
#include "capture/history/state_log.h"
#include "capture/history/state_spec.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/index/index_operations.h"

/* How states are named and listed. */

static void commit_three(struct scene *scene, struct hd_state states[3])
{
	struct spec spec = {.path = "a", .mode = S_IFREG | 0644, .text = "1"};

	scene_make_repository(scene);
	scene_initialize(scene, NULL);
	scene_commit(scene, &scene->base, &spec, 1, "one", &states[0]);
	spec.text = "2";
	scene_commit(scene, &states[0], &spec, 1, "two", &states[1]);
	spec.text = "3";
	scene_commit(scene, &states[1], &spec, 1, "three", &states[2]);
}

static void clear_three(struct hd_state states[3])
{
	for (int i = 0; i < 3; i++)
		hd_state_clear(&states[i]);
}

static void assert_names(struct scene *scene, const char *spec, const struct hd_state *expected)
{
	struct hd_state_id id;

	assert_success(hd_state_spec_resolve(scene->store->index, spec, "main", &id));
	assert_true(hd_state_id_equal(&id, &expected->id));
}

static void every_form_names_its_state(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];
	char id[HD_STATE_ID_TEXT_SIZE], spec[HD_STATE_ID_TEXT_SIZE + 8];

	commit_three(scene, states);
	assert_names(scene, "@", &states[2]);
	assert_names(scene, "@~", &states[1]);
	assert_names(scene, "@~2", &states[0]);
	assert_names(scene, "@~1~1~", &scene->base);
	assert_names(scene, "@~0", &states[2]);
	assert_names(scene, "main", &states[2]);
	assert_names(scene, "main~1", &states[1]);
	hd_state_id_format(&states[1].id, id);
	assert_names(scene, id, &states[1]);
	snprintf(spec, sizeof(spec), "%.12s~1", id);
	assert_names(scene, spec, &states[0]);
	clear_three(states);
}

static void a_thread_hides_behind_no_id_and_hides_no_state(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];
	char id[HD_STATE_ID_TEXT_SIZE], name[8];

	commit_three(scene, states);
	hd_state_id_format(&states[2].id, id);
	snprintf(name, sizeof(name), "%.6s", id);
	assert_success(hd_index_create_thread(scene->store->index, name, &states[0].id));
	assert_names(scene, name, &states[0]);
	assert_code(hd_index_create_thread(scene->store->index, "main~1", &states[0].id), HD_E_NAME_INVALID);
	assert_names(scene, "main~1", &states[1]);
	clear_three(states);
}

static void assert_thread(struct scene *scene, const char *spec, const char *expected)
{
	char *thread = NULL;

	assert_success(hd_state_spec_thread(scene->store->index, spec, "main", &thread));
	if (expected)
		assert_string_equal(thread, expected);
	else
		assert_null(thread);
	free(thread);
}

static void set_tag(struct scene *scene, const char *name, const struct hd_state *at)
{
	struct hd_operation operation = {
		.kind = HD_OPERATION_TAG, .is_tag = true, .after = {.name = strdup(name), .head = at->id}};

	assert_success(hd_index_change(scene->store->index, &operation));
	hd_operation_clear(&operation);
}

static void a_tag_names_its_state_after_threads_and_before_ids(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];
	char id[HD_STATE_ID_TEXT_SIZE], name[8];

	commit_three(scene, states);
	set_tag(scene, "v1", &states[1]);
	assert_names(scene, "v1", &states[1]);
	assert_names(scene, "v1~1", &states[0]);
	hd_state_id_format(&states[2].id, id);
	snprintf(name, sizeof(name), "%.6s", id);
	set_tag(scene, name, &states[0]);
	assert_names(scene, name, &states[0]);
	set_tag(scene, "main", &states[0]);
	assert_names(scene, "main", &states[2]);
	clear_three(states);
}

static void a_spec_counts_from_a_thread_or_from_none(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];
	char id[HD_STATE_ID_TEXT_SIZE];

	commit_three(scene, states);
	set_tag(scene, "v1", &states[1]);
	assert_success(hd_index_create_thread(scene->store->index, "other", &states[0].id));
	assert_thread(scene, "@", "main");
	assert_thread(scene, "@~2", "main");
	assert_thread(scene, "other", "other");
	assert_thread(scene, "other~~1", "other");
	assert_thread(scene, "v1", NULL);
	assert_thread(scene, "v1~", NULL);
	hd_state_id_format(&states[2].id, id);
	assert_thread(scene, id, NULL);
	assert_thread(scene, "nothing~x", NULL);
	assert_thread(scene, "", NULL);
	clear_three(states);
}

static void what_names_nothing_is_refused(void **state)
{
	struct scene *scene = *state;
	struct hd_index *index;
	struct hd_state states[3];
	struct hd_state_id id;

	commit_three(scene, states);
	index = scene->store->index;
	assert_code(hd_state_spec_resolve(index, "@~9", "main", &id), HD_E_STATE_MISSING);
	assert_code(hd_state_spec_resolve(index, "@", NULL, &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "~1", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "nobody", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "@~x", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "@~99999999999999999999", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "abc", "main", &id), HD_E_STATE_SPEC);
	assert_code(hd_state_spec_resolve(index, "00000000000000000000000000000000", "main", &id),
		HD_E_STATE_MISSING);
	clear_three(states);
}

static int note(const struct hd_state *state, void *payload)
{
	hd_buffer_printf(payload, "%s\n", state->message);
	return 0;
}

static void assert_log(struct scene *scene, enum hd_state_log_order order, const char *expected)
{
	struct hd_buffer text = {0};
	struct hd_state_id head;

	assert_success(hd_state_spec_resolve(scene->store->index, "main", NULL, &head));
	assert_success(hd_state_log_walk(scene->store->index, &head, order, note, &text));
	hd_buffer_put_u8(&text, 0);
	assert_string_equal((const char *)text.data, expected);
	hd_buffer_clear(&text);
}

static void the_log_shows_the_newest_first(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];

	commit_three(scene, states);
	assert_log(scene, HD_STATE_LOG_FIRST_PARENT, "three\ntwo\none\nbase: first commit\n");
	assert_log(scene, HD_STATE_LOG_ALL_PARENTS, "three\ntwo\none\nbase: first commit\n");
	clear_three(states);
}

static void all_parents_are_shown_once_and_after_their_children_whatever_the_clocks_say(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3];
	struct hd_state_id parents[2];
	struct hd_state side = {
		.message = (char *)"side", .author = (char *)"A <a@b>", .time_s = 4000000000, .n_parents = 1};
	struct hd_state merge = {
		.message = (char *)"merge", .author = (char *)"A <a@b>", .time_s = 1, .n_parents = 2};

	commit_three(scene, states);
	side.parents = &states[0].id;
	side.tree = states[0].tree;
	assert_success(hd_index_publish(scene->store->index, &side, NULL, NULL));
	parents[0] = states[2].id;
	parents[1] = side.id;
	merge.parents = parents;
	merge.tree = states[2].tree;
	assert_success(hd_index_publish(scene->store->index, &merge, "main", &states[2].id));
	assert_log(scene, HD_STATE_LOG_FIRST_PARENT, "merge\nthree\ntwo\none\nbase: first commit\n");
	assert_log(scene, HD_STATE_LOG_ALL_PARENTS, "merge\nside\nthree\ntwo\none\nbase: first commit\n");
	clear_three(states);
}

static int letter(const struct hd_state *state, void *payload)
{
	return state->is_base || !strchr(payload, state->message[0]);
}

/* Messages' first letters, a state before its parents, each with those of its parents. */
static void assert_history(struct scene *scene, const struct hd_state_id *from, size_t n_from,
	const char *left_out, const char *expected)
{
	struct hd_history history;
	char text[256] = "";

	assert_success(hd_history_read(
		scene->store->index, from, n_from, letter, (void *)(uintptr_t)left_out, &history));
	for (size_t i = 0; i < history.count; i++) {
		for (size_t j = 0; j <= history.rows[i].n_parents; j++) {
			const struct hd_state_id *id =
				j ? &history.rows[i].parents[j - 1] : &history.rows[i].id;
			size_t length = strlen(text);
			struct hd_state state;

			assert_success(hd_index_get_state(scene->store->index, id, &state));
			(void)snprintf(text + length, sizeof(text) - length, "%s%c",
				j == 1            ? ":"
				: j == 0 && i > 0 ? " "
						  : "",
				state.message[0]);
			hd_state_clear(&state);
		}
	}
	hd_history_clear(&history);
	assert_string_equal(text, expected);
}

static void a_history_goes_by_lines_and_around_what_is_left_out(void **state)
{
	struct scene *scene = *state;
	struct hd_state states[3], side, merge;
	struct hd_state_id parents[2], from[2];

	commit_three(scene, states);
	/* One more line from "one" on, and a merge of both. */
	side = states[1];
	side.message = (char *)"side";
	assert_success(hd_index_publish(scene->store->index, &side, NULL, NULL));
	merge = states[2];
	parents[0] = states[2].id;
	parents[1] = side.id;
	merge.parents = parents;
	merge.n_parents = 2;
	merge.message = (char *)"merge";
	merge.time_s++;
	assert_success(hd_index_publish(scene->store->index, &merge, NULL, NULL));
	from[0] = states[1].id;
	from[1] = merge.id;
	assert_history(scene, &from[1], 1, "", "m:ts s:o t:t t:o o:b b");
	/* Where one start is an ancestor of another, it is there once. */
	assert_history(scene, from, 2, "", "m:ts s:o t:t t:o o:b b");
	assert_history(scene, from, 2, "t", "m:os s:o o:b b");
	assert_history(scene, from, 2, "tso", "m:b b");
	assert_history(scene, from, 2, "mo", "s:b t:t t:b b");
	clear_three(states);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, scene_setup, scene_teardown)
		TEST(every_form_names_its_state),
		TEST(a_thread_hides_behind_no_id_and_hides_no_state),
		TEST(a_tag_names_its_state_after_threads_and_before_ids),
		TEST(a_spec_counts_from_a_thread_or_from_none),
		TEST(what_names_nothing_is_refused),
		TEST(the_log_shows_the_newest_first),
		TEST(all_parents_are_shown_once_and_after_their_children_whatever_the_clocks_say),
		TEST(a_history_goes_by_lines_and_around_what_is_left_out),
#undef TEST
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
