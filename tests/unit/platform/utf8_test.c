/* SPDX-License-Identifier: Apache-2.0 */
/* Which bytes are characters. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "overlay/platform/utf8.h"

static void decoding_never_reads_behind_the_end(void **state)
{
	unsigned character;

	(void)state;
	assert_int_equal(hd_utf8_decode("", 0, &character), 0);
	assert_int_equal(hd_utf8_decode("\xf0\x9f\x98\x80", 3, &character), 0);
	assert_int_equal(hd_utf8_decode("\xf0\x9f\x98\x80", 4, &character), 4);
	assert_int_equal(character, 0x1f600);
	assert_int_equal(hd_utf8_decode("\xf4\x90\x80\x80", 4, &character), 0);
	assert_true(hd_utf8_is_valid("\xf4\x8f\xbf\xbf", 4));
	assert_true(hd_utf8_is_valid("", 0));
	assert_false(hd_utf8_is_valid("a\x80", 2));
}

static void nothing_that_unicode_forbids_is_a_character(void **state)
{
	unsigned character;

	(void)state;
	assert_int_equal(hd_utf8_decode("\xc0\x80", 2, &character), 0);     /* overlong */
	assert_int_equal(hd_utf8_decode("\xe0\x9f\xbf", 3, &character), 0); /* overlong */
	assert_int_equal(hd_utf8_decode("\xed\xa0\x80", 3, &character), 0); /* a surrogate */
	assert_int_equal(hd_utf8_decode("\xf0\x8f\xbf\xbf", 4, &character), 0);
	assert_int_equal(hd_utf8_decode("\xff", 1, &character), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(decoding_never_reads_behind_the_end),
		cmocka_unit_test(nothing_that_unicode_forbids_is_a_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
