/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "overlay/platform/error.h"
#include "overlay/store/tree_codec.h"
#include "overlay/store/tree_format.h"

/*
 * Trees: the bytes as documented, there and back, and every way in which bytes or entries are refused. The
 * decoder also meets arbitrary bytes in tests/fuzz/tree_codec_fuzzer.c; attributes are in
 * attributes_codec_test.c.
 */

#define assert_code(call, code) assert_string_equal(hd_error_name(call), hd_error_name(code))

static const struct hd_content some_object = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {0xab}};

static struct hd_tree_entry file_named(const char *name)
{
	return (struct hd_tree_entry){
		.name = name,
		.name_length = (uint16_t)strlen(name),
		.mode = S_IFREG | 0644,
		.size = 5,
		.content = some_object,
	};
}

static void the_bytes_are_as_documented(void **state)
{
	static const uint8_t expected[] = {
		'H', 'D', 'T', 'R', 1, 0, 0, 0, 1, 0, 0, 0, /* magic, version, zero, count */
		0xa4, 0x81, 0, 0,                           /* mode 0100644 */
		0, 0, 0, 0,                                 /* device */
		5, 0, 0, 0, 0, 0, 0, 0,                     /* size */
		1, 20, 0, 0, 0xab, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, /* content */
		2, 'a', 'b',                                                                /* name */
	};
	struct hd_tree_entry entry = file_named("ab");
	HD_AUTO_BUFFER struct hd_buffer out = {0};

	(void)state;
	assert_int_equal(hd_tree_encode(&entry, 1, &out), 0);
	assert_int_equal(out.size, sizeof(expected));
	assert_memory_equal(out.data, expected, sizeof(expected));
}

static void a_tree_of_all_types_comes_back(void **state)
{
	static const struct hd_content git = {
		.kind = HD_CONTENT_GIT, .length = 32, .base = 700, .bytes = {[31] = 1}};
	static const struct hd_content host = {
		.kind = HD_CONTENT_HOST, .length = 20, .base = 65535, .bytes = {1}};
	static const struct hd_content chunked = {.kind = HD_CONTENT_CHUNKED, .length = 20};
	const struct hd_tree_entry entries[] = {
		{"-", 1, S_IFREG | 07777, 0, UINT64_MAX, chunked},
		{".a", 2, S_IFLNK | 0777, 0, 3, git},
		{"...", 3, S_IFREG, 0, 0, {0}},
		{"a", 1, S_IFDIR | 0755, 0, 0, host},
		{"a\xff\n", 3, S_IFDIR | S_ISVTX | 0700, 0, 0, {0}},
		{"aa", 2, S_IFCHR | 0600, 0x12345678, 0, {0}},
		{"b", 1, S_IFBLK | 0600, 1, 0, {0}},
		{"c", 1, S_IFIFO | 0600, 0, 0, {0}},
		{"d", 1, S_IFSOCK | 0600, 0, 0, {0}},
	};
	enum { COUNT = sizeof(entries) / sizeof(entries[0]) };
	struct hd_tree_entry sorted[COUNT];
	HD_AUTO_BUFFER struct hd_buffer out = {0}, again = {0};
	struct hd_tree tree;

	(void)state;
	memcpy(sorted, entries, sizeof(entries));
	/* "..." comes before ".a", and "aa" before "a\xff". */
	sorted[1] = entries[2];
	sorted[2] = entries[1];
	sorted[4] = entries[5];
	sorted[5] = entries[4];
	assert_int_equal(hd_tree_encode(sorted, COUNT, &out), 0);
	assert_int_equal(hd_tree_decode(out.data, out.size, &tree), 0);
	assert_int_equal(tree.count, COUNT);
	for (size_t i = 0; i < COUNT; i++) {
		assert_int_equal(tree.entries[i].name_length, sorted[i].name_length);
		assert_memory_equal(tree.entries[i].name, sorted[i].name, sorted[i].name_length);
		assert_int_equal(tree.entries[i].mode, sorted[i].mode);
		assert_int_equal(tree.entries[i].device, sorted[i].device);
		assert_int_equal(tree.entries[i].size, sorted[i].size);
		assert_true(hd_content_equal(&tree.entries[i].content, &sorted[i].content));
	}
	assert_int_equal(hd_tree_encode(tree.entries, tree.count, &again), 0);
	assert_int_equal(again.size, out.size);
	assert_memory_equal(again.data, out.data, out.size);
	hd_tree_clear(&tree);
}

