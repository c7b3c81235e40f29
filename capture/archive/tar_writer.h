/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_TAR_WRITER_H
#define HEDDLE_CAPTURE_ARCHIVE_TAR_WRITER_H

/*
 * Tar writer: entries of a state as a pax archive that GNU tar, bsdtar and the importer of containers read: owners,
 * permissions, times to the nanosecond, ACLs, extended attributes, devices, hard links, holes. The same entries give the
 * same bytes.
 *
 * Calling sequence
 *     hd_tar_writer_new → hd_tar_writer_put ... → hd_tar_writer_finish → hd_tar_writer_free
 *
 * Ownership   Bases and descriptor are borrowed. Threads: one, whose character set is UTF-8 from _new to _free.
 * Errors      Those of the descriptor and of bases; EIO with libarchive's words; -EOPNOTSUPP for a socket.
 */

#include "overlay/bases/base.h"
#include "overlay/snapshot.h"

enum hd_archive_compression { HD_ARCHIVE_PLAIN, HD_ARCHIVE_GZIP, HD_ARCHIVE_ZSTD };

struct hd_tar_writer;

/* To where the stream FD is. */
int hd_tar_writer_new(struct hd_base_set *bases, int fd, enum hd_archive_compression compression,
	struct hd_tar_writer **ret_writer);

/* ACLs are extended attributes as well from now on: those who unpack images look at nothing else. */
void hd_tar_writer_repeat_lists(struct hd_tar_writer *writer);

/* NODE under PATH; LINK_TO is the path of an entry before it that is the same file, or NULL. */
int hd_tar_writer_put(struct hd_tar_writer *writer, const char *path, const struct hd_snapshot_node *node,
	const char *link_to);

/* A regular file without bytes that nobody owns: a mark for who reads the archive. */
int hd_tar_writer_put_mark(struct hd_tar_writer *writer, const char *path);

/* Writes the end of the archive; what it has taken, in bytes, into *RET_SIZE. */
int hd_tar_writer_finish(struct hd_tar_writer *writer, uint64_t *ret_size);
void hd_tar_writer_free(struct hd_tar_writer *writer);

#endif
