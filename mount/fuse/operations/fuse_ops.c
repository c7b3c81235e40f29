/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The table of handlers and the negotiation of what the kernel may do.
 *
 * Capabilities are chosen one by one; libfuse's own defaults are dropped first, because some of them promise
 * what this filesystem does not do (HANDLE_KILLPRIV) or cost more than they give (splice, automatic data
 * invalidation).
 */

#include "mount/fuse/operations/fuse_ops.h"

#include <string.h>

/* What is wanted whenever the kernel offers it. */
static const unsigned wanted_always =
	FUSE_CAP_ASYNC_READ        /* several READs of one file at a time */
	| FUSE_CAP_PARALLEL_DIROPS /* look-ups and listings of one directory at a time */
	| FUSE_CAP_ASYNC_DIO | FUSE_CAP_NO_OPEN_SUPPORT | FUSE_CAP_NO_OPENDIR_SUPPORT |
	/* Pages are dropped when we say so: nobody else writes, and a new mtime would drop them all. */
	FUSE_CAP_EXPLICIT_INVAL_DATA;

static void op_init(void *userdata, struct fuse_conn_info *conn)
{
	struct hd_fuse_session *session = userdata;
	const struct hd_mount_options *options = &session->options;
	unsigned wanted = wanted_always;

	/*
	 * Without OPEN there is nobody to truncate: with ATOMIC_O_TRUNC the kernel would send neither OPEN
	 * nor SETATTR, and O_TRUNC would do nothing.
	 */
	if (options->open == HD_OPEN_TRACKED)
		wanted |= FUSE_CAP_ATOMIC_O_TRUNC;
	/* Targets never change; but what the kernel remembers nobody is seen to read. */
	if (options->access_times != HD_ACCESS_STRICT)
		wanted |= FUSE_CAP_CACHE_SYMLINKS;
	if (options->readdirplus != HD_READDIRPLUS_OFF)
		wanted |= FUSE_CAP_READDIRPLUS;
	if (options->readdirplus == HD_READDIRPLUS_AUTO)
		wanted |= FUSE_CAP_READDIRPLUS_AUTO;
	if (options->writeback)
		wanted |= FUSE_CAP_WRITEBACK_CACHE;
	/* POSIX_ACL turns the kernel's checks on, whatever mount(2) was told. Without the caller's mask ignored by the
	 * kernel a default list could not be the one that decides. */
	session->acl = options->default_permissions && (conn->capable & FUSE_CAP_POSIX_ACL) &&
		       (conn->capable & FUSE_CAP_DONT_MASK);
	if (session->acl)
		wanted |= FUSE_CAP_POSIX_ACL | FUSE_CAP_DONT_MASK;
	conn->want = wanted & conn->capable;
	conn->max_write = HD_FUSE_DATA_SIZE;
	/*
	 * What the kernel holds back beyond the first is behind nothing, and beyond the second a flush leaves whole files out
	 * (written_pages.h). It limits what ordinary users say.
	 */
	conn->max_background = UINT16_MAX;
	conn->congestion_threshold = UINT16_MAX;
	conn->time_gran = 1;
}

void hd_fuse_ops_fill(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ret_ops)
{
	memset(ret_ops, 0, sizeof(*ret_ops));
	ret_ops->init = op_init;
	hd_fuse_ops_fill_names(ret_ops);
	hd_fuse_ops_fill_attributes(ret_ops);
	hd_fuse_ops_fill_files(options, ret_ops);
	hd_fuse_ops_fill_directories(options, ret_ops);
}