static void an_empty_tree_comes_back(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer out = {0};
	struct hd_tree tree = {.count = 9};

	(void)state;
	assert_int_equal(hd_tree_encode(NULL, 0, &out), 0);
	assert_int_equal(out.size, HD_TREE_HEADER_SIZE);
	assert_int_equal(hd_tree_decode(out.data, out.size, &tree), 0);
	assert_int_equal(tree.count, 0);
	hd_tree_clear(&tree);
}

static void encode_refuses_what_is_no_directory(void **state)
{
	struct hd_tree_entry good = file_named("good"), bad[20];
	struct hd_tree_entry pair[2] = {file_named("b"), file_named("a")};
	char long_name[256];
	size_t count = 0;

	(void)state;
	memset(long_name, 'n', sizeof(long_name));
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		bad[i] = good;
	bad[count++] = file_named("");
	bad[count++] = file_named(".");
	bad[count++] = file_named("..");
	bad[count++] = file_named("a/b");
	bad[count].name = "a\0b", bad[count++].name_length = 3;
	bad[count].name = long_name, bad[count++].name_length = 256;
	bad[count++].mode = 0644;
	bad[count++].mode = S_IFREG | S_IFDIR | S_IFIFO;
	bad[count++].mode = S_IFREG | 0x10000;
	bad[count++].device = 1;
	bad[count++].content = (struct hd_content){0};
	bad[count++].content.kind = HD_CONTENT_KIND_COUNT;
	bad[count++].content.length = 19;
	bad[count++].content.base = 1;
	bad[count++].content.bytes[31] = 1;
	bad[count++].content.kind = HD_CONTENT_GIT;
	bad[count++].mode = S_IFDIR;
	bad[count].mode = S_IFDIR, bad[count].size = 0, bad[count++].content.kind = HD_CONTENT_CHUNKED;
	bad[count].mode = S_IFIFO, bad[count++].size = 0;
	bad[count].mode = S_IFSOCK, bad[count++].content = (struct hd_content){0};
	assert_int_equal(count, sizeof(bad) / sizeof(bad[0]));
	for (size_t i = 0; i < count; i++) {
		HD_AUTO_BUFFER struct hd_buffer out = {0};

		assert_int_equal(hd_tree_encode(&bad[i], 1, &out), -EINVAL);
		assert_int_equal(out.size, 0);
	}
	{
		HD_AUTO_BUFFER struct hd_buffer out = {0};

		assert_int_equal(hd_tree_encode(&good, 1, &out), 0);
		assert_int_equal(hd_tree_encode(pair, 2, &out), -EINVAL);
		pair[1] = pair[0];
		assert_int_equal(hd_tree_encode(pair, 2, &out), -EINVAL);
		pair[0] = file_named("a");
		assert_int_equal(hd_tree_encode(pair, 2, &out), 0);
	}
}

/* A tree of the entries "a" and "b" in OUT; offsets below are into it. */
enum {
	ENTRY = 16 + 4 + 20 + 1 + 1,
	FIRST = HD_TREE_HEADER_SIZE,
	SECOND = FIRST + ENTRY,
	NAME = ENTRY - 1,
	TOTAL = SECOND + ENTRY,
};

static void two_entries(struct hd_buffer *out)
{
	struct hd_tree_entry entries[2] = {file_named("a"), file_named("b")};

	hd_buffer_reset(out);
	assert_int_equal(hd_tree_encode(entries, 2, out), 0);
	assert_int_equal(out->size, TOTAL);
}

