/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/session/fuse_session.h"

#include <stdlib.h>

#include "mount/fuse/dot/dot_crowd.h"
#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/operations/fuse_ops.h"
#include "mount/fuse/requests/fuse_request.h"
#include "mount/fuse/session/fuse_init.h"
#include "mount/fuse/session/fuse_loop.h"
#include "mount/fuse/session/fuse_session_types.h"
#include "mount/fuse/session/fuse_switch.h"
#include "mount/fuse/session/fuse_take_over.h"
#include "mount/parts/mount_parts.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/threads/task_thread.h"
#include "overlay/snapshot.h"

/*
 * The session uses libfuse for packing and unpacking only: neither its mounting, nor its loop, nor its
 * reading.
 */

/* Since protocol 7.44: every name of the mount is looked up again. Unknown to older headers. */
#define NOTIFY_INCREMENT_EPOCH 8

/* ---- this mount as a view of the kernel cache ---- */

/*
 * Who tells the kernel of pages waits for them there, also when the worker is killed, until the next one has answered who has them
 * locked. What the next one needs must not wait for that: the lock of the thread, above all.
 */
static void need_device_alone(const struct hd_fuse_session *session)
{
	static _Thread_local bool is_alone;

	if (is_alone)
		return;
	is_alone = hd_descriptor_keep_alone(session->fd) >= 0;
	if (is_alone)
		hd_thread_rename(HD_NOTIFIER_THREAD);
	else
		hd_error_clear();
}

static void view_inode(void *payload, hd_ino ino, int64_t offset, int64_t length)
{
	struct hd_fuse_session *session = payload;

	need_device_alone(session);
	(void)fuse_lowlevel_notify_inval_inode(session->native, ino, offset, length);
}

static void view_entry(void *payload, hd_ino parent, const char *name, size_t length)
{
	struct hd_fuse_session *session = payload;

	need_device_alone(session);
	(void)fuse_lowlevel_notify_inval_entry(session->native, parent, name, length);
}

static void view_all(void *payload)
{
	struct hd_fuse_session *session = payload;
	const struct fuse_out_header notice = {.len = sizeof(notice), .error = NOTIFY_INCREMENT_EPOCH};

	need_device_alone(session);
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
	if (r >= 0)
		r = hd_dot_crowd_new(session, &session->crowd);
	if (r >= 0 && session->options.record)
		r = hd_witness_new(&session->witness);
	/* Changes of an earlier mount or worker; a fork begins with some. */
	if (r >= 0 && !hd_overlay_is_captured(session->overlay))
		hd_witness_miss(session->witness);
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
	/* The pool replies and these notify through the native session: they end first. */
	hd_sync_pool_free(session->sync);
	hd_dot_crowd_free(session->crowd);
	hd_kernel_cache_free(session->cache);
	if (session->native)
		fuse_session_destroy(session->native);
	hd_fuse_loop_free(session->loop);
	hd_request_gate_free(session->gate);
	hd_dot_directory_free(session->dot);
	hd_witness_free(session->witness);
	free(session);
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
	r = answered ? hd_fuse_init_repeat(thread) : hd_fuse_init_answer(thread);
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

void hd_fuse_session_set_git(struct hd_fuse_session *session, char *text)
{
	hd_dot_directory_set_git(session->dot, text);
}
