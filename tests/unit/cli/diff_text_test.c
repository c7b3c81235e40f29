/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/output.h"
#include "cli/text/diff_text.h"

static char *printed;

static void paint(const char *patch)
{
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	hd_diff_paint_patch(patch, strlen(patch), stream);
	(void)fclose(stream);
}

static void a_removed_line_that_looks_like_a_header_is_a_removed_line(void **state)
{
	(void)state;
	hd_output_begin("always", false);
	paint("--- a/x\n+++ b/x\n@@ -1,2 +1 @@\n--- a/y\n \n");
	assert_string_equal(printed,
		"\033[1m--- a/x\033[m\n\033[1m+++ b/x\033[m\n\033[36m@@ -1,2 +1 @@\033[m\n"
		"\033[31m--- a/y\033[m\n \n");
	free(printed);
}

static void the_header_after_a_hunk_is_a_header_again(void **state)
{
	(void)state;
	hd_output_begin("always", false);
	paint("@@ -1 +1 @@\n-a\n+b\n\\ No newline at end of file\ndiff --git a/x b/x\n");
	assert_string_equal(printed, "\033[36m@@ -1 +1 @@\033[m\n\033[31m-a\033[m\n\033[32m+b\033[m\n"
				     "\\ No newline at end of file\n\033[1mdiff --git a/x b/x\033[m\n");
	free(printed);
}

static void without_colours_a_patch_is_untouched(void **state)
{
	const char *patch = "diff --git a/x b/x\n@@ -1 +0,0 @@\n-a\r\n\\ No newline at end of file";

	(void)state;
	hd_output_begin("never", false);
	paint(patch);
	assert_string_equal(printed, patch);
	free(printed);
}

static void the_table_leaves_directories_out_that_say_nothing(void **state)
{
	json_t *entries = json_loads("[{\"path\":\"d\",\"kind\":\"A\",\"type\":\"directory\"},"
				     "{\"path\":\"d/f\",\"kind\":\"A\",\"type\":\"file\",\"added_lines\":2},"
				     "{\"path\":\"e\",\"kind\":\"A\",\"type\":\"directory\"},"
				     "{\"path\":\"z\",\"kind\":\"M\",\"type\":\"file\",\"binary\":true}]",
		0, NULL);
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	(void)state;
	hd_output_begin("never", false);
	assert_int_equal(hd_diff_print_stat(entries, stream), 0);
	(void)fclose(stream);
	assert_string_equal(printed, " d/f  |   2 ++\n e/   |   0 \n z    | Bin\n"
				     " 3 files changed, 2 insertions(+), 0 deletions(-)\n");
	json_decref(entries);
	free(printed);
}

static void names_are_cut_and_aligned_by_characters(void **state)
{
	/* 60 letters of two bytes, then one of one byte with a name of its own */
	char long_name[121] = {0};
	json_t *entries;
	size_t size;
	FILE *stream = open_memstream(&printed, &size);
	const char *second;

	(void)state;
	for (size_t i = 0; i < 60; i++)
		memcpy(long_name + 2 * i, "\xd0\xb9", 2);
	entries = json_pack(
		"[{s:s, s:s}, {s:s, s:s}]", "path", long_name, "type", "file", "path", "z", "type", "file");
	hd_output_begin("never", false);
	assert_int_equal(hd_diff_print_stat(entries, stream), 0);
	(void)fclose(stream);
	second = strchr(printed, '\n') + 1;
	assert_memory_equal(printed, " ...\xd0\xb9", 6);
	/* three dots and 47 letters are as wide as one letter and 49 blanks */
	assert_int_equal(strchr(printed, '|') - printed, 1 + 3 + 2 * 47 + 1);
	assert_int_equal(strchr(second, '|') - second, 1 + 50 + 1);
	json_decref(entries);
	free(printed);
}

static void the_bars_of_the_table_fit_the_line(void **state)
{
	json_t *entry = json_pack("{s:s, s:s, s:s, s:i, s:i}", "path",
		"a/very/long/path/of/more/than/fifty/bytes/to/a/file/that/is/deep", "kind", "M", "type",
		"file", "added_lines", 100000, "deleted_lines", 1);
	json_t *entries = json_pack("[o]", entry);
	size_t size;
	FILE *stream = open_memstream(&printed, &size);

	(void)state;
	hd_output_begin("never", false);
	assert_int_equal(hd_diff_print_stat(entries, stream), 0);
	(void)fclose(stream);
	assert_true(strchr(printed, '\n') - printed <= 80);
	assert_non_null(strstr(printed, "+-\n"));
	assert_non_null(strstr(printed, " ...of/more/than"));
	json_decref(entries);
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_removed_line_that_looks_like_a_header_is_a_removed_line),
		cmocka_unit_test(the_header_after_a_hunk_is_a_header_again),
		cmocka_unit_test(without_colours_a_patch_is_untouched),
		cmocka_unit_test(the_table_leaves_directories_out_that_say_nothing),
		cmocka_unit_test(names_are_cut_and_aligned_by_characters),
		cmocka_unit_test(the_bars_of_the_table_fit_the_line),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
