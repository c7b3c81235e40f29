/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Requests on files. In the untracked mode there is neither OPEN nor RELEASE nor FLUSH: the table has no
 * handler for OPEN and FLUSH, libfuse answers ENOSYS, and the kernel never asks again (fuse_file_open,
 * fuse_flush in fs/fuse/file.c).
 */

#include <errno.h>
#include <fcntl.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/operations/access_times.h"
#include "mount/fuse/operations/fuse_ops.h"
#include "mount/fuse/operations/privilege_drop.h"
#include "mount/fuse/requests/fuse_request.h"
#include "mount/fuse/session/fuse_take_over.h"
#include "overlay/platform/kill_point.h"

#define COPY_LIMIT (1u << 30)

static void changed(
	fuse_req_t req, int r, enum hd_cache_event_kind kind, hd_ino ino, uint64_t offset, size_t size)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);

	if (r >= 0)
		hd_kernel_cache_changed(session->cache, session->view,
			&(struct hd_cache_event){.kind = kind, .ino = ino, .offset = offset, .size = size});
}

static bool truncation_drops_privileges(void)
{
	const struct fuse_open_in *body = hd_fuse_request_body(sizeof(*body));

	return body && (body->open_flags & FUSE_OPEN_KILL_SUIDGID);
}

static void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_caller caller = hd_fuse_caller(req);
	int r;

	if (hd_dot_is_ours(ino))
		r = (file->flags & O_ACCMODE) == O_RDONLY ? 0 : -EROFS;
	else
		r = hd_overlay_open_file(session->overlay, ino, file->flags);
	if (r >= 0 && (file->flags & O_TRUNC)) {
		changed(req, r, HD_CACHE_TRUNCATE, ino, 0, 0);
		if (session->killpriv && truncation_drops_privileges())
			(void)hd_privilege_drop(session->overlay, &session->owners, &caller, ino);
	}
	/* Without the pages the next read comes here and moves the access time. */
	file->keep_cache = !hd_access_times_want_reads(session, ino, file->flags, false);
	file->noflush = (file->flags & O_ACCMODE) == O_RDONLY;
	hd_reply_open(req, r, ino, file);
}

static void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)file;
	hd_reply_status(req, hd_overlay_flush(hd_fuse_session_of(req)->overlay, ino));
}

static void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)file;
	hd_reply_status(
		req, hd_dot_is_ours(ino) ? 0 : hd_overlay_release(hd_fuse_session_of(req)->overlay, ino));
}

static void op_open_untracked(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	(void)file;
	hd_reply_unwanted(req);
}

/* A file that CREATE opened may be released although opens are not tracked: nothing was counted. */
static void op_release_untracked(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	(void)ino;
	(void)file;
	hd_reply_status(req, 0);
}

static void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t offset, struct fuse_file_info *file)
{
	struct hd_fuse_thread *thread = hd_fuse_thread_current;
	size_t found = 0;
	int r = -EIO;

	/* A short answer would read as the file's end; max_pages keeps requests below this. */
	if (size <= HD_FUSE_DATA_SIZE && hd_dot_is_ours(ino))
		r = hd_dot_read(thread->session->dot, ino, thread->reply, size, (uint64_t)offset, &found);
	else if (size <= HD_FUSE_DATA_SIZE)
		r = hd_overlay_read(
			thread->session->overlay, ino, thread->reply, size, (uint64_t)offset, &found);
	HD_KILL_POINT(bytes_read);
	if (r >= 0)
		hd_access_times_read(thread->session, ino, file->flags, false);
	hd_reply_data(req, r, thread->reply, found);
}

static bool write_drops_privileges(void)
{
	const struct fuse_write_in *body = hd_fuse_request_body(sizeof(*body));

	return body && (body->write_flags & FUSE_WRITE_KILL_SUIDGID);
}

/* A page of what the file was before it became another one. */
static bool is_stale_page(struct hd_fuse_session *session, fuse_ino_t ino)
{
	const struct fuse_write_in *body = hd_fuse_request_body(sizeof(*body));

	return body && (body->write_flags & FUSE_WRITE_CACHE) && hd_request_gate_is_stale(session->gate, ino);
}

/*
 * Where what a program appends belongs. The kernel says where it believes that the file ends, and does not ask before: after a restore
 * that may be where the file ended that was there, also to the next worker. Its pages then have the bytes in the wrong place, too.
 */
static int place_append(struct hd_fuse_session *session, fuse_ino_t ino, off_t *offset, bool *ret_moved)
{
	const struct fuse_write_in *body = hd_fuse_request_body(sizeof(*body));
	struct hd_attributes attributes;
	int r;

	*ret_moved = false;
	if (!body || !(body->flags & O_APPEND) || body->write_flags & FUSE_WRITE_CACHE)
		return 0;
	r = hd_overlay_getattr(session->overlay, ino, &attributes);
	if (r < 0)
		return r;
	*ret_moved = attributes.size != (uint64_t)*offset;
	*offset = (off_t)attributes.size;
	return 0;
}

