/* SPDX-License-Identifier: Apache-2.0 */

/* Requests for attributes, link targets, extended attributes and the filesystem's numbers. */

#include <errno.h>
#include <string.h>

#include "mount/fuse/dot/dot_directory.h"
#include "mount/fuse/fuse_reply.h"
#include "mount/fuse/fuse_witness.h"
#include "mount/fuse/operations/access_times.h"
#include "mount/fuse/operations/fuse_ops.h"
#include "mount/fuse/operations/privilege_drop.h"
#include "mount/fuse/operations/xattr_names.h"
#include "mount/fuse/requests/fuse_request.h"
#include "overlay/access/access_control_list.h"
#include "overlay/platform/cleanup.h"

static void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *file)
{
	struct hd_attributes attributes;
	int r;

	(void)file;
	if (hd_dot_is_ours(ino))
		r = hd_dot_getattr(hd_fuse_session_of(req)->dot, ino, &attributes);
	else
		r = hd_overlay_getattr(hd_fuse_session_of(req)->overlay, ino, &attributes);
	hd_reply_attributes(req, r, &attributes);
}

static const struct {
	int kernel;
	unsigned overlay;
} set_bits[] = {
	{FUSE_SET_ATTR_MODE, HD_SET_MODE},
	{FUSE_SET_ATTR_UID, HD_SET_UID},
	{FUSE_SET_ATTR_GID, HD_SET_GID},
	{FUSE_SET_ATTR_SIZE, HD_SET_SIZE},
	{FUSE_SET_ATTR_ATIME, HD_SET_ACCESS_TIME},
	{FUSE_SET_ATTR_MTIME, HD_SET_MODIFY_TIME},
	{FUSE_SET_ATTR_CTIME, HD_SET_CHANGE_TIME},
	{FUSE_SET_ATTR_ATIME_NOW, HD_SET_ACCESS_NOW},
	{FUSE_SET_ATTR_MTIME_NOW, HD_SET_MODIFY_NOW},
};

/* Whether the kernel asked for the drop of set-user-id bits; libfuse masks that flag away. */
static bool kill_flag_set(void)
{
	const struct fuse_setattr_in *body = hd_fuse_request_body(sizeof(*body));

	return body && (body->valid & FATTR_KILL_SUIDGID);
}

/*
 * Adds the mode without its privileged bits to a change that must take them away; 1 when nothing is to be done.
 *
 * A request that sets nothing is chown(2) that keeps owner and group, by whoever likes, or the kernel's announcement of
 * a write, which will ask for the drop itself. From others than the owner, of a file with such bits, only the second is
 * allowed.
 */
static int add_privilege_drop(const struct hd_fuse_session *session, const struct hd_caller *caller,
	hd_ino ino, unsigned *set, struct hd_attributes *values)
{
	struct hd_attributes now;
	/* Where the kernel keeps the times it adds its ctime to everything. */
	bool sets_nothing = (*set & ~(unsigned)HD_SET_CHANGE_TIME) == 0;
	uint32_t bits;
	int r;

	if (!session->killpriv || (*set & HD_SET_MODE))
		return 0;
	if (!sets_nothing && !(*set & (HD_SET_UID | HD_SET_GID)) && !kill_flag_set())
		return 0;
	r = hd_overlay_getattr(session->overlay, ino, &now);
	if (r < 0)
		return r;
	now.uid = hd_owner_map_uid(&session->owners, now.uid);
	now.gid = hd_owner_map_gid(&session->owners, now.gid);
	bits = hd_privilege_bits_for(&now, caller);
	if (bits && sets_nothing && caller->uid != 0 && caller->uid != now.uid)
		return 1;
	if (bits) {
		values->mode = now.mode & ~bits;
		*set |= HD_SET_MODE;
	}
	return 0;
}

/*
 * Where the kernel keeps times it sends them with nothing else when it writes the inode back, and after a restore those may be
 * of the tree before. A program that sets the modification time alone looks the same, and is taken to have done so before.
 */
static bool is_old_time(struct hd_fuse_session *session, hd_ino ino, int valid, const struct timespec *time)
{
	return valid == (FUSE_SET_ATTR_MTIME | FUSE_SET_ATTR_CTIME) &&
	       hd_request_gate_is_old_time(session->gate, ino, time);
}

