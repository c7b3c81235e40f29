/* SPDX-License-Identifier: Apache-2.0 */

#include "mount/control/control_channel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/sockets/socket.h"

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
