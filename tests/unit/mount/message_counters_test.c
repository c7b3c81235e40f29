/* SPDX-License-Identifier: Apache-2.0 */
/* Counting of requests and failures, and which bits a written file loses. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <linux/fuse.h>
#include <sys/stat.h>

#include "mount/fuse/operations/privilege_drop.h"
#include "mount/fuse/requests/message_counters.h"
#include "overlay/platform/error_codes.h"

static json_int_t number(json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static void requests_and_failures_are_counted_by_name(void **state)
{
	struct hd_message_counters *counters = hd_message_counters_new();
	json_t *messages;
	json_t *failures;

	(void)state;
	assert_non_null(counters);
	hd_message_counters_request(counters, FUSE_LOOKUP);
	hd_message_counters_request(counters, FUSE_LOOKUP);
	hd_message_counters_request(counters, FUSE_RENAME2);
	hd_message_counters_request(counters, 7);
	hd_message_counters_request(counters, 4000000000u);
	assert_int_equal(hd_message_counters_failure(counters, -ENOENT), 0);
	assert_int_equal(hd_message_counters_failure(counters, -ENOENT), 1);
	assert_int_equal(hd_message_counters_failure(counters, -HD_E_BASE_TIMEOUT), 0);
	assert_int_equal(hd_message_counters_failure(counters, -100000), 0);
	messages = hd_message_counters_json(counters);
	assert_non_null(messages);
	failures = json_object_get(messages, "failures");
	assert_int_equal(number(messages, "LOOKUP"), 2);
	assert_int_equal(number(messages, "RENAME2"), 1);
	assert_int_equal(number(messages, "OTHER"), 2);
	assert_null(json_object_get(messages, "WRITE"));
	assert_int_equal(number(failures, "ENOENT"), 2);
	assert_int_equal(number(failures, "HD_E_BASE_TIMEOUT"), 1);
	assert_int_equal(number(failures, "EIO"), 1);
	assert_int_equal(json_object_size(failures), 3);
	json_decref(messages);
	hd_message_counters_free(counters);
}

static void only_files_lose_privileged_bits(void **state)
{
	(void)state;
	assert_int_equal(hd_privilege_bits(S_IFREG | 0755, true), 0);
	assert_int_equal(hd_privilege_bits(S_IFREG | 04755, true), S_ISUID);
	assert_int_equal(hd_privilege_bits(S_IFREG | 06755, true), S_ISUID | S_ISGID);
	assert_int_equal(hd_privilege_bits(S_IFREG | 02745, true), 0);
	assert_int_equal(hd_privilege_bits(S_IFREG | 02755, true), S_ISGID);
	assert_int_equal(hd_privilege_bits(S_IFREG | 02745, false), S_ISGID);
	assert_int_equal(hd_privilege_bits(S_IFREG | 0745, false), 0);
	assert_int_equal(hd_privilege_bits(S_IFDIR | 06777, true), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_and_failures_are_counted_by_name),
		cmocka_unit_test(only_files_lose_privileged_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