static void decode_refuses_malformed_bytes(void **state)
{
	static const struct {
		size_t offset;
		uint8_t value;
		const char *problem;
	} changes[] = {
		{0, 'X', "header"},
		{4, 2, "version 2"},
		{6, 1, "padding"},
		{7, 1, "padding"},
		{8, 3, "entry 2"},
		{8, 4, "do not fit"},
		{8, 1, "behind the last"},
		{11, 0xff, "do not fit"},
		{FIRST + 2, 1, "unknown bits"},
		{FIRST + 1, 0x01, "type is unknown"},
		{FIRST + 4, 1, "no device"},
		{FIRST + 16, 9, "malformed"},
		{FIRST + 16, HD_CONTENT_NONE, "malformed"},
		{FIRST + 16, HD_CONTENT_GIT, "malformed"},
		{FIRST + 17, 255, "malformed"},
		{FIRST + 18, 1, "malformed"},
		{FIRST + NAME, '/', "'/' or NUL"},
		{FIRST + NAME, 0, "'/' or NUL"},
		{FIRST + NAME, '.', "'.' or '..'"},
		{FIRST + NAME, 'b', "not behind"},
		{FIRST + NAME, 'c', "not behind"},
		{FIRST + NAME - 1, 0, "name is empty"},
		{SECOND + NAME - 1, 2, "cut off"},
	};
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_tree tree = {.count = 77};

	(void)state;
	for (size_t i = 0; i < sizeof(changes) / sizeof(changes[0]); i++) {
		int r;

		two_entries(&bytes);
		bytes.data[changes[i].offset] = changes[i].value;
		r = hd_tree_decode(bytes.data, bytes.size, &tree);
		assert_code(r, HD_E_TREE_CORRUPT);
		if (!strstr(hd_error_message(r), changes[i].problem))
			fail_msg("change %zu: '%s' lacks '%s'", i, hd_error_message(r), changes[i].problem);
	}
	two_entries(&bytes);
	hd_buffer_put_u8(&bytes, 0);
	assert_code(hd_tree_decode(bytes.data, bytes.size, &tree), HD_E_TREE_CORRUPT);
	assert_int_equal(tree.count, 77);
}

static void decode_refuses_every_shorter_input(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_tree tree;

	(void)state;
	two_entries(&bytes);
	for (size_t size = 0; size < bytes.size; size++) {
		/* In memory of exactly this size, so that a sanitizer sees the first byte too many. */
		void *copy = malloc(size ? size : 1);

		memcpy(copy, bytes.data, size);
		assert_code(hd_tree_decode(copy, size, &tree), HD_E_TREE_CORRUPT);
		free(copy);
	}
	assert_int_equal(hd_tree_decode(bytes.data, bytes.size, &tree), 0);
	hd_tree_clear(&tree);
}

static void names_are_ordered_by_bytes_and_the_shorter_comes_first(void **state)
{
	(void)state;
	assert_true(hd_tree_compare_names("a", 1, "b", 1) < 0);
	assert_true(hd_tree_compare_names("a", 1, "aa", 2) < 0);
	assert_true(hd_tree_compare_names("ab", 2, "aa", 2) > 0);
	assert_true(hd_tree_compare_names("\xff", 1, "a", 1) > 0);
	assert_true(hd_tree_compare_names("a", 1, "a", 1) == 0);
	assert_true(hd_tree_compare_names("", 0, "a", 1) < 0);
	/* Unlike git, a directory sorts without a slash behind its name: '.' < '/' < '0'. */
	assert_true(hd_tree_compare_names("a", 1, "a.", 2) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_bytes_are_as_documented),
		cmocka_unit_test(a_tree_of_all_types_comes_back),
		cmocka_unit_test(an_empty_tree_comes_back),
		cmocka_unit_test(encode_refuses_what_is_no_directory),
		cmocka_unit_test(decode_refuses_malformed_bytes),
		cmocka_unit_test(decode_refuses_every_shorter_input),
		cmocka_unit_test(names_are_ordered_by_bytes_and_the_shorter_comes_first),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
