/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"
#include "overlay/store/tree_format.h"

/*
 * Attribute objects: there and back, and what is refused. Names follow the rules of trees, tested in
 * tree_codec_test.c; arbitrary bytes come from tests/fuzz/attributes_codec_fuzzer.c.
 */

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

static const uint8_t two_xattrs[] = {
	6, 2, 0, 0, 0, 'u', 's', 'e', 'r', '.', 'a', 'x', 'y', 1, 0, 0, 0, 0, 'b'};

static struct hd_attribute_entry entry_named(const char *name)
{
	return (struct hd_attribute_entry){
		.name = name,
		.name_length = (uint16_t)strlen(name),
		.uid = 1000,
		.gid = UINT32_MAX,
		.access_time = {-1, 999999999},
		.modify_time = {INT64_MAX, 0},
		.change_time = {INT64_MIN, 1},
		.birth_time = {0, 0},
		.link_group = UINT64_MAX,
		.links = UINT32_MAX,
	};
}

static void attributes_come_back(void **state)
{
	struct hd_attribute_entry entries[3] = {entry_named(""), entry_named("dir"), entry_named("file")};
	HD_AUTO_BUFFER struct hd_buffer out = {0}, again = {0};
	struct hd_attributes_list list;

	(void)state;
	entries[1].children = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1}};
	entries[2].xattrs = two_xattrs;
	entries[2].xattrs_size = sizeof(two_xattrs);
	assert_int_equal(hd_attributes_encode(entries, 3, &out), 0);
	assert_int_equal(hd_attributes_decode(out.data, out.size, &list), 0);
	assert_int_equal(list.count, 3);
	for (size_t i = 0; i < 3; i++) {
		const struct hd_attribute_entry *found = &list.entries[i];

		assert_int_equal(found->name_length, entries[i].name_length);
		assert_memory_equal(found->name, entries[i].name, entries[i].name_length);
		assert_int_equal(found->uid, 1000);
		assert_int_equal(found->gid, UINT32_MAX);
		assert_memory_equal(
			&found->access_time, &entries[i].access_time, 4 * sizeof(struct timespec));
		assert_int_equal(found->link_group, UINT64_MAX);
		assert_int_equal(found->links, UINT32_MAX);
		assert_true(hd_content_equal(&found->children, &entries[i].children));
		assert_int_equal(found->xattrs_size, entries[i].xattrs_size);
		assert_memory_equal(found->xattrs, two_xattrs, entries[i].xattrs_size);
	}
	assert_int_equal(hd_attributes_encode(list.entries, list.count, &again), 0);
	assert_int_equal(again.size, out.size);
	assert_memory_equal(again.data, out.data, out.size);
	hd_attributes_clear(&list);
}

static int encode_one(const struct hd_attribute_entry *entry)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};

	return hd_attributes_encode(entry, 1, &out);
}

