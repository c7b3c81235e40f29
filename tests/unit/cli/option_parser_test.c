/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments/command.h"
#include "cli/arguments/option_parser.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define MOST_WORDS 16

static bool flag, other_flag, common_flag;
static const char *text;
static unsigned long number;
static struct hd_text_list list;

static const char *const words[] = {"one", "two", NULL};
static const char *choice;

static const struct hd_option own_options[] = {
	{.long_name = "flag", .short_name = 'f', .help = "a flag", .flag = &flag},
	{.long_name = "other", .short_name = 'o', .help = "another", .flag = &other_flag},
	{.long_name = "text", .short_name = 't', .argument = "TEXT", .help = "a text", .text = &text},
	{.long_name = "number", .short_name = 'n', .argument = "N", .help = "a number", .number = &number},
	{.long_name = "list", .argument = "ITEM", .help = "many", .list = &list},
	{.long_name = "choice", .argument = "one|two", .help = "a word", .text = &choice, .choices = words},
	{0},
};
static const struct hd_option shared_options[] = {
	{.long_name = "common", .help = "of every command", .flag = &common_flag},
	{0},
};

static char *kept[MOST_WORDS];
static size_t n_kept;

static int parse_words(bool stop_early, size_t count, const char *const *given)
{
	struct hd_option_set set = {.tables = {own_options, shared_options}};

	flag = other_flag = common_flag = false;
	text = choice = NULL;
	number = 4711;
	hd_text_list_clear(&list);
	n_kept = 99;
	for (size_t i = 0; i < count; i++)
		kept[i] = (char *)(uintptr_t)given[i];
	return hd_options_parse(&set, stop_early, kept, count, &n_kept);
}

#define PARSE(...)                                                              \
	parse_words(false, HD_ARRAY_SIZE(((const char *const[]){__VA_ARGS__})), \
		(const char *const[]){__VA_ARGS__})
#define PARSE_EARLY(...)                                                       \
	parse_words(true, HD_ARRAY_SIZE(((const char *const[]){__VA_ARGS__})), \
		(const char *const[]){__VA_ARGS__})

static void values_are_attached_or_the_next_word(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--text", "a", "-n7"), 0);
	assert_string_equal(text, "a");
	assert_int_equal(number, 7);
	assert_int_equal(PARSE("--text=a=b", "-n", "8"), 0);
	assert_string_equal(text, "a=b");
	assert_int_equal(number, 8);
	assert_int_equal(PARSE("-ta", "--text="), 0);
	assert_string_equal(text, "");
	assert_int_equal(PARSE("-t", "-f"), 0);
	assert_string_equal(text, "-f");
	assert_false(flag);
}

static void flags_may_be_bundled_with_a_value_at_the_end(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-fo"), 0);
	assert_true(flag && other_flag);
	assert_int_equal(PARSE("-fth"), 0);
	assert_true(flag);
	assert_string_equal(text, "h");
	assert_int_equal(PARSE("-fn", "12", "x"), 0);
	assert_int_equal(number, 12);
	assert_int_equal(n_kept, 1);
}

static void arguments_keep_their_order_among_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("a", "-f", "-", "--common", "b"), 0);
	assert_int_equal(n_kept, 3);
	assert_string_equal(kept[0], "a");
	assert_string_equal(kept[1], "-");
	assert_string_equal(kept[2], "b");
	assert_true(flag && common_flag);
}

static void two_dashes_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-f", "--", "-o", "--"), 0);
	assert_true(flag);
	assert_false(other_flag);
	assert_int_equal(n_kept, 2);
	assert_string_equal(kept[0], "-o");
	assert_string_equal(kept[1], "--");
}

static void the_first_argument_can_end_the_options(void **state)
{
	(void)state;
	assert_int_equal(PARSE_EARLY("--common", "status", "-f", "--nonsense"), 0);
	assert_true(common_flag);
	assert_false(flag);
	assert_int_equal(n_kept, 3);
	assert_string_equal(kept[0], "status");
	assert_string_equal(kept[2], "--nonsense");
}

static void lists_collect_and_choices_are_checked(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--list", "a", "--list=b"), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[1], "b");
	assert_int_equal(PARSE("--choice", "two"), 0);
	assert_string_equal(choice, "two");
	assert_int_equal(PARSE("--choice", "three"), -HD_E_USAGE);
	assert_non_null(strstr(hd_error_message(-HD_E_USAGE), "'one' or 'two'"));
	hd_text_list_clear(&list);
}

