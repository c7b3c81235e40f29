/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "cli/arguments/command.h"
#include "cli/terminal/suggestion.h"

static const char *suggest(const char *word)
{
	struct hd_suggestion suggestion;

	hd_suggestion_begin(&suggestion, word, strlen(word));
	for (size_t i = 0; hd_command_table[i]; i++)
		hd_suggestion_offer(&suggestion, hd_command_table[i]->name);
	return suggestion.best;
}

static void slips_of_the_fingers_are_recognised(void **state)
{
	(void)state;
	assert_string_equal(suggest("sattus"), "status");
	assert_string_equal(suggest("stat"), "status");
	assert_string_equal(suggest("capure"), "capture");
	assert_string_equal(suggest("umount"), "unmount");
	assert_string_equal(suggest("dif"), "diff");
}

static void what_is_far_from_all_words_gets_no_suggestion(void **state)
{
	(void)state;
	assert_null(suggest("frobnicate"));
	assert_null(suggest("x"));
	assert_null(suggest(""));
	assert_null(suggest("statusstatusstatusstatusstatusstatusstatus"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slips_of_the_fingers_are_recognised),
		cmocka_unit_test(what_is_far_from_all_words_gets_no_suggestion),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
