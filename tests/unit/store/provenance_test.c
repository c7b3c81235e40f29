/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "overlay/store/provenance.h"
#include "scratch_store.h"

/* Records of who changed what: there and back, how a path is found, and what is refused. */

static char touch[] = "/usr/bin/touch", agent[] = "a", call[] = "1", none[] = "";
static char path_a[] = "a", path_a_dash[] = "a-b", path_a_b[] = "a/b", path_b[] = "b", path_c[] = "c";
static char fact_key[] = HD_PROVENANCE_FACT, other_key[] = "other";

static struct hd_provenance example(void)
{
	static struct hd_provenance_actor actors[] = {
		{.pid = 77, .program = touch, .actor = agent, .tool_call = call},
		{.pid = 78, .program = none, .actor = none, .tool_call = none},
	};
	static struct hd_provenance_path paths[] = {
		{.path = path_a, .n_actors = 1, .actors = {1}},
		{.path = path_a_dash, .n_actors = 0},
		{.path = path_a_b, .n_actors = 2, .actors = {1, 0}},
		{.path = path_c, .n_actors = 1, .actors = {0}},
	};

	return (struct hd_provenance){
		.actors = actors, .n_actors = 2, .paths = paths, .n_paths = 4, .incomplete = true};
}

static void what_a_state_names_is_found(void **context)
{
	struct scratch *scratch = *context;
	struct hd_provenance written = example(), read = {0};
	char text[HD_PROVENANCE_TEXT_SIZE];
	struct hd_state_fact facts[] = {{other_key, call}, {fact_key, text}};
	struct hd_state state = {.facts = facts, .n_facts = 2};

	assert_success(hd_provenance_put(scratch->store, &written, text));
	assert_success(hd_provenance_of_state(scratch->store, &state, &read));
	assert_true(read.incomplete);
	assert_int_equal(read.n_actors, 2);
	assert_int_equal(read.actors[0].pid, 77);
	assert_string_equal(read.actors[0].program, "/usr/bin/touch");
	assert_string_equal(read.actors[0].actor, "a");
	assert_string_equal(read.actors[0].tool_call, "1");
	assert_int_equal(read.n_paths, 4);
	assert_string_equal(read.paths[2].path, "a/b");
	assert_int_equal(read.paths[2].n_actors, 2);
	assert_int_equal(read.paths[2].actors[0], 1);
	hd_provenance_clear(&read);
	state.n_facts = 1;
	assert_int_equal(hd_provenance_of_state(scratch->store, &state, &read), -ENOENT);
	text[0] = 'x';
	state.n_facts = 2;
	assert_code(hd_provenance_of_state(scratch->store, &state, &read), HD_E_OBJECT_CORRUPT);
}

static void a_path_is_found_or_what_it_lies_in(void **context)
{
	const struct hd_provenance provenance = example();

	(void)context;
	for (size_t i = 0; i < provenance.n_paths; i++)
		assert_ptr_equal(
			hd_provenance_find(&provenance, provenance.paths[i].path), &provenance.paths[i]);
	assert_ptr_equal(hd_provenance_find(&provenance, "a/b/c/d"), &provenance.paths[2]);
	assert_ptr_equal(hd_provenance_find(&provenance, "a/x"), &provenance.paths[0]);
	assert_ptr_equal(hd_provenance_find(&provenance, "c/x"), &provenance.paths[3]);
	assert_null(hd_provenance_find(&provenance, "ab"));
	assert_null(hd_provenance_find(&provenance, "b"));
	assert_null(hd_provenance_find(&provenance, ""));
}

static void no_more_than_can_be_read_is_recorded(void **context)
{
	struct hd_provenance provenance = example();
	size_t whole;

	(void)context;
	provenance.incomplete = false;
	for (size_t n_paths = 0; n_paths <= provenance.n_paths; n_paths++) {
		HD_AUTO_BUFFER struct hd_buffer record = {0}, less = {0};
		struct hd_provenance part = provenance, read = {0};

		part.n_paths = n_paths;
		assert_success(hd_provenance_encode(&part, HD_PROVENANCE_RECORD_LIMIT, &record));
		whole = record.size;
		assert_success(hd_provenance_encode(&provenance, whole, &less));
		assert_int_equal(less.size, whole);
		assert_success(hd_provenance_decode(less.data, less.size, &read));
		assert_int_equal(read.n_paths, n_paths);
		assert_int_equal(read.incomplete, n_paths < provenance.n_paths);
		hd_provenance_clear(&read);
	}
}

static void every_other_size_is_refused(void **context)
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	const struct hd_provenance provenance = example();
	struct hd_provenance read;

	(void)context;
	assert_success(hd_provenance_encode(&provenance, HD_PROVENANCE_RECORD_LIMIT, &record));
	for (size_t size = 0; size < record.size; size++)
		assert_code(hd_provenance_decode(record.data, size, &read), HD_E_OBJECT_CORRUPT);
	assert_success(hd_provenance_decode(record.data, record.size, &read));
	hd_provenance_clear(&read);
	hd_buffer_put_u8(&record, 0);
	assert_code(hd_provenance_decode(record.data, record.size, &read), HD_E_OBJECT_CORRUPT);
}

static void refuse(const struct hd_provenance *provenance)
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	struct hd_provenance read;

	assert_success(hd_provenance_encode(provenance, HD_PROVENANCE_RECORD_LIMIT, &record));
	assert_code(hd_provenance_decode(record.data, record.size, &read), HD_E_OBJECT_CORRUPT);
}

static void actors_that_are_not_there_and_unsorted_paths_are_refused(void **context)
{
	struct hd_provenance_path paths[] = {
		{.path = path_b, .n_actors = 1, .actors = {0}}, {.path = path_a}};
	struct hd_provenance provenance = example();

	(void)context;
	provenance.paths = paths;
	provenance.n_paths = 2;
	refuse(&provenance);
	provenance.n_paths = 1;
	paths[0].actors[0] = 2;
	refuse(&provenance);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_a_state_names_is_found, scratch_setup, scratch_teardown),
		cmocka_unit_test(a_path_is_found_or_what_it_lies_in),
		cmocka_unit_test(no_more_than_can_be_read_is_recorded),
		cmocka_unit_test(every_other_size_is_refused),
		cmocka_unit_test(actors_that_are_not_there_and_unsorted_paths_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
