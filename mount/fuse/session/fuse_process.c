/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/session/fuse_process.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_answer.h"
#include "mount/fuse/fuse_witness.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/kill_point.h"

/* libfuse drops what it does not know of a message, so the request's own thread keeps it (hd_fuse_thread_current). */

/* The worker before this one died between keeping the answer to INIT and writing it. */
static void answer_init_again(struct hd_fuse_thread *thread)
{
	struct hd_fuse_session *session = thread->session;
	struct fuse_in_header message;
	struct fuse_out_header header;
	char init[HD_AREA_INIT_SIZE];
	char reply[HD_AREA_INIT_SIZE];
	size_t init_size, size;

	if (!hd_request_area_saved_init(session->area, init, &init_size, reply, &size))
		return;
	memcpy(&message, thread->message, sizeof(message));
	memcpy(&header, reply, sizeof(header));
	header.unique = message.unique;
	memcpy(reply, &header, sizeof(header));
	(void)hd_descriptor_write(session->fd, reply, size);
}

void hd_fuse_done(struct hd_fuse_thread *thread)
{
	if (thread->inside)
		hd_request_gate_leave(thread->session->gate);
	thread->inside = false;
	/* In this order: a message without its result would be a request that was not begun. */
	HD_KILL_POINT(request_served);
	hd_request_area_clear(thread->session->area, thread->slot);
	HD_KILL_POINT(message_cleared);
	hd_request_end(thread->session->overlay);
}

/*
 * A SETXATTR in its older, shorter form: libfuse looks for the name where that has it. Fresh memory, because the message
 * itself may be asked for again. What it leaves out is in hd_fuse_request_body.
 */
static void *shortened_setxattr(const struct hd_fuse_thread *thread, size_t *size)
{
	const size_t removed = sizeof(struct fuse_setxattr_in) - FUSE_COMPAT_SETXATTR_IN_SIZE;
	const size_t kept = sizeof(struct fuse_in_header) + FUSE_COMPAT_SETXATTR_IN_SIZE;
	const char *message = thread->message;
	struct fuse_in_header *header;
	char *copy;

	if (*size < kept + removed)
		return NULL;
	*size -= removed;
	copy = malloc(*size);
	if (!copy)
		return NULL;
	memcpy(copy, message, kept);
	memcpy(copy + kept, message + kept + removed, *size - kept);
	header = (struct fuse_in_header *)copy;
	header->len -= (uint32_t)removed;
	return copy;
}

/* libfuse knows no TMPFILE, but it is a CREATE with a name that says nothing, and is answered like one. */
static void *tmpfile_as_create(const struct hd_fuse_thread *thread, size_t size)
{
	struct fuse_in_header *header = malloc(size);

	if (!header)
		return NULL;
	memcpy(header, thread->message, size);
	header->opcode = FUSE_CREATE;
	return header;
}

/* True when the request would change what must not be changed any more. One that was done before is answered. */
static bool is_refused(const struct hd_fuse_thread *thread)
{
	const struct fuse_in_header *header = thread->message;
	const struct fuse_open_in *open = (const void *)(header + 1);

	if (hd_request_is_done() ||
		(header->opcode == FUSE_OPEN &&
			(header->len < sizeof(*header) + sizeof(*open) || !(open->flags & O_TRUNC))))
		return false;
	return hd_overlay_may_change(thread->session->overlay) < 0;
}

/* What was done before a worker died is not refused when it is asked for again. */
static int refusal_of(const struct hd_fuse_thread *thread)
{
	struct hd_fuse_session *session = thread->session;
	int r = hd_dot_refuse(session->dot, thread->message);

	return r < 0 && hd_request_is_done() ? 0 : r;
}

static void hand_over(struct hd_fuse_thread *thread, struct fuse_buf *buffer, bool changes)
{
	const struct fuse_in_header *header = thread->message;
	int refusal = 0;

	if (header->opcode == FUSE_INIT && thread->session->begun)
		answer_init_again(thread);
	else if (!buffer->mem)
		hd_fuse_answer(thread->session, header->unique, -ENOMEM);
	else if (changes && is_refused(thread))
		hd_fuse_answer(thread->session, header->unique, -EIO);
	else if ((refusal = refusal_of(thread)) < 0)
		hd_fuse_answer(thread->session, header->unique, refusal);
	else
		fuse_session_process_buf(thread->session->native, buffer);
}

void hd_fuse_process(struct hd_fuse_thread *thread, size_t size)
{
	const struct fuse_in_header *header = thread->message;
	HD_AUTO_FREE void *translated = NULL;
	struct fuse_buf buffer = {.mem = thread->message, .size = size};
	bool changes = hd_request_gate_concerns(header->opcode);

	if (changes && !thread->inside)
		hd_request_gate_enter(thread->session->gate);
	thread->inside = changes;
	hd_fuse_thread_current = thread;
	hd_fuse_witness_begin(thread);
	if (header->opcode == FUSE_SETXATTR && thread->session->long_setxattr)
		buffer.mem = translated = shortened_setxattr(thread, &buffer.size);
	if (header->opcode == FUSE_TMPFILE)
		buffer.mem = translated = tmpfile_as_create(thread, size);
	hand_over(thread, &buffer, changes);
	hd_fuse_thread_current = NULL;
	hd_fuse_done(thread);
}
