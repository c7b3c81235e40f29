/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_OPERATIONS_XATTR_NAMES_H
#define HEDDLE_MOUNT_FUSE_OPERATIONS_XATTR_NAMES_H

/*
 * Which names of extended attributes there are: the kernel asks a FUSE filesystem for any name at all.
 *
 * Threads     Any; a pure function.
 */

/* 0, -EOPNOTSUPP for a name of no namespace, -EINVAL for a namespace without a name. Of `system.` there are the access
 * control lists alone. */
int hd_xattr_name_check(const char *name);

#endif