static void op_write(fuse_req_t req, fuse_ino_t ino, const char *data, size_t size, off_t offset,
	struct fuse_file_info *file)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_caller caller = hd_fuse_caller(req);
	size_t written = 0;
	bool moved = false;
	int r;

	(void)file;
	if (is_stale_page(session, ino)) {
		hd_reply_written(req, 0, size);
		return;
	}
	r = place_append(session, ino, &offset, &moved);
	if (r >= 0 && hd_request_is_done() && hd_request_done_size() > 0) {
		/* Into another tree, maybe, than the one that is there now. */
		written = (size_t)hd_request_done_size();
	} else if (r >= 0) {
		/* Before the bytes: a failure must not leave a changed file with its old privileges. */
		if (session->killpriv && write_drops_privileges())
			r = hd_privilege_drop(session->overlay, &session->owners, &caller, ino);
		if (r >= 0)
			r = hd_overlay_write(session->overlay, ino, data, size, (uint64_t)offset, &written);
	}
	changed(req, r, HD_CACHE_WRITE, ino, (uint64_t)offset, written);
	if (r >= 0 && moved)
		hd_kernel_cache_changed(session->cache, HD_CACHE_NO_VIEW,
			&(struct hd_cache_event){.kind = HD_CACHE_REPLACE, .ino = ino});
	hd_reply_written(req, r, written);
}

static void op_fsync(fuse_req_t req, fuse_ino_t ino, int data_only, struct fuse_file_info *file)
{
	(void)file;
	hd_sync_pool_submit(hd_fuse_session_of(req)->sync, req, ino, data_only != 0);
}

/* Requests without a flag for it: the kernel leaves it to us to know that root's changes keep the bits. */
static int drop_privileges_of_others(fuse_req_t req, fuse_ino_t ino)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_caller caller = hd_fuse_caller(req);

	return session->killpriv && caller.uid != 0
		       ? hd_privilege_drop(session->overlay, &session->owners, &caller, ino)
		       : 0;
}

static void op_fallocate(
	fuse_req_t req, fuse_ino_t ino, int mode, off_t offset, off_t length, struct fuse_file_info *file)
{
	int r = drop_privileges_of_others(req, ino);

	(void)file;
	if (r >= 0)
		r = hd_overlay_fallocate(
			hd_fuse_session_of(req)->overlay, ino, mode, (uint64_t)offset, (uint64_t)length);
	changed(req, r, HD_CACHE_WRITE, ino, (uint64_t)offset, (size_t)length);
	hd_reply_status(req, r);
}

static void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t offset, int whence, struct fuse_file_info *file)
{
	uint64_t found = 0;
	int r;

	(void)file;
	if (hd_dot_is_ours(ino))
		r = hd_dot_lseek(ino, (uint64_t)offset, whence, &found);
	else
		r = hd_overlay_lseek(hd_fuse_session_of(req)->overlay, ino, (uint64_t)offset, whence, &found);
	hd_reply_offset(req, r, found);
}

static void op_copy_file_range(fuse_req_t req, fuse_ino_t from, off_t from_offset,
	struct fuse_file_info *from_file, fuse_ino_t to, off_t to_offset, struct fuse_file_info *to_file,
	size_t size, int flags)
{
	size_t copied = 0;
	int r = flags == 0 ? drop_privileges_of_others(req, to) : -EINVAL;

	(void)from_file;
	(void)to_file;
	/* The reply's count has 32 bits; a short copy is repeated by the caller. Whole blocks can be shared. */
	if (size > COPY_LIMIT)
		size = COPY_LIMIT;
	if (r >= 0)
		r = hd_overlay_copy_file_range(hd_fuse_session_of(req)->overlay, from, (uint64_t)from_offset,
			to, (uint64_t)to_offset, size, &copied);
	changed(req, r, HD_CACHE_WRITE, to, (uint64_t)to_offset, copied);
	hd_reply_written(req, r, copied);
}

void hd_fuse_ops_fill_files(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ops)
{
	if (options->open == HD_OPEN_TRACKED) {
		ops->open = op_open;
		ops->flush = op_flush;
		ops->release = op_release;
	} else {
		ops->open = op_open_untracked;
		ops->flush = op_open_untracked;
		ops->release = op_release_untracked;
	}
	ops->read = op_read;
	ops->write = op_write;
	ops->fsync = op_fsync;
	ops->fallocate = op_fallocate;
	/* Where the kernel has bytes that nobody else knows of, what looks like a hole may be none, and a program that
	 * copies would leave them out. Without an answer all is data for the kernel. */
	ops->lseek = options->writeback ? NULL : op_lseek;
	ops->copy_file_range = op_copy_file_range;
}
