/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/parts/adoption.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "mount/format_numbers.h"
#include "mount/parts/fuse_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/sockets/socket.h"

#define HELLO_TIMEOUT_MS 2000

/* ---- formats ---- */

json_t *hd_formats_describe(void)
{
	json_t *object = json_object();
	size_t i;

	for (i = 0; object && i < HD_FORMAT_NUMBERS; i++)
		(void)json_object_set_new(object, hd_format_numbers[i].name,
			json_integer((json_int_t)hd_format_numbers[i].number));
	return object;
}

static int check_number(const json_t *theirs, const char *name, uint32_t ours)
{
	json_int_t number = json_integer_value(json_object_get(theirs, name));

	if (number == (json_int_t)ours)
		return 0;
	return hd_fail(HD_E_OTHER_FORMATS, "'%s' is %lld there and %u here", name, (long long)number, ours);
}

int hd_formats_check(const json_t *theirs)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < HD_FORMAT_NUMBERS; i++)
		r = check_number(theirs, hd_format_numbers[i].name, hd_format_numbers[i].number);
	return r;
}

json_t *hd_formats_describe_all(void)
{
	json_t *object = hd_formats_describe();

	if (object)
		(void)json_object_set_new(object, "libfuse", json_integer((json_int_t)hd_fuse_library()));
	return object;
}

int hd_formats_check_all(const json_t *theirs)
{
	int r = hd_formats_check(theirs);

	return r < 0 ? r : check_number(theirs, "libfuse", hd_fuse_library());
}

/* ---- in the worker ---- */

static int send_parts(const struct hd_adoption_offer *offer, int fd)
{
	int r;
	int part;

	r = hd_control_send(fd,
		hd_control_with_name(
			json_pack("{s:b, s:s, s:i, s:s?, s:I, s:s?}", "ok", 1, "op", "parts", "worker",
				(int)getpid(), "options", offer->options, "restarts",
				(json_int_t)offer->restarts, "last_restart", offer->last_restart),
			"mountpoint", offer->mountpoint),
		-1);
	for (part = 0; r >= 0 && part < HD_PART_COUNT; part++)
		r = hd_control_send(fd, json_pack("{s:s, s:i}", "op", "part", "part", part),
			part == HD_PART_DEVICE ? offer->device : HD_PART_FD(part));
	return r < 0 ? r : hd_control_send(fd, json_pack("{s:s}", "op", "adopted"), -1);
}

static int hear_hello(int fd, pid_t *ret_pid)
{
	HD_AUTO_CLOSE int passed_fd = -1;
	json_t *message;
	int r;

	r = hd_control_receive(fd, HELLO_TIMEOUT_MS, &message, &passed_fd);
	if (r < 0)
		return r;
	*ret_pid = (pid_t)json_integer_value(json_object_get(message, "pid"));
	if (strcmp(hd_control_op(message), "adopt") != 0)
		r = hd_fail(HD_E_CONTROL_PROTOCOL, "'%s' instead of an adoption", hd_control_op(message));
	else
		r = hd_formats_check(json_object_get(message, "formats"));
	json_decref(message);
	return r;
}

int hd_adoption_answer(const struct hd_adoption_offer *offer, pid_t *ret_pid)
{
	HD_AUTO_CLOSE int fd = hd_socket_accept(HD_PART_FD(HD_PART_ADOPTION));
	pid_t pid;
	int r;

	if (fd < 0)
		return fd;
	hd_error_clear();
	r = hear_hello(fd, &pid);
	if (r < 0) {
		(void)hd_control_send(fd, hd_control_error_reply(r), -1);
		return r;
	}
	r = send_parts(offer, fd);
	/* Before anything goes to the new one: the old one, which may be watching, lets go. */
	if (r >= 0)
		(void)hd_control_send(offer->link_fd, json_pack("{s:s}", "op", "left"), -1);
	/* In one step, whatever other threads are about to say. */
	if (r >= 0)
		r = hd_descriptor_replace(offer->link_fd, fd);
	if (r < 0)
		return r;
	*ret_pid = pid;
	return 1;
}
