/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/session/fuse_init.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "mount/fuse/session/fuse_loop.h"
#include "mount/fuse/session/fuse_process.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"

/*
 * INIT goes through a pipe. libfuse composes the answer to INIT from what it knows, but it does not know
 * FUSE_HANDLE_KILLPRIV_V2 or whatever the kernel has learned since. So libfuse is first given the end of a
 * pipe under the name /dev/fd/N; its answer is read from the pipe, completed and sent; then the device takes
 * the place of the pipe under the same number N. This uses public functions alone and works alike on every
 * version of libfuse 3.
 */

/* Puts into REPLY, libfuse's answer to INIT, what libfuse does not know. */
static int complete_init(
	struct hd_fuse_session *session, const struct fuse_init_in *init, char *reply, size_t size)
{
	struct fuse_out_header header;
	struct fuse_init_out out;

	if (size < sizeof(header) + sizeof(out))
		return hd_fail(EPROTO, "the FUSE library's answer to INIT has %zu bytes", size);
	memcpy(&header, reply, sizeof(header));
	if (header.error)
		return hd_fail(-header.error, "the FUSE library refuses the kernel's version %u.%u",
			init->major, init->minor);
	memcpy(&out, reply + sizeof(header), sizeof(out));
	/* libfuse 3.14 offers this as a capability and then does not pass it on. */
	out.flags |= init->flags & FUSE_PARALLEL_DIROPS;
	if (session->options.killpriv && (init->flags & FUSE_HANDLE_KILLPRIV_V2)) {
		out.flags |= FUSE_HANDLE_KILLPRIV_V2;
		session->killpriv = true;
	}
	if (session->acl && (init->flags & FUSE_SETXATTR_EXT)) {
		out.flags |= FUSE_SETXATTR_EXT;
		session->long_setxattr = true;
	}
	memcpy(reply + sizeof(header), &out, sizeof(out));
	return 0;
}

/* Lets libfuse answer the INIT in THREAD's message through a pipe. */
static int compose_init(
	struct hd_fuse_thread *thread, size_t size, char *reply, size_t room, size_t *ret_size)
{
	struct hd_fuse_session *session = thread->session;
	HD_AUTO_CLOSE int reading = -1;
	HD_AUTO_CLOSE int writing = -1;
	char name[32];
	int ends[2];
	int r;

	r = hd_descriptor_pipe(ends);
	if (r < 0)
		return hd_fail_in(r, "make a pipe");
	reading = ends[0];
	writing = ends[1];
	(void)snprintf(name, sizeof(name), "/dev/fd/%d", writing);
	if (fuse_session_mount(session->native, name) != 0)
		return hd_fail(EINVAL, "the FUSE library does not take %s", name);
	session->fd = hd_steal_fd(&writing); /* closed with the native session */
	hd_fuse_process(thread, size);
	return hd_descriptor_read(reading, reply, room, ret_size);
}

/* libfuse's answer to the INIT in THREAD's message, completed, into REPLY. */
static int make_init_reply(
	struct hd_fuse_thread *thread, size_t size, char reply[HD_AREA_INIT_SIZE], size_t *ret_size)
{
	struct hd_fuse_session *session = thread->session;
	struct fuse_in_header header;
	struct fuse_init_in init;
	int r;

	memset(&init, 0, sizeof(init));
	memcpy(&header, thread->message, sizeof(header));
	if (size > sizeof(header))
		memcpy(&init, (char *)thread->message + sizeof(header),
			size - sizeof(header) < sizeof(init) ? size - sizeof(header) : sizeof(init));
	if (header.opcode != FUSE_INIT)
		return hd_fail(EPROTO, "the kernel's first request is %u, not INIT", header.opcode);
	r = compose_init(thread, size, reply, HD_AREA_INIT_SIZE, ret_size);
	return r < 0 ? r : complete_init(session, &init, reply, *ret_size);
}

int hd_fuse_init_answer(struct hd_fuse_thread *thread)
{
	struct hd_fuse_session *session = thread->session;
	int device = hd_fuse_loop_device(session->loop);
	char message[HD_AREA_INIT_SIZE];
	char reply[HD_AREA_INIT_SIZE];
	size_t size, reply_size;
	int r;

	r = hd_fuse_loop_first(session->loop, thread, &size);
	if (r < 0)
		return r;
	hd_message_counters_request(session->counters, ((struct fuse_in_header *)thread->message)->opcode);
	memcpy(message, thread->message, size < sizeof(message) ? size : sizeof(message));
	r = make_init_reply(thread, size, reply, &reply_size);
	if (r < 0)
		return r;
	hd_request_area_save_init(session->area, message, size, reply, reply_size);
	r = hd_descriptor_replace(session->fd, device);
	return r < 0 ? r : hd_descriptor_write(session->fd, reply, reply_size);
}

int hd_fuse_init_repeat(struct hd_fuse_thread *thread)
{
	struct hd_fuse_session *session = thread->session;
	char saved[HD_AREA_INIT_SIZE];
	char reply[HD_AREA_INIT_SIZE];
	size_t size, saved_size, reply_size;
	int r;

	if (!hd_request_area_saved_init(session->area, thread->message, &size, saved, &saved_size))
		return hd_fail(EPROTO, "the answer to INIT was not kept");
	r = make_init_reply(thread, size, reply, &reply_size);
	if (r < 0)
		return r;
	/* Another library, or other options: what the kernel was promised would not be kept. */
	if (reply_size != saved_size || memcmp(reply, saved, saved_size) != 0)
		return hd_fail(EPROTO, "the answer to INIT would not be the same");
	return hd_descriptor_replace(session->fd, hd_fuse_loop_device(session->loop));
}
