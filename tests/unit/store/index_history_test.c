/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_types.h"
#include "tests/unit/store/scratch_store.h"

/*
 * Where the history of a state begins, which the index remembers of the last few, and what states became in repositories. All
 * else of the index is in index_test.c.
 */

/* A state after PARENT, or with none. */
static struct hd_state_id publish_after(
	struct hd_index *index, const struct hd_state_id *parent, const char *message)
{
	struct hd_state state = {
		.tree = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1, 2, 3}},
		.message = strdup(message),
		.author = strdup("Ada <ada@example.org>"),
		.root_mode = 0755,
	};
	struct hd_state_id id;

	if (parent) {
		state.parents = malloc(sizeof(*parent));
		state.parents[0] = *parent;
		state.n_parents = 1;
	}
	assert_success(hd_index_publish(index, &state, NULL, NULL));
	id = state.id;
	hd_state_clear(&state);
	return id;
}

/* More states than are remembered, of two histories in turn, forwards and backwards. */
static void a_history_begins_where_it_began(void **state)
{
	enum { LENGTH = 30 };
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id ids[2][LENGTH];
	struct hd_state first;
	char message[32];

	ids[0][0] = publish_after(index, NULL, "first");
	ids[1][0] = publish_after(index, NULL, "other");
	for (int i = 1; i < 2 * LENGTH; i++) {
		int line = i % 2, at = i / 2;

		if (at > 0) {
			snprintf(message, sizeof(message), "state %d", i);
			ids[line][at] = publish_after(index, &ids[line][at - 1], message);
		}
		assert_success(hd_index_find_first(index, &ids[line][at], &first));
		assert_true(hd_state_id_equal(&first.id, &ids[line][0]));
		hd_state_clear(&first);
	}
	for (int i = 2 * LENGTH - 1; i >= 0; i -= 3) {
		assert_success(hd_index_find_first(index, &ids[i % 2][i / 2], &first));
		assert_true(hd_state_id_equal(&first.id, &ids[i % 2][0]));
		hd_state_clear(&first);
	}
	assert_code(hd_index_find_first(index, &(struct hd_state_id){{0}}, &first), HD_E_STATE_MISSING);
}

static void the_export_map_remembers_per_repository(void **state)
{
	struct hd_index *index = ((struct scratch *)*state)->store->index;
	struct hd_state_id first = publish_after(index, NULL, "first");
	char *commit = NULL;

	assert_code(hd_index_get_export(index, "/r", &first, &commit), ENOENT);
	assert_success(hd_index_put_exports(
		index, "/r", &(const struct hd_export_row){.state = first, .commit = "aaaa"}, 1));
	assert_code(hd_index_put_exports(index, "/r",
			    (const struct hd_export_row[]){{.state = first, .commit = "cccc"},
				    {.state = {.bytes = {1}}, .commit = "dddd"}},
			    2),
		HD_E_STATE_MISSING);
	assert_success(hd_index_get_export(index, "/r", &first, &commit));
	assert_string_equal(commit, "aaaa");
	free(commit);
	assert_success(hd_index_put_exports(
		index, "/r", &(const struct hd_export_row){.state = first, .commit = "bbbb"}, 1));
	assert_success(hd_index_get_export(index, "/r", &first, &commit));
	assert_string_equal(commit, "bbbb");
	free(commit);
	assert_code(hd_index_get_export(index, "/other", &first, &commit), ENOENT);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_setup, scratch_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(a_history_begins_where_it_began),
		TEST(the_export_map_remembers_per_repository),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
