/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_FUSE_REPLY_H
#define HEDDLE_MOUNT_FUSE_FUSE_REPLY_H

/*
 * Replies: the one place where results become what the kernel reads, and codes become errno.
 *
 * Every function takes the result R of the call that was made: negative, and the failure is counted and
 * answered; else the values are. Each consumes the request. If the kernel does not take a reply because the
 * program that asked is gone, the references that the reply would have carried are given back to the overlay
 * here; an answer that the device does not take becomes EIO, likewise (fuse_answer.h).
 *
 * Threads     Any thread, once per request.
 */

#include "mount/fuse/session/fuse_session_types.h"

void hd_reply_status(fuse_req_t req, int r);
/* Of request UNIQUE, which the calling thread did not read. */
void hd_reply_sync(fuse_req_t req, uint64_t unique, int r);
/* ENOSYS: the kernel need not send requests of this kind; not a failure. */
void hd_reply_unwanted(fuse_req_t req);
/* A new or found entry: carries one lookup. */
void hd_reply_entry(fuse_req_t req, int r, const struct hd_attributes *attributes);
/* The same for LOOKUP, where "there is none" is worth remembering. */
void hd_reply_lookup(fuse_req_t req, int r, const struct hd_attributes *attributes);
/* Carries one lookup and, with OPENED, one open. */
void hd_reply_create(fuse_req_t req, int r, const struct hd_attributes *attributes,
	const struct fuse_file_info *file, bool opened);
/* Carries one open. */
void hd_reply_open(fuse_req_t req, int r, hd_ino ino, const struct fuse_file_info *file);
void hd_reply_attributes(fuse_req_t req, int r, const struct hd_attributes *attributes);
void hd_reply_data(fuse_req_t req, int r, const void *data, size_t size);
/* The entries of READDIRPLUS: each but "." and ".." carries one lookup. */
void hd_reply_entries_plus(fuse_req_t req, const void *data, size_t size);
/* Gives back the lookups that the entries of LISTING, such a reply of SIZE bytes, would have carried. */
void hd_reply_forget_entries(struct hd_overlay *overlay, const void *listing, size_t size);
void hd_reply_written(fuse_req_t req, int r, size_t size);
/* An attribute's or list's size, or with ASKED_SIZE > 0 its bytes. */
void hd_reply_xattr(fuse_req_t req, int r, size_t asked_size, const void *data, size_t size);
void hd_reply_offset(fuse_req_t req, int r, uint64_t offset);
void hd_reply_space(fuse_req_t req, int r, const struct hd_overlay_space *space);

/* What stat(2) shows: ->number as the inode number, never the id, and the owner that this mount shows. */
void hd_attributes_to_stat(
	const struct hd_fuse_session *session, const struct hd_attributes *attributes, struct stat *ret_stat);

#endif