static void a_wrong_option_is_named_and_a_near_one_suggested(void **state)
{
	(void)state;
	assert_int_equal(PARSE("--txet", "a"), -HD_E_USAGE);
	assert_non_null(strstr(hd_error_message(-HD_E_USAGE), "did you mean '--text'"));
	assert_int_equal(PARSE("--tex", "a"), -HD_E_USAGE); /* no abbreviations */
	assert_int_equal(PARSE("-x"), -HD_E_USAGE);
	assert_non_null(strstr(hd_error_message(-HD_E_USAGE), "'-x'"));
	assert_int_equal(PARSE("--flag=1"), -HD_E_USAGE);
	assert_int_equal(PARSE("-f", "--text"), -HD_E_USAGE);
	assert_non_null(strstr(hd_error_message(-HD_E_USAGE), "TEXT"));
	assert_int_equal(n_kept, 99);
}

static void numbers_are_decimal_and_bounded(void **state)
{
	(void)state;
	assert_int_equal(PARSE("-n", "4294967295"), 0);
	assert_int_equal(PARSE("-n", "4294967296"), -HD_E_USAGE);
	assert_int_equal(PARSE("-n", "-1"), -HD_E_USAGE);
	assert_int_equal(PARSE("-n", ""), -HD_E_USAGE);
	assert_int_equal(PARSE("-n", "1x"), -HD_E_USAGE);
	assert_int_equal(PARSE("-n", " 1"), -HD_E_USAGE);
	assert_int_equal(number, 4711);
}

/* Every row of the real tables must be one that the parser can store and help can print. */
static void check_table(const struct hd_option *table)
{
	for (const struct hd_option *it = table; it && it->long_name; it++) {
		int targets =
			(it->flag != NULL) + (it->text != NULL) + (it->number != NULL) + (it->list != NULL);

		assert_int_equal(targets, 1);
		assert_int_equal(it->argument == NULL, it->flag != NULL);
		assert_non_null(it->help);
		for (const struct hd_option *shared = hd_common_options;
			table != hd_common_options && shared->long_name; shared++) {
			assert_string_not_equal(it->long_name, shared->long_name);
			assert_true(!it->short_name || it->short_name != shared->short_name);
		}
		for (const struct hd_option *later = it + 1; later->long_name; later++) {
			assert_string_not_equal(it->long_name, later->long_name);
			assert_true(!it->short_name || it->short_name != later->short_name);
		}
	}
}

static void the_tables_of_all_commands_are_sound(void **state)
{
	(void)state;
	check_table(hd_common_options);
	for (size_t i = 0; hd_command_table[i]; i++) {
		const struct hd_command *command = hd_command_table[i];

		check_table(command->options);
		assert_true(strlen(command->summary) <= 60);
		assert_true(command->min_arguments <= command->max_arguments);
		assert_ptr_equal(hd_command_find(command->name), command);
	}
}

static void help_wraps_at_eighty_columns(void **state)
{
	char *printed = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&printed, &size);

	(void)state;
	for (int i = 0; i < 4; i++)
		fputs("left", stream);
	hd_print_wrapped(stream,
		"0123456789 123456789 123456789 123456789 123456789 123456789 123 next\n\nlast", 4, 16);
	(void)fclose(stream);
	assert_string_equal(printed,
		"leftleftleftleft0123456789 123456789 123456789 123456789 123456789 123456789 123"
		"\n    next\n\n    last\n");
	free(printed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_attached_or_the_next_word),
		cmocka_unit_test(flags_may_be_bundled_with_a_value_at_the_end),
		cmocka_unit_test(arguments_keep_their_order_among_options),
		cmocka_unit_test(two_dashes_end_the_options),
		cmocka_unit_test(the_first_argument_can_end_the_options),
		cmocka_unit_test(lists_collect_and_choices_are_checked),
		cmocka_unit_test(a_wrong_option_is_named_and_a_near_one_suggested),
		cmocka_unit_test(numbers_are_decimal_and_bounded),
		cmocka_unit_test(the_tables_of_all_commands_are_sound),
		cmocka_unit_test(help_wraps_at_eighty_columns),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
