/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/output.h"
#include "cli/text/state_text.h"

static void expect_time(int64_t time_s, int32_t zone_minutes, const char *expected)
{
	char text[HD_TIME_TEXT_SIZE];

	assert_string_equal(hd_time_format(time_s, zone_minutes, text), expected);
}

static void times_are_shown_in_the_zone_of_their_author(void **state)
{
	(void)state;
	expect_time(0, 0, "Thu Jan  1 00:00:00 1970 +0000");
	expect_time(1795219351, 0, "Sat Nov 21 00:02:31 2026 +0000");
	expect_time(1795219351, 330, "Sat Nov 21 05:32:31 2026 +0530");
	expect_time(1795219351, -90, "Fri Nov 20 22:32:31 2026 -0130");
	expect_time(-1, 0, "Wed Dec 31 23:59:59 1969 +0000");
}

static void times_beyond_the_calendar_are_numbers(void **state)
{
	(void)state;
	expect_time(INT64_MAX, 60, "@9223372036854775807 +0100");
	expect_time(INT64_MIN, -60, "@-9223372036854775808 -0100");
	expect_time(INT64_MIN, 0, "@-9223372036854775808 +0000");
}

static struct hd_state_fact fact = {(char *)(uintptr_t) "run", (char *)(uintptr_t) "7"};
static const struct hd_state example = {
	.id = {{0x12, 0x34, 0x56, 0x78, 0x9a, 0xbc, 0xde}},
	.message = (char *)(uintptr_t) "Subject\n\nBody",
	.author = (char *)(uintptr_t) "A <a@b>",
	.facts = &fact,
	.n_facts = 1,
	.added = 1,
	.deleted = 2,
};

static void a_state_reads_like_a_commit(void **state)
{
	struct hd_thread threads[] = {
		{.name = (char *)(uintptr_t) "main", .head = example.id},
		{.name = (char *)(uintptr_t) "other"},
		{.name = (char *)(uintptr_t) "try", .head = example.id},
	};
	struct hd_thread_heads heads = {.threads = threads, .count = 3};
	char *printed;
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	(void)state;
	hd_output_begin("never", false);
	hd_state_print(&example, &heads, stream);
	hd_state_print_line(&example, &heads, stream);
	(void)fclose(stream);
	assert_string_equal(printed, "state 123456789abcde000000000000000000 (main, try)\n"
				     "Author: A <a@b>\n"
				     "Date:   Thu Jan  1 00:00:00 1970 +0000\n"
				     "Fact:   run=7\n"
				     "\n"
				     "    Subject\n"
				     "\n"
				     "    Body\n"
				     "\n"
				     "    1 added, 0 modified, 2 deleted\n"
				     "123456789abc (main, try) Subject\n");
	free(printed);
}

static void sizes_have_units(void **state)
{
	char text[HD_SIZE_TEXT_SIZE];

	(void)state;
	assert_string_equal(hd_output_size(0, text), "0 bytes");
	assert_string_equal(hd_output_size(1, text), "1 byte");
	assert_string_equal(hd_output_size(1023, text), "1023 bytes");
	assert_string_equal(hd_output_size(1536, text), "1.5 KiB");
	assert_string_equal(hd_output_size(200u << 20, text), "200 MiB");
	assert_string_equal(hd_output_size(UINT64_MAX, text), "16.0 EiB");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(times_are_shown_in_the_zone_of_their_author),
		cmocka_unit_test(times_beyond_the_calendar_are_numbers),
		cmocka_unit_test(a_state_reads_like_a_commit),
		cmocka_unit_test(sizes_have_units),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
