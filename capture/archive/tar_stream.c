/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/tar_stream.h"

#include <archive.h>
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/threads/work.h"

/*
 * Two archives of libarchive, one in the other: the outer one undoes the compression and has no format, the inner one has
 * the format and reads from the outer one.
 *
 * libarchive takes an archive that ends at the end of an entry for a whole one. POSIX has two blocks of zeros there, and
 * who writes archives writes at least one; so where there is none, the archive was cut off.
 */

#define PIECE (1u << 18)
#define BLOCK 512u
/* One compression, and libarchive's own at the bottom. Who compresses more often has a bomb in mind. */
#define MOST_FILTERS 2
#define FOREIGN_NAME "can't be converted"

struct hd_tar_stream {
	struct hd_tar_source source;   /* borrowed */
	struct archive *outer, *inner; /* owned */
	uint64_t max_bytes;
	uint64_t bytes; /* that the inner archive got */
	bool at_end;    /* the inner archive got all there are */
	int failure;    /* of a callback: what libarchive is told is only that there is one */
	char *piece;    /* owned, PIECE bytes */
	locale_t locale, before;
};

static la_ssize_t read_source(struct archive *archive, void *payload, const void **ret_bytes)
{
	struct hd_tar_stream *stream = payload;
	size_t size = 0;

	stream->failure = hd_work_advance(0);
	if (stream->failure == 0 && stream->source.fd >= 0) {
		stream->failure = hd_descriptor_read(stream->source.fd, stream->piece, PIECE, &size);
		*ret_bytes = stream->piece;
	} else if (stream->failure == 0) {
		*ret_bytes = stream->source.bytes;
		size = stream->source.size;
		stream->source.size = 0;
	}
	if (stream->failure < 0) {
		archive_set_error(archive, -stream->failure, "%s", "the archive cannot be read");
		return -1;
	}
	return (la_ssize_t)size;
}

static int fail_with(struct hd_tar_stream *stream, struct archive *archive)
{
	const char *words = archive_error_string(archive);

	if (stream->failure < 0)
		return stream->failure;
	return hd_fail(EINVAL, "%s", words ? words : "the archive is damaged");
}

static int count_bytes(struct hd_tar_stream *stream, size_t size)
{
	stream->bytes += size;
	if (stream->max_bytes > 0 && stream->bytes > stream->max_bytes)
		return hd_fail(EFBIG, "the archive has more than %llu MiB; --max-size sets the limit",
			(unsigned long long)(stream->max_bytes >> 20));
	return 0;
}

/* A piece of the uncompressed archive: its size, 0 at the end. */
static la_ssize_t read_outer(struct hd_tar_stream *stream, const void **ret_bytes)
{
	la_int64_t offset;
	size_t size = 0;
	int r;

	do {
		r = archive_read_data_block(stream->outer, ret_bytes, &size, &offset);
	} while (r == ARCHIVE_OK && size == 0);
	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK) {
		stream->failure = fail_with(stream, stream->outer);
		return -1;
	}
	stream->failure = count_bytes(stream, size);
	return stream->failure < 0 ? -1 : (la_ssize_t)size;
}

static la_ssize_t read_inner(struct archive *archive, void *payload, const void **ret_bytes)
{
	struct hd_tar_stream *stream = payload;
	la_ssize_t size = stream->at_end ? 0 : read_outer(stream, ret_bytes);

	if (size < 0)
		archive_set_error(archive, EIO, "%s", "the archive cannot be read");
	stream->at_end = stream->at_end || size == 0;
	return size;
}

static int open_outer(struct hd_tar_stream *stream)
{
	struct archive *outer = stream->outer;
	struct archive_entry *entry;
	int r;

	(void)archive_read_support_filter_gzip(outer);
	(void)archive_read_support_filter_zstd(outer);
	(void)archive_read_support_filter_xz(outer);
	(void)archive_read_support_filter_bzip2(outer);
	if (archive_read_support_format_raw(outer) != ARCHIVE_OK)
		return fail_with(stream, outer);
	if (archive_read_open(outer, stream, NULL, read_source, NULL) != ARCHIVE_OK)
		return fail_with(stream, outer);
	if (archive_filter_count(outer) > MOST_FILTERS)
		return hd_fail(EINVAL, "the archive is compressed more than once");
	r = archive_read_next_header(outer, &entry);
	if (r == ARCHIVE_EOF)
		return hd_fail(EINVAL, "the archive is empty");
	return r == ARCHIVE_OK ? 0 : fail_with(stream, outer);
}

