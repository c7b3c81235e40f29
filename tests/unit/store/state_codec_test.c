/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/store/index/state_codec.h"

/*
 * State records: the id pinned to known bytes, and what is refused. Publishing and reading through the index
 * is in index_test.c.
 */

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

static char text_message[] = "m", text_author[] = "a", text_commit[] = "c", text_key[] = "k",
	    text_value[] = "v";

static struct hd_state small_state(void)
{
	static struct hd_state_id parent = {{1, 2, 3}};
	static struct hd_state_fact fact = {text_key, text_value};

	return (struct hd_state){
		.tree = {.kind = HD_CONTENT_GIT, .length = 20, .base = 1},
		.parents = &parent,
		.n_parents = 1,
		.message = text_message,
		.author = text_author,
		.facts = &fact,
		.n_facts = 1,
		.root_mode = 0755,
		.git_commit = text_commit,
	};
}

static void the_record_is_as_documented(void **state)
{
	enum { TREE = 60, ATTRIBUTES = TREE + 24, PARENTS = ATTRIBUTES + 4, MESSAGE = PARENTS + 20 };
	static const uint8_t tail[] = {1, 0, 0, 0, 'm', 1, 0, 0, 0, 'a', 1, 0, 0, 0, 1, 0, 0, 0, 'k', 1, 0, 0,
		0, 'v', 1, 0, 0, 0, 'c'};
	struct hd_state small = small_state();
	HD_AUTO_BUFFER struct hd_buffer record = {0};

	(void)state;
	assert_int_equal(hd_state_encode(&small, &record), 0);
	assert_int_equal(record.size, MESSAGE + sizeof(tail));
	assert_memory_equal(record.data, "HDST\x01\x00\x02\x00\xed\x01\x00\x00", 12);
	assert_memory_equal(record.data + TREE, "\x03\x14\x01\x00", 4);
	assert_memory_equal(record.data + ATTRIBUTES, "\x00\x00\x00\x00", 4);
	assert_memory_equal(record.data + PARENTS, "\x01\x00\x00\x00\x01\x02\x03", 7);
	assert_memory_equal(record.data + MESSAGE, tail, sizeof(tail));
}

static void a_record_decodes_and_encodes_to_itself(void **state)
{
	struct hd_state small = small_state(), found;
	HD_AUTO_BUFFER struct hd_buffer record = {0}, again = {0};
	struct hd_state_id id;

	(void)state;
	assert_int_equal(hd_state_encode(&small, &record), 0);
	assert_int_equal(hd_state_decode(record.data, record.size, &found), 0);
	id = hd_state_id_compute(record.data, record.size);
	assert_true(hd_state_id_equal(&found.id, &id));
	assert_int_equal(hd_state_encode(&found, &again), 0);
	assert_int_equal(again.size, record.size);
	assert_memory_equal(again.data, record.data, record.size);
	hd_state_clear(&found);
}

static void a_converted_base_says_which_tree_it_shows(void **state)
{
	struct hd_state small = small_state(), found;
	HD_AUTO_BUFFER struct hd_buffer record = {0}, plain = {0};

	(void)state;
	assert_int_equal(hd_state_encode(&small, &plain), 0);
	assert_ptr_equal(hd_state_git_tree(&small), &small.tree);
	small.git_tree = small.tree;
	small.tree = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
	assert_int_equal(hd_state_encode(&small, &record), 0);
	assert_int_equal(record.data[6], plain.data[6] | 8);
	assert_int_equal(hd_state_decode(record.data, record.size, &found), 0);
	assert_true(hd_content_equal(&found.git_tree, &small.git_tree));
	assert_ptr_equal(hd_state_git_tree(&found), &found.git_tree);
	hd_state_clear(&found);
	record.data[6] &= (uint8_t)~8;
	assert_int_equal(hd_state_decode(record.data, record.size, &found), -HD_E_STORE_CORRUPT);
}

static void encode_refuses_impossible_states(void **state)
{
	struct hd_state_fact unsorted[2] = {{text_key, text_value}, {text_author, text_value}};
	struct hd_state bad[9];
	HD_AUTO_BUFFER struct hd_buffer record = {0};

	(void)state;
	for (size_t i = 0; i < 9; i++)
		bad[i] = small_state();
	bad[0].time_ns = 1000000000;
	bad[1].root_mode = 040755;
	bad[2].tree.kind = HD_CONTENT_CHUNKED;
	bad[3].tree = (struct hd_content){.kind = HD_CONTENT_CHUNKED, .length = 20};
	bad[4].attributes = bad[4].tree;
	bad[5].facts = unsorted;
	bad[5].n_facts = 2;
	unsorted[1].key = unsorted[0].key;
	bad[6].facts = unsorted;
	bad[6].n_facts = 2;
	bad[7].git_tree = bad[7].tree;
	bad[8].tree = bad[8].git_tree = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20};
	for (size_t i = 0; i < 9; i++)
		assert_int_equal(hd_state_encode(&bad[i], &record), -EINVAL);
	assert_int_equal(record.size, 0);
}

static void decode_refuses_malformed_records(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {{0, 'X'}, {4, 2}, {6, 3 | 4}, {6, 0}, {9, 0x41}, {23, 0xff}, {60, HD_CONTENT_CHUNKED},
		{61, 21}, {84, HD_CONTENT_OBJECT}, {88, 2}, {91, 0xff}, {108, 0xff}, {112, 0}, {118, 2}};
	struct hd_state small = small_state(), found;

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		HD_AUTO_BUFFER struct hd_buffer record = {0};

		assert_int_equal(hd_state_encode(&small, &record), 0);
		record.data[changes[i].offset] = changes[i].value;
		if (hd_state_decode(record.data, record.size, &found) != -HD_E_STORE_CORRUPT)
			fail_msg("change %zu was accepted", i);
	}
}

static void decode_refuses_every_shorter_and_longer_record(void **state)
{
	struct hd_state small = small_state(), found;
	HD_AUTO_BUFFER struct hd_buffer record = {0};

	(void)state;
	assert_int_equal(hd_state_encode(&small, &record), 0);
	for (size_t size = 0; size < record.size; size++) {
		void *copy = malloc(size ? size : 1);

		memcpy(copy, record.data, size);
		assert_code(hd_state_decode(copy, size, &found), HD_E_STORE_CORRUPT);
		free(copy);
	}
	hd_buffer_put_u8(&record, 0);
	assert_code(hd_state_decode(record.data, record.size, &found), HD_E_STORE_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_record_is_as_documented),
		cmocka_unit_test(a_record_decodes_and_encodes_to_itself),
		cmocka_unit_test(a_converted_base_says_which_tree_it_shows),
		cmocka_unit_test(encode_refuses_impossible_states),
		cmocka_unit_test(decode_refuses_malformed_records),
		cmocka_unit_test(decode_refuses_every_shorter_and_longer_record),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
