/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A failure travels as the name of its code and its message. The receiver makes the same code of it, and
 * takes the code's own sentence off the message's end, so that it is not printed twice.
 */

#include "mount/control/control_error.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

json_t *hd_control_error_reply(int r)
{
	const char *message = hd_error_message(r);
	bool raw;

	return json_pack("{s:b, s:{s:s, s:i, s:o}}", "ok", 0, "error", "code", hd_error_name(r), "errno",
		hd_error_to_errno(r), "message", hd_control_name(message, strlen(message), &raw));
}

static int code_of(const char *name, int number)
{
	static const struct {
		const char *name;
		int code;
	} codes[] = {
#define ROW(code, class, text) {#code, code},
		HD_ERROR_CODES(ROW)
#undef ROW
	};
	size_t i;

	for (i = 0; i < HD_ARRAY_SIZE(codes); i++) {
		if (strcmp(name, codes[i].name) == 0)
			return codes[i].code;
	}
	/* A code of a newer version: its errno is known all the same. */
	return number > 0 && number < HD_E_BASE ? number : EIO;
}

int hd_control_error(const json_t *object)
{
	const json_t *error = json_object_get(object, "error");
	const char *name = json_string_value(json_object_get(error, "code"));
	const char *message = json_string_value(json_object_get(error, "message"));
	const char *sentence;
	size_t length;
	size_t tail;
	int code;

	if (!json_is_object(error))
		return 0;
	code = code_of(name ? name : "", (int)json_integer_value(json_object_get(error, "errno")));
	if (!message)
		return -code;
	sentence = hd_error_text(code);
	length = strlen(message);
	tail = strlen(sentence);
	if (length >= tail && strcmp(message + length - tail, sentence) == 0) {
		length -= tail;
		if (length >= 2 && strncmp(message + length - 2, ": ", 2) == 0)
			length -= 2;
	}
	hd_error_clear();
	return length > 0 ? hd_fail(code, "%.*s", (int)length, message) : -code;
}

int hd_control_reply_status(const json_t *reply)
{
	int r;

	if (json_is_true(json_object_get(reply, "ok")))
		return 0;
	r = hd_control_error(reply);
	return r < 0 ? r : hd_fail(HD_E_CONTROL_PROTOCOL, "the reply says neither success nor failure");
}
