/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The session uses libfuse for packing and unpacking only: neither its mounting, nor its loop, nor its
 * reading.
 *
 * INIT goes through a pipe. libfuse composes the answer to INIT from what it knows, but it does not know
 * FUSE_HANDLE_KILLPRIV_V2 or whatever the kernel has learned since. So libfuse is first given the end of a
 * pipe under the name /dev/fd/N; its answer is read from the pipe, completed and sent; then the device takes
 * the place of the pipe under the same number N. This uses public functions alone and works alike on every
 * version of libfuse 3.
 *
 * A request's own thread keeps the message (hd_fuse_thread_current), because libfuse drops what it does not
 * know.
 */

#include "mount/fuse/fuse_session.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/fuse/dot_directory.h"
#include "mount/fuse/fuse_loop.h"
#include "mount/fuse/fuse_ops.h"
#include "mount/fuse/fuse_session_types.h"
#include "mount/fuse/fuse_switch.h"
#include "mount/fuse/fuse_take_over.h"
#include "mount/fuse/fuse_witness.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/descriptor.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/request.h"

/* Since protocol 7.44: every name of the mount is looked up again. Unknown to older headers. */
#define NOTIFY_INCREMENT_EPOCH 8

_Thread_local struct hd_fuse_thread *hd_fuse_thread_current;

const struct fuse_in_header *hd_fuse_request_header(void)
{
	return hd_fuse_thread_current->message;
}

const void *hd_fuse_request_body(size_t size)
{
	const struct fuse_in_header *header = hd_fuse_request_header();

	return header->len >= sizeof(*header) + size ? header + 1 : NULL;
}

struct hd_caller hd_fuse_caller(fuse_req_t req)
{
	const struct fuse_ctx *context = fuse_req_ctx(req);

	return (struct hd_caller){
		.uid = context->uid, .gid = context->gid, .pid = context->pid, .umask = context->umask};
}

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

void hd_fuse_session_done(struct hd_fuse_thread *thread)
{
	/* In this order: a message without its result would be a request that was not begun. */
	HD_KILL_POINT(request_served);
	hd_request_area_clear(thread->session->area, thread->slot);
	HD_KILL_POINT(message_cleared);
	hd_request_end(thread->session->overlay);
}

