/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/terminal/path_text.h"
#include "overlay/platform/cleanup.h"

static void expect_quoted(const char *path, const char *expected)
{
	HD_AUTO_FREE char *quoted = hd_path_quote(path);

	assert_string_equal(quoted, expected);
}

static void ordinary_names_are_not_quoted(void **state)
{
	(void)state;
	expect_quoted("src/main.c", "src/main.c");
	expect_quoted("a b", "a b");
	expect_quoted("it's", "it's");
	expect_quoted("", "");
	expect_quoted("\xd0\xb9/\xe6\x96\x87/\xf0\x9f\x98\x80", "\xd0\xb9/\xe6\x96\x87/\xf0\x9f\x98\x80");
}

static void controls_quotes_and_backslashes_are_escaped_as_git_does(void **state)
{
	(void)state;
	expect_quoted("a\tb", "\"a\\tb\"");
	expect_quoted("a\nb", "\"a\\nb\"");
	expect_quoted("a\"b", "\"a\\\"b\"");
	expect_quoted("a\\b", "\"a\\\\b\"");
	expect_quoted("\033[31m", "\"\\033[31m\"");
	expect_quoted("\x7f", "\"\\177\"");
	expect_quoted("\a\b\v\f\r", "\"\\a\\b\\v\\f\\r\"");
}

static void bytes_that_are_no_utf8_are_octal(void **state)
{
	(void)state;
	expect_quoted("\xff", "\"\\377\"");
	expect_quoted("caf\xe9", "\"caf\\351\"");
	expect_quoted("\xc0\xaf", "\"\\300\\257\"");          /* overlong */
	expect_quoted("\xed\xa0\x80", "\"\\355\\240\\200\""); /* surrogate */
	expect_quoted("\xe6\x96", "\"\\346\\226\"");          /* cut off */
}

static void characters_that_deceive_the_eye_are_octal(void **state)
{
	(void)state;
	expect_quoted("\xc2\x9b"
		      "31m",
		"\"\\302\\23331m\""); /* C1 control: CSI */
	expect_quoted("a\xe2\x80\xae"
		      "b",
		"\"a\\342\\200\\256b\""); /* right-to-left override */
	expect_quoted("a\xe2\x81\xa6"
		      "b",
		"\"a\\342\\201\\246b\""); /* isolate */
	expect_quoted("a\xef\xbb\xbf"
		      "b",
		"\"a\\357\\273\\277b\""); /* zero width no-break space */
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ordinary_names_are_not_quoted),
		cmocka_unit_test(controls_quotes_and_backslashes_are_escaped_as_git_does),
		cmocka_unit_test(bytes_that_are_no_utf8_are_octal),
		cmocka_unit_test(characters_that_deceive_the_eye_are_octal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
