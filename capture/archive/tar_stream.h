/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_TAR_STREAM_H
#define HEDDLE_CAPTURE_ARCHIVE_TAR_STREAM_H

/*
 * Tar stream: the entries of an archive that comes from a descriptor or from memory, which may be compressed by gzip, zstd,
 * xz or bzip2, as libarchive reads them. Bytes are counted between the decompression and the format, so that an archive
 * that grows too large is noticed, and one that ends too early.
 *
 * Calling sequence
 *     hd_tar_stream_open → hd_tar_stream_next → [hd_tar_stream_data ...] ... → hd_tar_stream_close
 *
 * Ownership   Descriptor or bytes are borrowed. Entries live until the next call.
 * Threads     One, whose character set is ASCII from _open to _close: of a UTF-8 one libarchive composes names.
 * Errors      -EINVAL for what is no archive, is damaged or cut off, with libarchive's words; -EFBIG beyond the limit;
 *             -errno of the descriptor; -HD_E_INTERRUPTED.
 */

#include <archive_entry.h>
#include <stddef.h>
#include <stdint.h>

struct hd_tar_source {
	int fd; /* -1: the bytes */
	const void *bytes;
	size_t size;
};

struct hd_tar_stream;

/* MAX_BYTES, 0 for no limit, of the archive when it is not compressed. */
int hd_tar_stream_open(
	const struct hd_tar_source *source, uint64_t max_bytes, struct hd_tar_stream **ret_stream);
void hd_tar_stream_close(struct hd_tar_stream *stream);

/* 1 with the next entry, 0 at the archive's end, when all of it was read. */
int hd_tar_stream_next(struct hd_tar_stream *stream, struct archive_entry **ret_entry);
/* 1 with a piece of the entry's data and its place, in order; 0 at the end. What lies between pieces is zeros. */
int hd_tar_stream_data(
	struct hd_tar_stream *stream, const void **ret_bytes, size_t *ret_size, uint64_t *ret_offset);

/* Of the archive when it is not compressed, so far. */
uint64_t hd_tar_stream_bytes(const struct hd_tar_stream *stream);

#endif
