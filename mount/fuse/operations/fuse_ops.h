/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_OPERATIONS_FUSE_OPS_H
#define HEDDLE_MOUNT_FUSE_OPERATIONS_FUSE_OPS_H

/*
 * The requests of a session: each handler unpacks, calls the overlay, and replies exactly once.
 *
 * Threads     Handlers run in request threads, several at a time. They hold no lock.
 */

#include "mount/fuse/session/fuse_session_types.h"

/* The table for a session with OPTIONS. */
void hd_fuse_ops_fill(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ret_ops);

/* Rows of the table, by file. */
void hd_fuse_ops_fill_names(struct fuse_lowlevel_ops *ops);
void hd_fuse_ops_fill_attributes(struct fuse_lowlevel_ops *ops);
void hd_fuse_ops_fill_files(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ops);
void hd_fuse_ops_fill_directories(const struct hd_mount_options *options, struct fuse_lowlevel_ops *ops);

#endif
