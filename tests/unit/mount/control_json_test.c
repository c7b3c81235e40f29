/* SPDX-License-Identifier: Apache-2.0 */
/* Names that are bytes, ids and failures on their way through JSON and back. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "mount/answers/control_execute.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "overlay/platform/error.h"

static void assert_text(const char *name, size_t length, const char *expected, bool expected_raw)
{
	bool raw = !expected_raw;
	json_t *text = hd_control_name(name, length, &raw);
	char *decoded;
	size_t decoded_length;

	assert_non_null(text);
	assert_string_equal(json_string_value(text), expected);
	assert_int_equal(raw, expected_raw);
	assert_int_equal(hd_control_name_decode(json_string_value(text), raw, &decoded, &decoded_length), 0);
	assert_int_equal(decoded_length, length);
	assert_memory_equal(decoded, name, length);
	free(decoded);
	json_decref(text);
}

static void utf8_names_are_written_as_they_are(void **state)
{
	(void)state;
	assert_text("plain.txt", 9, "plain.txt", false);
	assert_text("back\\slash", 10, "back\\slash", false);
	assert_text("new\nline\x01", 9, "new\nline\x01", false);
	assert_text("\xc3\xa4", 2, "\xc3\xa4", false);
	assert_text("\xf0\x9f\xa7\xb5", 4, "\xf0\x9f\xa7\xb5", false);
	assert_text("", 0, "", false);
}

static void other_names_are_escaped_byte_by_byte(void **state)
{
	(void)state;
	assert_text("a\xff"
		    "b",
		3, "a\\xFFb", true);
	assert_text("\\\x80", 2, "\\\\\\x80", true);
	assert_text("\xc3\xa4\xe4", 3, "\xc3\xa4\\xE4", true);
	/* cut, overlong, a surrogate, beyond U+10FFFF */
	assert_text("x\xe2\x82", 3, "x\\xE2\\x82", true);
	assert_text("\xc0\xaf", 2, "\\xC0\\xAF", true);
	assert_text("\xe0\x80\xaf", 3, "\\xE0\\x80\\xAF", true);
	assert_text("\xf0\x80\x80\xaf", 4, "\\xF0\\x80\\x80\\xAF", true);
	assert_text("\xed\xa0\x80", 3, "\\xED\\xA0\\x80", true);
	assert_text("\xf4\x90\x80\x80", 4, "\\xF4\\x90\\x80\\x80", true);
}

static void every_byte_survives(void **state)
{
	unsigned first, second;

	(void)state;
	for (first = 1; first < 256; first++) {
		for (second = 1; second < 256; second++) {
			const char name[] = {(char)first, (char)second};
			bool raw;
			json_t *text = hd_control_name(name, 2, &raw);
			char *decoded;
			size_t length;

			assert_non_null(text);
			assert_int_equal(
				hd_control_name_decode(json_string_value(text), raw, &decoded, &length), 0);
			assert_int_equal(length, 2);
			assert_memory_equal(decoded, name, 2);
			free(decoded);
			json_decref(text);
		}
	}
}

static void malformed_escapes_are_refused(void **state)
{
	static const char *const texts[] = {"\\", "\\x", "\\x4", "\\xg0", "\\x0g", "\\n", "\\x00"};
	char *name;
	size_t length;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		assert_int_equal(
			hd_control_name_decode(texts[i], true, &name, &length), -HD_E_CONTROL_PROTOCOL);
}

static void an_id_is_read_back(void **state)
{
	struct hd_state_id id, again;

	(void)state;
	assert_int_equal(hd_control_id_decode("00112233445566778899AABBccddeeff", &id), 0);
	assert_int_equal(id.bytes[0], 0);
	assert_int_equal(id.bytes[15], 0xff);
	assert_int_equal(hd_control_id_decode("00112233445566778899aabbccddeeff", &again), 0);
	assert_true(hd_state_id_equal(&id, &again));
	assert_int_equal(hd_control_id_decode("0011", &id), -HD_E_CONTROL_PROTOCOL);
	assert_int_equal(
		hd_control_id_decode("0011223344556677889 aabbccddeeff", &id), -HD_E_CONTROL_PROTOCOL);
}

/* The message of failure R after a journey. */
static void assert_failure_travels(int r)
{
	char before[512];
	json_t *reply;

	(void)strncpy(before, hd_error_message(r), sizeof(before) - 1);
	before[sizeof(before) - 1] = '\0';
	reply = hd_control_error_reply(r);
	assert_non_null(reply);
	hd_error_clear();
	assert_int_equal(hd_control_error(reply), r);
	assert_string_equal(hd_error_message(r), before);
	json_decref(reply);
}

static void failures_keep_their_code_and_sentence(void **state)
{
	(void)state;
	hd_error_clear();
	assert_failure_travels(-ENOSPC);
	assert_failure_travels(-HD_E_THREAD_BUSY);
	assert_failure_travels(hd_fail(HD_E_THREAD_MOVED, "capture 'main'"));
	assert_failure_travels(hd_fail(EACCES, "open '%s'", "x: y"));
}

static void an_unknown_code_becomes_its_errno(void **state)
{
	json_t *reply = json_pack("{s:{s:s,s:i,s:s}}", "error", "code", "HD_E_OF_TOMORROW", "errno", EBUSY,
		"message", "too busy");

	(void)state;
	assert_non_null(reply);
	assert_int_equal(hd_control_error(reply), -EBUSY);
	json_decref(reply);
	reply = json_pack("{s:{}}", "error");
	assert_int_equal(hd_control_error(reply), -EIO);
	json_decref(reply);
	reply = json_pack("{s:b}", "ok", 1);
	assert_int_equal(hd_control_error(reply), 0);
	json_decref(reply);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(utf8_names_are_written_as_they_are),
		cmocka_unit_test(other_names_are_escaped_byte_by_byte),
		cmocka_unit_test(every_byte_survives),
		cmocka_unit_test(malformed_escapes_are_refused),
		cmocka_unit_test(an_id_is_read_back),
		cmocka_unit_test(failures_keep_their_code_and_sentence),
		cmocka_unit_test(an_unknown_code_becomes_its_errno),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
