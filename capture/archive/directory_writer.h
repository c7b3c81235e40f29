/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_DIRECTORY_WRITER_H
#define HEDDLE_CAPTURE_ARCHIVE_DIRECTORY_WRITER_H

/*
 * Directory writer: entries of a state as files below an open directory, with owners, permissions, ACLs, extended attributes,
 * times to the nanosecond, hard links, holes, devices, FIFOs and sockets.
 *
 * Every name is made anew, in a directory that was reached from the root without following a link or "..": whoever changes
 * the tree meanwhile, nothing is written elsewhere, and nothing that is there is written to.
 *
 * What this process may not do is counted and left: an owner (then without set-user-id and set-group-id bits), a device, an
 * extended attribute. All else is a failure.
 *
 * Calling sequence
 *     hd_directory_writer_new → _put, and _leave of each directory after all in it → _finish → _free
 *
 * Ownership   Bases and descriptor are borrowed. Threads: one.
 * Durability  None. Errors: those of bases, -errno, -HD_E_INTERRUPTED.
 */

#include "overlay/bases/base.h"
#include "overlay/snapshot.h"

struct hd_directory_writer;

struct hd_directory_writer_result {
	uint64_t entries;    /* written */
	uint64_t bytes;      /* of files, without holes */
	uint64_t owners;     /* names that belong to somebody else than in the state */
	uint64_t devices;    /* left out */
	uint64_t attributes; /* left out */
};

/* Below ROOT_FD, which is open for reading, and empty. */
int hd_directory_writer_new(struct hd_base_set *bases, int root_fd, struct hd_directory_writer **ret_writer);
void hd_directory_writer_free(struct hd_directory_writer *writer);

/* NODE under PATH, "." for the root; LINK_TO is the path of an entry before it that is the same file, or NULL. */
int hd_directory_writer_put(struct hd_directory_writer *writer, const char *path,
	const struct hd_snapshot_node *node, const char *link_to);
/* The directory PATH is complete: what it has besides entries, which would be in the way before, or change. */
int hd_directory_writer_leave(
	struct hd_directory_writer *writer, const char *path, const struct hd_snapshot_node *node);
/* After the root was left. */
int hd_directory_writer_finish(struct hd_directory_writer *writer);

/* So far. */
void hd_directory_writer_result(
	const struct hd_directory_writer *writer, struct hd_directory_writer_result *ret_result);

#endif
