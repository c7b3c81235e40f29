/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/operations/access_times.h"

#include <fcntl.h>

#include "mount/fuse/dot/dot_directory.h"

static bool are_kept(const struct hd_mount_options *options, int flags, bool is_directory)
{
	return options->access_times != HD_ACCESS_NEVER && !options->read_only && !(flags & O_NOATIME) &&
	       (!is_directory || options->directory_access_times);
}

void hd_access_times_read(struct hd_fuse_session *session, hd_ino ino, int flags, bool is_directory)
{
	if (!hd_dot_is_ours(ino) && are_kept(&session->options, flags, is_directory))
		hd_overlay_accessed(session->overlay, ino, session->options.access_times == HD_ACCESS_STRICT);
}

bool hd_access_times_want_reads(
	const struct hd_fuse_session *session, hd_ino ino, int flags, bool is_directory)
{
	return !hd_dot_is_ours(ino) && are_kept(&session->options, flags, is_directory) &&
	       (flags & O_ACCMODE) != O_WRONLY &&
	       (session->options.access_times == HD_ACCESS_STRICT ||
		       hd_overlay_access_is_due(session->overlay, ino));
}