/* Without libfuse, which would not know what to make of it. */
static void refuse_message(struct hd_fuse_thread *thread, const struct fuse_in_header *message, int error)
{
	const struct fuse_out_header header = {
		.len = sizeof(header), .error = error, .unique = message->unique};

	(void)hd_descriptor_write(thread->session->fd, &header, sizeof(header));
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

	if (hd_request_is_done(thread->session->overlay, NULL) ||
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

	return r < 0 && hd_request_is_done(session->overlay, NULL) ? 0 : r;
}

static void hand_over(struct hd_fuse_thread *thread, struct fuse_buf *buffer, bool changes)
{
	const struct fuse_in_header *header = thread->message;
	int refusal = 0;

	if (header->opcode == FUSE_INIT && thread->session->begun)
		answer_init_again(thread);
	else if (!buffer->mem)
		refuse_message(thread, header, -ENOMEM);
	else if (changes && is_refused(thread))
		refuse_message(thread, header, -EIO);
	else if ((refusal = refusal_of(thread)) < 0)
		refuse_message(thread, header, refusal);
	else
		fuse_session_process_buf(thread->session->native, buffer);
}

void hd_fuse_session_process(struct hd_fuse_thread *thread, size_t size)
{
	const struct fuse_in_header *header = thread->message;
	HD_AUTO_FREE void *translated = NULL;
	struct fuse_buf buffer = {.mem = thread->message, .size = size};
	bool changes = hd_request_gate_concerns(header->opcode);

	if (changes)
		hd_request_gate_enter(thread->session->gate);
	hd_fuse_thread_current = thread;
	hd_fuse_witness_begin(thread);
	if (header->opcode == FUSE_SETXATTR && thread->session->long_setxattr)
		buffer.mem = translated = shortened_setxattr(thread, &buffer.size);
	if (header->opcode == FUSE_TMPFILE)
		buffer.mem = translated = tmpfile_as_create(thread, size);
	hand_over(thread, &buffer, changes);
	hd_fuse_thread_current = NULL;
	if (changes)
		hd_request_gate_leave(thread->session->gate);
	hd_fuse_session_done(thread);
}

/* ---- this mount as a view of the kernel cache ---- */

static void view_inode(void *payload, hd_ino ino, int64_t offset, int64_t length)
{
	struct hd_fuse_session *session = payload;

	(void)fuse_lowlevel_notify_inval_inode(session->native, ino, offset, length);
}

static void view_entry(void *payload, hd_ino parent, const char *name, size_t length)
{
	struct hd_fuse_session *session = payload;

	(void)fuse_lowlevel_notify_inval_entry(session->native, parent, name, length);
}

static void view_all(void *payload)
{
	struct hd_fuse_session *session = payload;
	const struct fuse_out_header notice = {.len = sizeof(notice), .error = NOTIFY_INCREMENT_EPOCH};

	(void)hd_descriptor_write(session->fd, &notice, sizeof(notice));
}

/* ---- life ---- */

static int session_prepare(struct hd_fuse_session *session, int device)
{
	const struct hd_cache_view view = {
		.inode = view_inode, .entry = view_entry, .all = view_all, .payload = session};
	char program[] = "heddle";
	char *arguments[] = {program, NULL};
	struct fuse_args args = FUSE_ARGS_INIT(1, arguments);
	struct fuse_lowlevel_ops ops;
	int r;

	r = hd_kernel_cache_new(&session->options, &session->cache);
	if (r < 0)
		return r;
	r = hd_kernel_cache_add_view(session->cache, &view, &session->view);
	if (r < 0)
		return r;
	r = hd_sync_pool_new(session->overlay, session->activities, &session->sync);
	if (r >= 0)
		r = hd_request_gate_new(&session->gate);
	if (r >= 0)
		r = hd_dot_directory_new(session->overlay, &session->dot);
	if (r >= 0 && session->options.record)
		r = hd_witness_new(&session->witness);
	if (r < 0)
		return r;
	hd_fuse_ops_fill(&session->options, &ops);
	session->native = fuse_session_new(&args, &ops, sizeof(ops), session);
	fuse_opt_free_args(&args);
	if (!session->native)
		return hd_fail(ENOMEM, "open a FUSE session");
	return hd_fuse_loop_new(session, device, &session->loop);
}

int hd_fuse_session_new(struct hd_overlay *overlay, const struct hd_mount_options *options,
	struct hd_message_counters *counters, struct hd_watchdog *watchdog, struct hd_request_area *area,
	int device, struct hd_fuse_session **ret_session)
{
	HD_AUTO_CLOSE int owned_device = device;
	struct hd_fuse_session *session = calloc(1, sizeof(*session));
	int r;

	if (!session)
		return -ENOMEM;
	session->overlay = overlay;
	session->counters = counters;
	session->activities = hd_watchdog_activities(watchdog);
	session->area = area;
	session->options = *options;
	hd_owner_map_init(&session->owners, options);
	session->fd = -1;
	r = session_prepare(session, device);
	if (r < 0) {
		hd_fuse_session_free(session);
		return r;
	}
	(void)hd_steal_fd(&owned_device); /* the loop has it now */
	*ret_session = session;
	return 0;
}

void hd_fuse_session_free(struct hd_fuse_session *session)
{
	if (!session)
		return;
	/* The pool replies and the notifier notifies through the native session: they end first. */
	hd_sync_pool_free(session->sync);
	hd_kernel_cache_free(session->cache);
	if (session->native)
		fuse_session_destroy(session->native);
	hd_fuse_loop_free(session->loop);
	hd_request_gate_free(session->gate);
	hd_dot_directory_free(session->dot);
	hd_witness_free(session->witness);
	free(session);
}

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
	hd_fuse_session_process(thread, size);
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

/* The INIT that the kernel is waiting with. */
static int answer_first(struct hd_fuse_session *session, struct hd_fuse_thread *thread)
{
	int device = hd_fuse_loop_device(session->loop);
	char message[HD_AREA_INIT_SIZE];
	char reply[HD_AREA_INIT_SIZE];
	size_t size, reply_size;
	int r;

	r = hd_fuse_loop_first(session->loop, thread->message, &size);
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

/* The INIT that a dead worker answered: libfuse gets it again, the kernel gets nothing. */
static int repeat_init(struct hd_fuse_session *session, struct hd_fuse_thread *thread)
{
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

int hd_fuse_session_begin(struct hd_fuse_session *session, bool taken_over)
{
	char init[HD_AREA_INIT_SIZE];
	char reply[HD_AREA_INIT_SIZE];
	struct hd_fuse_thread *thread = NULL;
	size_t size;
	bool answered = taken_over && hd_request_area_saved_init(session->area, init, &size, reply, &size);
	int r;

	r = hd_fuse_thread_new(session, &thread);
	if (r < 0)
		return r;
	/* The dead one may have read the INIT that it did not answer. */
	if (taken_over && !answered)
		(void)hd_fuse_ask_again(hd_fuse_loop_device(session->loop));
	r = answered ? repeat_init(session, thread) : answer_first(session, thread);
	session->begun = r >= 0;
	hd_fuse_thread_free(thread);
	if (answered)
		HD_KILL_POINT(init_repeated);
	return r >= 0 && answered ? hd_fuse_take_over(session) : r;
}

int hd_fuse_session_serve(struct hd_fuse_session *session)
{
	if (!session->begun)
		return -EINVAL;
	hd_fuse_tell_after_death(session);
	return hd_fuse_loop_run(session->loop);
}

void hd_fuse_session_stop(struct hd_fuse_session *session)
{
	hd_fuse_loop_stop(session->loop);
}

int hd_fuse_session_device(const struct hd_fuse_session *session)
{
	return hd_fuse_loop_device(session->loop);
}

struct hd_witness *hd_fuse_session_witness(const struct hd_fuse_session *session)
{
	return session->witness;
}
