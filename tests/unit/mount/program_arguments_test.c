/* SPDX-License-Identifier: Apache-2.0 */
/* The words that one of our programs starts the next one with. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "mount/program_arguments.h"
#include "overlay/platform/error_codes.h"

static int parse(const char *const words[], struct hd_program_arguments *ret_arguments)
{
	return hd_program_arguments_parse((char *const *)(uintptr_t)words, ret_arguments);
}

static void pairs_and_flags_are_read(void **state)
{
	static const char *const words[] = {"heddled", "--store", "/s/.heddle", "--report", "--thread",
		"--odd", "--directory", "/m", "--options", "cache=1", "--salvage", NULL};
	struct hd_program_arguments arguments;

	(void)state;
	assert_int_equal(parse(words, &arguments), 0);
	assert_string_equal(arguments.store, "/s/.heddle");
	assert_string_equal(arguments.thread, "--odd");
	assert_string_equal(arguments.directory, "/m");
	assert_string_equal(arguments.options, "cache=1");
	assert_true(arguments.report);
	assert_true(arguments.salvage);
}

static void flags_are_off_unless_given(void **state)
{
	static const char *const words[] = {"heddled", "--store", "s", "--thread", "t", NULL};
	struct hd_program_arguments arguments;

	(void)state;
	assert_int_equal(parse(words, &arguments), 0);
	assert_false(arguments.report);
	assert_false(arguments.salvage);
	assert_null(arguments.directory);
	assert_int_equal(arguments.number, 0);
}

static void what_people_type_is_refused(void **state)
{
	static const char *const unknown[] = {"heddled", "--help", NULL};
	static const char *const cut[] = {"heddled", "--thread", "t", "--store", NULL};
	static const char *const storeless[] = {"heddled", "--thread", "t", NULL};
	static const char *const no_number[] = {
		"heddled", "--store", "s", "--thread", "t", "--number", "1x", NULL};
	static const char *const numberless[] = {
		"heddled", "--store", "s", "--thread", "t", "--number", NULL};
	static const char *const nothing[] = {"heddled", NULL};
	static const char *const nameless[] = {NULL};
	struct hd_program_arguments arguments;

	(void)state;
	assert_int_equal(parse(unknown, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(cut, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(storeless, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(no_number, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(numberless, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(nothing, &arguments), -HD_E_USAGE);
	assert_int_equal(parse(nameless, &arguments), -HD_E_USAGE);
}

static void a_list_is_read_as_what_it_was_made_of(void **state)
{
	const struct hd_program_arguments arguments = {.store = "/s",
		.thread = "t",
		.directory = "/m",
		.options = "o",
		.number = UINT32_MAX,
		.report = true,
		.adopt = true};
	struct hd_program_arguments again;
	struct hd_program_words words;

	(void)state;
	hd_program_arguments_list("heddled", &arguments, &words);
	assert_string_equal(words.argv[0], "heddled");
	assert_int_equal(hd_program_arguments_parse(words.argv, &again), 0);
	assert_string_equal(again.store, "/s");
	assert_string_equal(again.thread, "t");
	assert_string_equal(again.directory, "/m");
	assert_string_equal(again.options, "o");
	assert_int_equal(again.number, UINT32_MAX);
	assert_true(again.report && again.adopt);
	assert_false(again.keeper || again.salvage || again.take_over);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pairs_and_flags_are_read),
		cmocka_unit_test(flags_are_off_unless_given),
		cmocka_unit_test(what_people_type_is_refused),
		cmocka_unit_test(a_list_is_read_as_what_it_was_made_of),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
