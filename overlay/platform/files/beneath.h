/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_BENEATH_H
#define HEDDLE_PLATFORM_FILES_BENEATH_H

/*
 * Opening what lies below a directory, and nothing else: no symbolic link is followed and no ".." is taken,
 * whoever changes the tree meanwhile. Mounts below the directory are entered.
 *
 * Threads     Any. Ownership: returned descriptors belong to the caller.
 * Errors      -ELOOP or -ENOTDIR where the path meets a symbolic link, -EXDEV where it would leave,
 *             -errno.
 */

/* openat2(2) with RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS (io). PATH "" is ROOT_FD itself. With O_PATH |
 * O_NOFOLLOW in FLAGS the last component may be a symbolic link, which is then what is opened. O_NOATIME, which is
 * the owner's and root's, is given up where it is refused. */
int hd_beneath_open(int root_fd, const char *path, int flags);

/* The same, one component at a time (io): where openat2 is missing or forbidden, and for paths beyond
 * PATH_MAX. */
int hd_beneath_walk(int root_fd, const char *path, int flags);

#endif
