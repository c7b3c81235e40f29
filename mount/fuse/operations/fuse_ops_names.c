/* SPDX-License-Identifier: Apache-2.0 */

/* Requests that find, make, move and remove names, and the kernel's giving up of what it found. */

#include <errno.h>
#include <string.h>

#include "mount/fuse/dot/dot_crowd.h"
#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/operations/fuse_ops.h"
#include "mount/fuse/requests/fuse_request.h"
#include "overlay/inodes/request.h"
#include "overlay/platform/kill_point.h"

/* Tells the kernel cache of a change that this mount's own kernel asked for. */
static void changed(fuse_req_t req, int r, const struct hd_cache_event *event)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);

	if (r >= 0)
		hd_kernel_cache_changed(session->cache, session->view, event);
}

static void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_attributes attributes;
	int r;

	if (hd_dot_is_ours(parent)) {
		/* That there is none is not worth remembering here: states come. */
		hd_reply_entry(req, hd_dot_lookup(session->dot, parent, name, &attributes), &attributes);
		hd_dot_crowd_look(session->crowd);
		return;
	}
	r = hd_overlay_lookup(session->overlay, parent, name, &attributes);
	if (r == -ENOENT && hd_dot_is_name(session->dot, parent, name))
		r = hd_dot_outer(session->dot, name, &attributes);
	hd_reply_lookup(req, r, &attributes);
	if (hd_ino_is_of_state(parent))
		hd_dot_crowd_look(session->crowd);
}

static void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t count)
{
	HD_KILL_POINT(forget_begun);
	/* Unless a process before this one has done it. */
	if (hd_request_steps() == 0)
		hd_overlay_forget(hd_fuse_session_of(req)->overlay, ino, count);
	fuse_reply_none(req);
}

static void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	struct hd_overlay *overlay = hd_fuse_session_of(req)->overlay;
	size_t i;

	HD_KILL_POINT(forget_begun);
	/* From the first that a process before this one has not done. */
	for (i = hd_request_steps(); i < count; i++)
		hd_overlay_forget(overlay, forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}

static void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t device)
{
	struct hd_caller caller = hd_fuse_caller(req);
	struct hd_attributes attributes;
	int r;

	r = hd_overlay_mknod(
		hd_fuse_session_of(req)->overlay, &caller, parent, name, mode, (uint32_t)device, &attributes);
	changed(req, r, &(struct hd_cache_event){.kind = HD_CACHE_MKNOD, .parent = parent, .name = name});
	hd_reply_entry(req, r, &attributes);
}

static void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	struct hd_caller caller = hd_fuse_caller(req);
	struct hd_attributes attributes;
	int r;

	r = hd_overlay_mkdir(hd_fuse_session_of(req)->overlay, &caller, parent, name, mode, &attributes);
	changed(req, r, &(struct hd_cache_event){.kind = HD_CACHE_MKDIR, .parent = parent, .name = name});
	hd_reply_entry(req, r, &attributes);
}

static void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	struct hd_caller caller = hd_fuse_caller(req);
	struct hd_attributes attributes;
	int r;

	r = hd_overlay_symlink(hd_fuse_session_of(req)->overlay, &caller, parent, name, target, &attributes);
	changed(req, r, &(struct hd_cache_event){.kind = HD_CACHE_SYMLINK, .parent = parent, .name = name});
	hd_reply_entry(req, r, &attributes);
}

static void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t new_parent, const char *new_name)
{
	struct hd_attributes attributes;
	int r;

	r = hd_overlay_link(hd_fuse_session_of(req)->overlay, ino, new_parent, new_name, &attributes);
	changed(req, r,
		&(struct hd_cache_event){
			.kind = HD_CACHE_LINK, .ino = ino, .parent = new_parent, .name = new_name});
	hd_reply_entry(req, r, &attributes);
}

static void op_create(
	fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *file)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_caller caller = hd_fuse_caller(req);
	bool tracked = session->options.open == HD_OPEN_TRACKED;
	bool is_unnamed = hd_fuse_request_header()->opcode == FUSE_TMPFILE;
	struct hd_attributes attributes;
	int r;

	/* libfuse hands a TMPFILE over as what it looks like; its name says nothing. */
	r = is_unnamed ? hd_overlay_create_unnamed(session->overlay, &caller, parent, mode,
				 !(file->flags & O_EXCL), &attributes)
		       : hd_overlay_create(session->overlay, &caller, parent, name, mode, &attributes);
	file->keep_cache = 1;
	file->noflush = !tracked;
	if (!is_unnamed)
		changed(req, r,
			&(struct hd_cache_event){.kind = HD_CACHE_CREATE, .parent = parent, .name = name});
	hd_reply_create(req, r, &attributes, file, tracked);
}

static void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	int r;

	r = hd_overlay_unlink(hd_fuse_session_of(req)->overlay, parent, name);
	changed(req, r, &(struct hd_cache_event){.kind = HD_CACHE_UNLINK, .parent = parent, .name = name});
	hd_reply_status(req, r);
}

static void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	int r;

	r = hd_overlay_rmdir(hd_fuse_session_of(req)->overlay, parent, name);
	changed(req, r, &(struct hd_cache_event){.kind = HD_CACHE_RMDIR, .parent = parent, .name = name});
	hd_reply_status(req, r);
}

static void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t new_parent,
	const char *new_name, unsigned flags)
{
	struct hd_caller caller = hd_fuse_caller(req);
	int r;

	r = hd_overlay_rename_as(
		hd_fuse_session_of(req)->overlay, &caller, parent, name, new_parent, new_name, flags);
	changed(req, r,
		&(struct hd_cache_event){.kind = HD_CACHE_RENAME,
			.parent = parent,
			.name = name,
			.new_parent = new_parent,
			.new_name = new_name});
	hd_reply_status(req, r);
}

void hd_fuse_ops_fill_names(struct fuse_lowlevel_ops *ops)
{
	ops->lookup = op_lookup;
	ops->forget = op_forget;
	ops->forget_multi = op_forget_multi;
	ops->mknod = op_mknod;
	ops->mkdir = op_mkdir;
	ops->symlink = op_symlink;
	ops->link = op_link;
	ops->create = op_create;
	ops->unlink = op_unlink;
	ops->rmdir = op_rmdir;
	ops->rename = op_rename;
}
