/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "overlay/store/content_format.h"

/*
 * Content references: which are valid, how they read, and their bytes.
 */

static void only_whole_references_are_valid(void **state)
{
	static const struct {
		struct hd_content content;
		bool valid;
	} rows[] = {
		{{0}, true},
		{{.kind = HD_CONTENT_NONE, .length = 20}, false},
		{{.kind = HD_CONTENT_NONE, .base = 1}, false},
		{{.kind = HD_CONTENT_NONE, .bytes = {1}}, false},
		{{.kind = HD_CONTENT_OBJECT, .length = 20}, true},
		{{.kind = HD_CONTENT_OBJECT, .length = 0}, false},
		{{.kind = HD_CONTENT_OBJECT, .length = 32}, false},
		{{.kind = HD_CONTENT_OBJECT, .length = 20, .base = 1}, false},
		{{.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {[20] = 1}}, false},
		{{.kind = HD_CONTENT_CHUNKED, .length = 20, .bytes = {[19] = 1}}, true},
		{{.kind = HD_CONTENT_GIT, .length = 20, .base = 1}, true},
		{{.kind = HD_CONTENT_GIT, .length = 32, .base = 1}, true},
		{{.kind = HD_CONTENT_GIT, .length = 0, .base = 1}, false},
		{{.kind = HD_CONTENT_GIT, .length = 20, .base = 0}, false},
		{{.kind = HD_CONTENT_HOST, .length = 20, .base = 2}, true},
		{{.kind = HD_CONTENT_HOST, .length = 255, .base = 2}, false},
		{{.kind = HD_CONTENT_KIND_COUNT, .length = 20}, false},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		HD_AUTO_BUFFER struct hd_buffer bytes = {0};
		struct hd_content found = {.kind = 99};
		struct hd_reader reader;

		assert_int_equal(hd_content_is_valid(&rows[i].content), rows[i].valid);
		if (!rows[i].valid)
			continue;
		hd_content_put(&bytes, &rows[i].content);
		hd_reader_init(&reader, bytes.data, bytes.size);
		assert_true(hd_content_take(&reader, &found));
		assert_true(hd_content_equal(&found, &rows[i].content));
		assert_int_equal(hd_reader_left(&reader), 0);
		hd_reader_init(&reader, bytes.data, bytes.size - 1);
		assert_false(hd_content_take(&reader, &found));
	}
}

static void a_reference_reads_as_kind_and_hex(void **state)
{
	struct hd_content object = {.kind = HD_CONTENT_OBJECT, .length = 20, .bytes = {0xab, [19] = 1}};
	struct hd_content longest = {.kind = HD_CONTENT_KIND_COUNT, .length = 255};
	struct hd_content none = {0};
	char text[HD_CONTENT_TEXT_SIZE];

	(void)state;
	assert_string_equal(hd_content_format(&none, text), "none");
	assert_string_equal(
		hd_content_format(&object, text), "object:ab00000000000000000000000000000000000001");
	/* A reference from anywhere, valid or not, fits the text. */
	assert_string_equal(hd_content_format(&longest, text),
		"unknown:0000000000000000000000000000000000000000000000000000000000000000");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whole_references_are_valid),
		cmocka_unit_test(a_reference_reads_as_kind_and_hex),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
