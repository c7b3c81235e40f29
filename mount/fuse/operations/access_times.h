/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_OPERATIONS_ACCESS_TIMES_H
#define HEDDLE_MOUNT_FUSE_OPERATIONS_ACCESS_TIMES_H

/*
 * What reading does to access times, by the mount's options (`access-times`, `directory-access-times`).
 *
 * The kernel moves none itself on FUSE (it sets S_NOATIME), and asks for the attributes again after each READ, READDIR and
 * READLINK that it sent. So they move where these arrive, before the answer. What the kernel answers from its caches
 * moves none, unless OPEN, of which it is told with `open=tracked`, makes it drop what it has.
 *
 * FLAGS are those of the open file: with O_NOATIME nothing moves. Threads: any. Errors: none; a read does not fail of its
 * traces.
 */

#include "mount/fuse/session/fuse_session_types.h"

/* The request that is being served has read INO. */
void hd_access_times_read(struct hd_fuse_session *session, hd_ino ino, int flags, bool is_directory);

/* Is INO being opened by somebody whose reading would move its access time? */
bool hd_access_times_want_reads(
	const struct hd_fuse_session *session, hd_ino ino, int flags, bool is_directory);

#endif
