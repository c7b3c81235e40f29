/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The frame's limit protects both sides from a peer that announces nonsense; a list of a hundred thousand changes is
 * no nonsense, but does not fit. It goes into shared memory instead, where its size is the file's and nothing has to
 * be believed. Behind the bytes that are there, so that a patch needs no copy: the receiver cuts it off again.
 */

#include "mount/control/control_reply.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "mount/control/control_channel.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/sockets/socket.h"

#define SPILLED "spilled"

static int spill(int fd, const char *text, size_t size, int passed_fd)
{
	HD_AUTO_CLOSE int own_fd = -1;
	uint64_t offset = passed_fd >= 0 ? hd_memory_file_size(passed_fd) : 0;
	int r;

	if (size > HD_REPLY_LIMIT)
		return -EFBIG;
	if (passed_fd < 0) {
		r = own_fd = hd_memory_file_create("heddle-reply", size);
		if (r < 0)
			return r;
		passed_fd = own_fd;
	}
	r = hd_memory_file_resize(passed_fd, offset + size);
	if (r >= 0)
		r = hd_memory_file_write(passed_fd, text, size, offset);
	if (r < 0)
		return r;
	return hd_control_send(fd,
		json_pack("{s:{s:I, s:I, s:b}}", SPILLED, "offset", (json_int_t)offset, "size",
			(json_int_t)size, "file", own_fd < 0),
		passed_fd);
}

int hd_control_send_reply(int fd, json_t *reply, int passed_fd)
{
	HD_AUTO_FREE char *text = reply ? json_dumps(reply, JSON_COMPACT) : NULL;
	size_t size = text ? strlen(text) : 0;

	json_decref(reply);
	if (!text)
		return -ENOMEM;
	if (size > HD_FRAME_LIMIT)
		return spill(fd, text, size, passed_fd);
	return hd_socket_send(fd, text, size, passed_fd);
}

static int malformed(void)
{
	return hd_fail(HD_E_CONTROL_PROTOCOL, "a reply's memory file does not hold what the reply says");
}

/* The object of SIZE bytes at OFFSET, which are the last of the file. */
static int unspill(int fd, json_int_t offset, json_int_t size, json_t **ret_reply)
{
	HD_AUTO_FREE char *text = NULL;
	json_error_t where;
	json_t *reply;
	int r;

	if (fd < 0 || offset < 0 || size <= 0 || size > (json_int_t)HD_REPLY_LIMIT ||
		hd_memory_file_size(fd) != (uint64_t)offset + (uint64_t)size)
		return malformed();
	text = malloc((size_t)size);
	if (!text)
		return -ENOMEM;
	r = hd_memory_file_read(fd, text, (size_t)size, (uint64_t)offset);
	if (r >= 0)
		r = hd_memory_file_resize(fd, (uint64_t)offset);
	if (r < 0)
		return r;
	reply = json_loadb(text, (size_t)size, JSON_REJECT_DUPLICATES, &where);
	if (!json_is_object(reply)) {
		json_decref(reply);
		return malformed();
	}
	*ret_reply = reply;
	return 0;
}

int hd_control_receive_reply(int fd, json_t **ret_reply, int *ret_fd)
{
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *reply;
	json_t *whole = NULL;
	json_int_t offset;
	json_int_t size;
	int has_file = 1;
	int r;

	r = hd_control_receive(fd, -1, &reply, &passed_fd);
	if (r < 0)
		return r;
	if (json_object_get(reply, SPILLED)) {
		r = json_unpack(reply, "{s:{s:I, s:I, s:b}}", SPILLED, "offset", &offset, "size", &size,
			"file", &has_file);
		r = r == 0 ? unspill(passed_fd, offset, size, &whole) : malformed();
		json_decref(reply);
		if (r < 0)
			return r;
		reply = whole;
	}
	*ret_reply = reply;
	*ret_fd = has_file ? hd_steal_fd(&passed_fd) : -1;
	return 0;
}