static void encode_refuses_impossible_attributes(void **state)
{
	static const uint8_t cut_name[] = {2, 0, 0, 0, 0, 'a'}, empty_name[] = {0, 0, 0, 0, 0};
	static const uint8_t cut_value[] = {1, 2, 0, 0, 0, 'a', 'x'}, nul_name[] = {1, 0, 0, 0, 0, 0};
	static const struct {
		const uint8_t *bytes;
		uint32_t size;
	} bad_xattrs[] = {{cut_name, 6}, {empty_name, 5}, {cut_value, 7}, {nul_name, 6}, {two_xattrs, 4}};
	struct hd_attribute_entry entry = entry_named("a"), pair[2] = {entry_named("b"), entry_named("b")};
	uint8_t *huge = calloc(1, 6 + HD_XATTR_VALUE_LIMIT + 1);
	HD_AUTO_BUFFER struct hd_buffer out = {0};

	(void)state;
	assert_int_equal(encode_one(&entry), 0);
	for (size_t i = 0; i < 5; i++) {
		entry.xattrs = bad_xattrs[i].bytes;
		entry.xattrs_size = bad_xattrs[i].size;
		assert_int_equal(encode_one(&entry), -EINVAL);
	}
	memcpy(huge, "\x01\x01\x00\x01\x00n", 6);
	entry.xattrs = huge;
	entry.xattrs_size = 6 + HD_XATTR_VALUE_LIMIT + 1;
	assert_int_equal(encode_one(&entry), -EINVAL);
	free(huge);
	entry = entry_named("a");
	entry.birth_time.tv_nsec = 1000000000;
	assert_int_equal(encode_one(&entry), -EINVAL);
	entry = entry_named("a");
	entry.access_time.tv_nsec = -1;
	assert_int_equal(encode_one(&entry), -EINVAL);
	entry = entry_named("a");
	entry.children = (struct hd_content){.kind = HD_CONTENT_CHUNKED, .length = 20};
	assert_int_equal(encode_one(&entry), -EINVAL);
	entry = entry_named("a");
	entry.links = 0;
	assert_int_equal(encode_one(&entry), -EINVAL);
	entry = entry_named("a");
	entry.link_group = 0;
	assert_int_equal(encode_one(&entry), -EINVAL);
	entry = entry_named("..");
	assert_int_equal(encode_one(&entry), -EINVAL);
	assert_int_equal(hd_attributes_encode(pair, 2, &out), -EINVAL);
	assert_int_equal(out.size, 0);
}

static void decode_refuses_malformed_bytes(void **state)
{
	enum { FIRST = HD_TREE_HEADER_SIZE, XATTRS = FIRST + 72, END = XATTRS + 4 + sizeof(two_xattrs) + 2 };
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {
		{0, 'X'},
		{3, 'R'},
		{4, 1},
		{4, 3},
		{6, 1},
		{8, 0},
		{8, 2},
		{11, 1},
		{FIRST + 19, 0xff}, /* nanoseconds of the access time */
		{FIRST + 68, HD_CONTENT_OBJECT},
		{FIRST + 69, 4},
		{FIRST + 70, 1},
		{XATTRS, sizeof(two_xattrs) - 1},
		{XATTRS + 3, 1},
		{XATTRS + 4, 0},
		{XATTRS + 5, 3},
		{END - 1, '/'},
		{END - 2, 2},
		{END - 2, 0},
	};
	struct hd_attribute_entry entry = entry_named("n");
	struct hd_attributes_list list = {.count = 77};

	(void)state;
	entry.xattrs = two_xattrs;
	entry.xattrs_size = sizeof(two_xattrs);
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		HD_AUTO_BUFFER struct hd_buffer bytes = {0};

		assert_int_equal(hd_attributes_encode(&entry, 1, &bytes), 0);
		assert_int_equal(bytes.size, END);
		bytes.data[changes[i].offset] = changes[i].value;
		if (hd_attributes_decode(bytes.data, bytes.size, &list) != -HD_E_ATTRIBUTES_CORRUPT)
			fail_msg("change %zu was accepted", i);
	}
	assert_int_equal(list.count, 77);
}

static void decode_refuses_every_shorter_and_longer_input(void **state)
{
	struct hd_attribute_entry entry = entry_named("name");
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_attributes_list list;

	(void)state;
	assert_int_equal(hd_attributes_encode(&entry, 1, &bytes), 0);
	for (size_t size = 0; size < bytes.size; size++) {
		void *copy = malloc(size ? size : 1);

		memcpy(copy, bytes.data, size);
		assert_code(hd_attributes_decode(copy, size, &list), HD_E_ATTRIBUTES_CORRUPT);
		free(copy);
	}
	hd_buffer_put_u8(&bytes, 0);
	assert_code(hd_attributes_decode(bytes.data, bytes.size, &list), HD_E_ATTRIBUTES_CORRUPT);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(attributes_come_back),
		cmocka_unit_test(encode_refuses_impossible_attributes),
		cmocka_unit_test(decode_refuses_malformed_bytes),
		cmocka_unit_test(decode_refuses_every_shorter_and_longer_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
