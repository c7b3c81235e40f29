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
	enum { FIRST = HD_TREE_HEADER_SIZE, XATTRS = FIRST + 57, END = XATTRS + 4 + sizeof(two_xattrs) + 2 };
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {
		{0, 'X'},
		{3, 'R'},
		{4, 2},
		{4, 4},
		{6, 1},
		{8, 0},
		{8, 2},
		{11, 1},
		{FIRST, 0},
		{FIRST, 0xff},
		{FIRST + 20, 0xff}, /* nanoseconds of the access time */
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

static void decode_refuses_malformed_references(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
	} changes[] = {{1, HD_CONTENT_CHUNKED}, {1, HD_CONTENT_NONE}, {1, 99}, {2, 4}, {3, 1}};
	struct hd_attribute_entry entry = {.name = "n", .name_length = 1};
	struct hd_attributes_list list;

	(void)state;
	entry.children = (struct hd_content){.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {1}};
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		HD_AUTO_BUFFER struct hd_buffer bytes = {0};

		assert_int_equal(hd_attributes_encode(&entry, 1, &bytes), 0);
		bytes.data[HD_TREE_HEADER_SIZE + changes[i].offset] = changes[i].value;
		assert_code(hd_attributes_decode(bytes.data, bytes.size, &list), HD_E_ATTRIBUTES_CORRUPT);
	}
}

/* With its field F, a list of one entry, named "n", after BEFORE, which is an entry or nothing. */
static int decode_field(unsigned f, const char *field, size_t size, const char *before, size_t before_size)
{
	const uint8_t header[] = {
		'H', 'D', 'A', 'T', HD_ATTRIBUTES_VERSION, 0, 0, 0, before_size ? 2 : 1, 0, 0, 0};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_attributes_list list = {0};
	int r;

	hd_buffer_put(&bytes, header, sizeof(header));
	hd_buffer_put(&bytes, before, before_size);
	hd_buffer_put_u8(&bytes, (uint8_t)f);
	hd_buffer_put(&bytes, field, size);
	hd_buffer_put(&bytes, "\1n", 2);
	r = hd_attributes_decode(bytes.data, bytes.size, &list);
	hd_attributes_clear(&list);
	return r;
}

static void a_field_that_says_what_is_so_without_it_is_refused(void **state)
{
	static const char zeros[24], moment[] = "\1\0\0\0\0\0\0\0\2\0\0\0";
	static const struct {
		unsigned field;
		size_t size;
	} fields[] = {{HD_ATTRIBUTE_OWNER, 8}, {HD_ATTRIBUTE_BIRTH, 12}, {HD_ATTRIBUTE_ACCESS, 12},
		{HD_ATTRIBUTE_MODIFY, 12}, {HD_ATTRIBUTE_CHANGE, 12}, {HD_ATTRIBUTE_LINKS, 12},
		{HD_ATTRIBUTE_CHILDREN, 4}, {HD_ATTRIBUTE_XATTRS, 4}};
	char twice[24], before[1 + 12 + 2];

	(void)state;
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		assert_code(decode_field(fields[i].field, zeros, fields[i].size, NULL, 0),
			HD_E_ATTRIBUTES_CORRUPT);
	assert_int_equal(decode_field(HD_ATTRIBUTE_MODIFY, moment, 12, NULL, 0), 0);
	memcpy(twice, moment, 12);
	memcpy(twice + 12, moment, 12);
	assert_code(decode_field(HD_ATTRIBUTE_MODIFY | HD_ATTRIBUTE_CHANGE, twice, 24, NULL, 0),
		HD_E_ATTRIBUTES_CORRUPT);
	assert_code(decode_field(HD_ATTRIBUTE_BIRTH | HD_ATTRIBUTE_ACCESS, twice, 24, NULL, 0),
		HD_E_ATTRIBUTES_CORRUPT);
	assert_int_equal(decode_field(HD_ATTRIBUTE_BIRTH | HD_ATTRIBUTE_CHANGE, twice, 24, NULL, 0), 0);
	before[0] = HD_ATTRIBUTE_MODIFY;
	memcpy(before + 1, moment, 12);
	memcpy(before + 13, "\1a", 2);
	assert_code(decode_field(HD_ATTRIBUTE_MODIFY, moment, 12, before, sizeof(before)),
		HD_E_ATTRIBUTES_CORRUPT);
	assert_int_equal(decode_field(HD_ATTRIBUTE_MODIFY, zeros, 12, before, sizeof(before)), 0);
}

/* What a capture of a commit's directory with one changed file writes. */
static void entries_like_the_one_before_are_names_alone(void **state)
{
	struct hd_attribute_entry entries[3] = {entry_named("a"), entry_named("b"), entry_named("c")};
	HD_AUTO_BUFFER struct hd_buffer one = {0}, all = {0};

	(void)state;
	for (size_t i = 0; i < 3; i++)
		entries[i].link_group = entries[i].links = 0;
	assert_int_equal(hd_attributes_encode(entries, 1, &one), 0);
	assert_int_equal(hd_attributes_encode(entries, 3, &all), 0);
	assert_int_equal(all.size, one.size + 2 * (2 + 1));
	entries[1].modify_time = entries[1].change_time = (struct timespec){5, 6};
	hd_buffer_reset(&all);
	assert_int_equal(hd_attributes_encode(entries, 3, &all), 0);
	assert_int_equal(all.size, one.size + 2 * (2 + 1) + 12 + 24);
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
		cmocka_unit_test(decode_refuses_malformed_references),
		cmocka_unit_test(a_field_that_says_what_is_so_without_it_is_refused),
		cmocka_unit_test(entries_like_the_one_before_are_names_alone),
		cmocka_unit_test(decode_refuses_every_shorter_and_longer_input),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
