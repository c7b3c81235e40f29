/* SPDX-License-Identifier: Apache-2.0 */
/* Encoding into a growing buffer and decoding bytes that may end anywhere. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"

static void integers_are_little_endian_and_come_back(void **state)
{
	static const uint8_t expected[] = {
		0x01, 0x03, 0x02, 0x07, 0x06, 0x05, 0x04, 0x0f, 0x0e, 0x0d, 0x0c, 0x0b, 0x0a, 0x09, 0x88};
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};
	struct hd_reader reader;

	(void)state;
	hd_buffer_put_u8(&buffer, 0x01);
	hd_buffer_put_u16(&buffer, 0x0203);
	hd_buffer_put_u32(&buffer, 0x04050607);
	hd_buffer_put_u64(&buffer, UINT64_C(0x88090a0b0c0d0e0f));
	assert_int_equal(hd_buffer_status(&buffer), 0);
	assert_int_equal(buffer.size, sizeof(expected));
	assert_memory_equal(buffer.data, expected, sizeof(expected));

	hd_reader_init(&reader, buffer.data, buffer.size);
	assert_int_equal(hd_reader_u8(&reader), 0x01);
	assert_int_equal(hd_reader_u16(&reader), 0x0203);
	assert_int_equal(hd_reader_u32(&reader), 0x04050607);
	assert_true(hd_reader_u64(&reader) == UINT64_C(0x88090a0b0c0d0e0f));
	assert_false(hd_reader_failed(&reader));
	assert_int_equal(hd_reader_left(&reader), 0);
}

static void a_million_small_puts_keep_their_order(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};
	struct hd_reader reader;

	(void)state;
	for (uint32_t i = 0; i < 1000000; i++)
		hd_buffer_put_u32(&buffer, i);
	assert_int_equal(hd_buffer_status(&buffer), 0);
	hd_reader_init(&reader, buffer.data, buffer.size);
	for (uint32_t i = 0; i < 1000000; i++)
		if (hd_reader_u32(&reader) != i)
			fail_msg("number %u is wrong", i);
	assert_int_equal(hd_reader_left(&reader), 0);
}

static void an_impossible_size_latches_no_memory(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};

	(void)state;
	hd_buffer_put_text(&buffer, "kept");
	assert_null(hd_buffer_extend(&buffer, SIZE_MAX));
	assert_int_equal(hd_buffer_status(&buffer), -ENOMEM);
	hd_buffer_put_text(&buffer, "ignored");
	hd_buffer_printf(&buffer, "%d", 1);
	assert_int_equal(buffer.size, 4);
	assert_null(hd_buffer_steal(&buffer, NULL));
	hd_buffer_reset(&buffer);
	hd_buffer_put_text(&buffer, "again");
	assert_int_equal(hd_buffer_status(&buffer), 0);
	assert_memory_equal(buffer.data, "again", 5);
}

static void formatted_text_follows_what_was_there(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};
	HD_AUTO_FREE char *text = NULL;
	size_t size;

	(void)state;
	hd_buffer_put_text(&buffer, "<");
	hd_buffer_printf(&buffer, "%0*d", 1000, 7);
	hd_buffer_put_text(&buffer, ">");
	text = hd_buffer_steal(&buffer, &size);
	assert_non_null(text);
	assert_int_equal(size, 1002);
	assert_int_equal(strlen(text), 1002);
	assert_int_equal(text[0], '<');
	assert_int_equal(text[1000], '7');
	assert_int_equal(text[1001], '>');
	assert_null(buffer.data);
	assert_int_equal(buffer.size, 0);
}

static void stealing_from_an_empty_buffer_gives_an_empty_string(void **state)
{
	HD_AUTO_BUFFER struct hd_buffer buffer = {0};
	HD_AUTO_FREE char *text = NULL;
	size_t size = 99;

	(void)state;
	text = hd_buffer_steal(&buffer, &size);
	assert_non_null(text);
	assert_string_equal(text, "");
	assert_int_equal(size, 0);
}

static void reading_past_the_end_latches(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4, 5};
	struct hd_reader reader;

	(void)state;
	hd_reader_init(&reader, bytes, sizeof(bytes));
	assert_int_equal(hd_reader_u32(&reader), 0x04030201);
	assert_int_equal(hd_reader_left(&reader), 1);
	assert_int_equal(hd_reader_u16(&reader), 0);
	assert_true(hd_reader_failed(&reader));
	/* One byte is left, but a reader that failed stays so. */
	assert_int_equal(hd_reader_u8(&reader), 0);
	assert_null(hd_reader_bytes(&reader, 0));
	assert_int_equal(hd_reader_left(&reader), 0);
}

static void a_size_that_would_wrap_the_position_fails(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3, 4};
	struct hd_reader reader;

	(void)state;
	hd_reader_init(&reader, bytes, sizeof(bytes));
	(void)hd_reader_u8(&reader);
	assert_null(hd_reader_bytes(&reader, SIZE_MAX));
	assert_true(hd_reader_failed(&reader));
}

static void bytes_up_to_the_end_are_borrowed(void **state)
{
	static const uint8_t bytes[] = {1, 2, 3};
	struct hd_reader reader;

	(void)state;
	hd_reader_init(&reader, bytes, sizeof(bytes));
	assert_ptr_equal(hd_reader_bytes(&reader, 3), bytes);
	assert_ptr_equal(hd_reader_bytes(&reader, 0), bytes + 3);
	assert_false(hd_reader_failed(&reader));
	assert_null(hd_reader_bytes(&reader, 1));
	assert_true(hd_reader_failed(&reader));
}

static void no_data_at_all_reads_as_an_end(void **state)
{
	struct hd_reader reader;

	(void)state;
	hd_reader_init(&reader, NULL, 0);
	assert_non_null(hd_reader_bytes(&reader, 0));
	assert_false(hd_reader_failed(&reader));
	assert_int_equal(hd_reader_u64(&reader), 0);
	assert_true(hd_reader_failed(&reader));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(integers_are_little_endian_and_come_back),
		cmocka_unit_test(a_million_small_puts_keep_their_order),
		cmocka_unit_test(an_impossible_size_latches_no_memory),
		cmocka_unit_test(formatted_text_follows_what_was_there),
		cmocka_unit_test(stealing_from_an_empty_buffer_gives_an_empty_string),
		cmocka_unit_test(reading_past_the_end_latches),
		cmocka_unit_test(a_size_that_would_wrap_the_position_fails),
		cmocka_unit_test(bytes_up_to_the_end_are_borrowed),
		cmocka_unit_test(no_data_at_all_reads_as_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
