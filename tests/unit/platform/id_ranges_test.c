/* SPDX-License-Identifier: Apache-2.0 */
/* Which ids a user namespace has: one, many, all; and texts that the kernel would not write. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "overlay/platform/mounts/id_ranges.h"

static void ids_are_in_ranges_or_not(void **state)
{
	struct hd_id_ranges ranges;

	(void)state;
	assert_int_equal(
		hd_id_ranges_parse(
			"         0       1000          1\n         1     100000      65536\n", &ranges),
		0);
	assert_true(hd_id_ranges_have(&ranges, 0));
	assert_true(hd_id_ranges_have(&ranges, 65536));
	assert_false(hd_id_ranges_have(&ranges, 65537));
	assert_int_equal(hd_id_ranges_parse("1000 1000 1\n", &ranges), 0);
	assert_false(hd_id_ranges_have(&ranges, 999));
	assert_true(hd_id_ranges_have(&ranges, 1000));
	assert_false(hd_id_ranges_have(&ranges, 1001));
	assert_int_equal(hd_id_ranges_parse("0 0 4294967295\n", &ranges), 0);
	assert_true(hd_id_ranges_have(&ranges, 0));
	assert_true(hd_id_ranges_have(&ranges, UINT32_MAX - 1));
	assert_false(hd_id_ranges_have(&ranges, UINT32_MAX));
	assert_int_equal(hd_id_ranges_parse("", &ranges), 0);
	assert_false(hd_id_ranges_have(&ranges, 0));
}

static void what_is_no_range_is_refused(void **state)
{
	static const char *const texts[] = {"x", "1", "1 2", "1 2\n", "1 2 x", "1 2 3\n4 5"};
	char many[16 * (HD_ID_RANGES_LIMIT + 2)] = "";
	struct hd_id_ranges ranges;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(hd_id_ranges_parse(texts[i], &ranges), -EINVAL);
	for (size_t i = 0; i < HD_ID_RANGES_LIMIT; i++)
		(void)snprintf(many + strlen(many), 16, "%zu 1 1\n", i);
	assert_int_equal(hd_id_ranges_parse(many, &ranges), 0);
	assert_int_equal(ranges.count, HD_ID_RANGES_LIMIT);
	(void)snprintf(many + strlen(many), 16, "9999 1 1\n");
	assert_int_equal(hd_id_ranges_parse(many, &ranges), -EINVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ids_are_in_ranges_or_not),
		cmocka_unit_test(what_is_no_range_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