static void op_setattr(
	fuse_req_t req, fuse_ino_t ino, struct stat *stat, int valid, struct fuse_file_info *file)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);
	struct hd_caller caller = hd_fuse_caller(req);
	struct hd_attributes values = {.mode = stat->st_mode,
		.uid = stat->st_uid,
		.gid = stat->st_gid,
		.size = (uint64_t)stat->st_size,
		.access_time = stat->st_atim,
		.modify_time = stat->st_mtim,
		.change_time = stat->st_ctim};
	struct hd_attributes result;
	unsigned set = 0;
	size_t i;
	int r;

	(void)file;
	for (i = 0; i < HD_ARRAY_SIZE(set_bits); i++) {
		if (valid & set_bits[i].kernel)
			set |= set_bits[i].overlay;
	}
	if (is_old_time(session, ino, valid, &values.modify_time)) {
		r = hd_overlay_getattr(session->overlay, ino, &result);
		hd_reply_attributes(req, r, &result);
		return;
	}
	r = hd_owner_map_change(&session->owners, session->overlay, ino, set, &values);
	if (r >= 0)
		r = add_privilege_drop(session, &caller, ino, &set, &values);
	if (r == 0)
		r = hd_overlay_setattr(session->overlay, &caller, ino, set, &values, &result);
	else if (r > 0)
		r = hd_overlay_getattr(session->overlay, ino, &result);
	if (r >= 0 && (set & HD_SET_MODE) && !(valid & FUSE_SET_ATTR_MODE))
		hd_fuse_witness_mode(ino);
	if (r >= 0)
		hd_kernel_cache_changed(session->cache, session->view,
			&(struct hd_cache_event){
				.kind = set & HD_SET_SIZE ? HD_CACHE_TRUNCATE : HD_CACHE_SETATTR,
				.ino = ino});
	hd_reply_attributes(req, r, &result);
}

static void op_readlink(fuse_req_t req, fuse_ino_t ino)
{
	struct hd_fuse_thread *thread = hd_fuse_thread_current;
	size_t size = 0;
	int r;

	r = hd_overlay_readlink(thread->session->overlay, ino, thread->reply, HD_FUSE_DATA_SIZE, &size);
	if (r >= 0)
		hd_access_times_read(thread->session, ino, 0, false);
	hd_reply_data(req, r, thread->reply, size);
}

/* Where the kernel does not ask for access control lists they would be stored but not enforced: refusing them says so. */
static bool refused_name(fuse_req_t req, const char *name)
{
	return !hd_fuse_session_of(req)->acl && hd_acl_is_name(name);
}

/* The kernel says that with a list; libfuse does not know of it. */
static bool setgid_must_go(fuse_req_t req)
{
	const struct fuse_setxattr_in *body = hd_fuse_request_body(sizeof(*body));

	return hd_fuse_session_of(req)->long_setxattr && body &&
	       (body->setxattr_flags & FUSE_SETXATTR_ACL_KILL_SGID);
}

static int check_name(fuse_req_t req, const char *name)
{
	int r = hd_xattr_name_check(name);

	return r == 0 && refused_name(req, name) ? -EOPNOTSUPP : r;
}

static void xattr_changed(fuse_req_t req, int r, hd_ino ino)
{
	struct hd_fuse_session *session = hd_fuse_session_of(req);

	if (r >= 0)
		hd_kernel_cache_changed(session->cache, session->view,
			&(struct hd_cache_event){.kind = HD_CACHE_XATTR, .ino = ino});
}

static void op_setxattr(
	fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags)
{
	int r = check_name(req, name);

	if (setgid_must_go(req))
		flags |= HD_SETXATTR_DROP_SETGID;
	if (r == 0)
		r = hd_overlay_setxattr(hd_fuse_session_of(req)->overlay, ino, name, value, size, flags);
	xattr_changed(req, r, ino);
	hd_reply_status(req, r);
}

static void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size)
{
	struct hd_fuse_thread *thread = hd_fuse_thread_current;
	size_t room = size < HD_FUSE_DATA_SIZE ? size : HD_FUSE_DATA_SIZE;
	size_t found = 0;
	int r = check_name(req, name);

	if (r == 0 && hd_dot_is_ours(ino))
		r = -ENODATA;
	if (r == 0)
		r = hd_overlay_getxattr(thread->session->overlay, ino, name, thread->reply, room, &found);
	hd_reply_xattr(req, r, size, thread->reply, found);
}

static void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size)
{
	struct hd_fuse_thread *thread = hd_fuse_thread_current;
	size_t room = size < HD_FUSE_DATA_SIZE ? size : HD_FUSE_DATA_SIZE;
	bool is_root =
		hd_fuse_caller(req).uid == 0; /* the kernel hides the values from others, not the names */
	size_t found = 0;
	int r = 0;

	if (!hd_dot_is_ours(ino))
		r = hd_overlay_listxattr(thread->session->overlay, ino, is_root, thread->reply, room, &found);
	hd_reply_xattr(req, r, size, thread->reply, found);
}

static void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name)
{
	int r = check_name(req, name);

	if (r == 0)
		r = hd_overlay_removexattr(hd_fuse_session_of(req)->overlay, ino, name);
	xattr_changed(req, r, ino);
	hd_reply_status(req, r);
}

static void op_statfs(fuse_req_t req, fuse_ino_t ino)
{
	struct hd_overlay_space space;
	int r;

	(void)ino;
	r = hd_overlay_statfs(hd_fuse_session_of(req)->overlay, &space);
	hd_reply_space(req, r, &space);
}

void hd_fuse_ops_fill_attributes(struct fuse_lowlevel_ops *ops)
{
	ops->getattr = op_getattr;
	ops->setattr = op_setattr;
	ops->readlink = op_readlink;
	ops->setxattr = op_setxattr;
	ops->getxattr = op_getxattr;
	ops->listxattr = op_listxattr;
	ops->removexattr = op_removexattr;
	ops->statfs = op_statfs;
}
