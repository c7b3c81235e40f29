/* SPDX-License-Identifier: Apache-2.0 */

/*
 * A failure travels as the name of its code and its message. The receiver makes the same code of it, and
 * takes the code's own sentence off the message's end, so that it is not printed twice.
 */

#include "mount/control/control_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/socket.h"

int hd_control_send(int fd, json_t *object, int passed_fd)
{
	HD_AUTO_FREE char *text = object ? json_dumps(object, JSON_COMPACT) : NULL;

	json_decref(object);
	if (!text)
		return -ENOMEM;
	return hd_socket_send(fd, text, strlen(text), passed_fd);
}

int hd_control_receive(int fd, int timeout_ms, json_t **ret_object, int *ret_fd)
{
	HD_AUTO_FREE char *text = NULL;
	HD_AUTO_CLOSE int passed_fd = -1;
	json_error_t where;
	json_t *object;
	size_t size;
	int r;

	r = hd_socket_receive(fd, timeout_ms, &text, &size, &passed_fd);
	if (r < 0)
		return r;
	object = json_loadb(text, size, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(object)) {
		json_decref(object);
		return hd_fail(HD_E_CONTROL_PROTOCOL, "a frame holds no JSON object");
	}
	*ret_object = object;
	*ret_fd = hd_steal_fd(&passed_fd);
	return 0;
}

const char *hd_control_op(const json_t *object)
{
	const char *op = json_string_value(json_object_get(object, "op"));

	return op ? op : "";
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