static int open_inner(struct hd_tar_stream *stream)
{
	struct archive *inner = stream->inner;

	if (archive_read_support_format_tar(inner) != ARCHIVE_OK ||
		archive_read_open(inner, stream, NULL, read_inner, NULL) != ARCHIVE_OK)
		return fail_with(stream, inner);
	return 0;
}

int hd_tar_stream_open(
	const struct hd_tar_source *source, uint64_t max_bytes, struct hd_tar_stream **ret_stream)
{
	struct hd_tar_stream *stream = calloc(1, sizeof(*stream));
	int r;

	if (!stream)
		return -ENOMEM;
	stream->source = *source;
	stream->max_bytes = max_bytes;
	stream->piece = malloc(PIECE);
	stream->outer = archive_read_new();
	stream->inner = archive_read_new();
	stream->locale = newlocale(LC_CTYPE_MASK, "C", (locale_t)0);
	if (stream->locale)
		stream->before = uselocale(stream->locale);
	r = stream->piece && stream->outer && stream->inner && stream->locale ? open_outer(stream) : -ENOMEM;
	if (r == 0)
		r = open_inner(stream);
	if (r < 0) {
		hd_tar_stream_close(stream);
		return r;
	}
	*ret_stream = stream;
	return 0;
}

void hd_tar_stream_close(struct hd_tar_stream *stream)
{
	if (!stream)
		return;
	if (stream->inner)
		(void)archive_read_free(stream->inner);
	if (stream->outer)
		(void)archive_read_free(stream->outer);
	if (stream->locale) {
		(void)uselocale(stream->before);
		freelocale(stream->locale);
	}
	free(stream->piece);
	free(stream);
}

uint64_t hd_tar_stream_bytes(const struct hd_tar_stream *stream)
{
	return stream->bytes;
}

/* After the last entry: is the end marked, and is what comes then whole, with the compression's own checks? */
static int check_end(struct hd_tar_stream *stream, uint64_t entries_end)
{
	const void *bytes;
	la_ssize_t size = 1;

	if (stream->at_end && stream->bytes < (entries_end + BLOCK - 1) / BLOCK * BLOCK + BLOCK)
		return hd_fail(EINVAL, "the archive is cut off: its end is not marked");
	while (size > 0 && !stream->at_end)
		size = read_outer(stream, &bytes);
	return size < 0 ? stream->failure : 0;
}

int hd_tar_stream_next(struct hd_tar_stream *stream, struct archive_entry **ret_entry)
{
	uint64_t entries_end = (uint64_t)archive_filter_bytes(stream->inner, 0);
	int r = archive_read_next_header(stream->inner, ret_entry);
	const char *words;

	if (r == ARCHIVE_EOF)
		return check_end(stream, entries_end);
	if (r == ARCHIVE_OK)
		return 1;
	words = archive_error_string(stream->inner);
	/* The names are what they are: no conversion is wanted. Every other warning is of something that got lost. */
	if (r == ARCHIVE_WARN && words && strstr(words, FOREIGN_NAME))
		return 1;
	return fail_with(stream, stream->inner);
}

int hd_tar_stream_data(
	struct hd_tar_stream *stream, const void **ret_bytes, size_t *ret_size, uint64_t *ret_offset)
{
	la_int64_t offset = 0;
	int r = archive_read_data_block(stream->inner, ret_bytes, ret_size, &offset);

	if (r == ARCHIVE_EOF)
		return 0;
	if (r != ARCHIVE_OK || offset < 0)
		return fail_with(stream, stream->inner);
	*ret_offset = (uint64_t)offset;
	return 1;
}
