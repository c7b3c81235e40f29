/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/packs/pack_writer.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sha1.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "capture/git/big_endian.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/hex.h"

/*
 * pack:   "PACK", version 2, number of objects; {type and size, zlib stream} each; SHA-1 of all that
 * index:  "\377tOc", version 2, 256 x number of ids that begin with a byte up to this; ids in order; CRC-32s; offsets,
 *         those from 2^31 on as places in a table of 8-byte ones behind; SHA-1 of the pack; SHA-1 of all that
 *
 * How many objects there are stands at the pack's beginning, and is known at its end: the sum is made in a second pass, over
 * pages that the cache has.
 */

#define PACK_MODE 0444
/* What has a name from its beginning has one that git knows to be nobody's after a while. */
#define TEMPORARY_PREFIX "tmp_pack_"
#define PACK_HEADER_SIZE 12
#define VERSION 2
#define FLUSH_SIZE ((size_t)1 << 20)
#define OFFSET_LIMIT ((uint64_t)1 << 31)
#define PATH_FORMAT "%s/objects/pack"
#define ENTRY_HEADER_LIMIT 10
/* Of zlib, whose default is 8: most objects are small, and zlib clears a table for each of them. */
#define MEMORY_LEVEL 6

/* One for all objects: zlib allocates and clears a quarter of a mebibyte for each. */
static z_stream *make_stream(void)
{
	z_stream *stream = calloc(1, sizeof(*stream));

	if (stream && deflateInit2(stream, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS, MEMORY_LEVEL,
			      Z_DEFAULT_STRATEGY) == Z_OK)
		return stream;
	free(stream);
	return NULL;
}

int hd_pack_writer_begin(const char *location, struct hd_pack_writer *ret_writer)
{
	static const uint8_t header[PACK_HEADER_SIZE];
	struct hd_pack_writer writer = {.directory_fd = -1, .file = {.fd = -1}};
	HD_AUTO_FREE char *path = NULL;
	int r;

	if (asprintf(&path, PATH_FORMAT, location) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	writer.stream = make_stream();
	r = writer.stream ? hd_directory_make(AT_FDCWD, path, 0777) : -ENOMEM;
	if (r >= 0)
		r = writer.directory_fd = hd_directory_open(AT_FDCWD, path);
	if (r >= 0)
		r = hd_file_atomic_begin_as(writer.directory_fd, PACK_MODE, TEMPORARY_PREFIX, &writer.file);
	if (r < 0) {
		hd_pack_writer_abort(&writer);
		return r;
	}
	hd_buffer_put(&writer.waiting, header, sizeof(header));
	*ret_writer = writer;
	return 0;
}

void hd_pack_writer_abort(struct hd_pack_writer *writer)
{
	hd_file_atomic_abort(&writer->file);
	hd_buffer_clear(&writer->waiting);
	if (writer->stream)
		(void)deflateEnd(writer->stream);
	free(writer->stream);
	hd_descriptor_close(&writer->directory_fd);
	*writer = (struct hd_pack_writer){.directory_fd = -1, .file = {.fd = -1}};
}

static int flush(struct hd_pack_writer *writer)
{
	int r = hd_buffer_status(&writer->waiting);

	if (r >= 0)
		r = hd_file_write_at(
			writer->file.fd, writer->waiting.data, writer->waiting.size, writer->written);
	if (r < 0)
		return r;
	writer->written += writer->waiting.size;
	hd_buffer_reset(&writer->waiting);
	return 0;
}

/* Type and the lowest 4 bits of the size, then 7 bits each; a set 8th one says that more follow. */
static void put_entry_header(struct hd_buffer *out, unsigned type, uint64_t size)
{
	uint8_t byte = (uint8_t)(type << 4 | (size & 15));

	for (size >>= 4; size > 0; size >>= 7) {
		hd_buffer_put_u8(out, byte | 0x80);
		byte = size & 0x7f;
	}
	hd_buffer_put_u8(out, byte);
}

static int put_compressed(struct hd_pack_writer *writer, const void *data, size_t size)
{
	struct hd_buffer *out = &writer->waiting;
	z_stream *stream = writer->stream;
	size_t before = out->size, room = deflateBound(stream, (uLong)size);
	uint8_t *to = hd_buffer_extend(out, room);

	if (!to)
		return -ENOMEM;
	if (size > UINT_MAX || room > UINT_MAX)
		return -EFBIG;
	stream->next_in = (Bytef *)(uintptr_t)data;
	stream->avail_in = (uInt)size;
	stream->next_out = to;
	stream->avail_out = (uInt)room;
	if (deflateReset(stream) != Z_OK || deflate(stream, Z_FINISH) != Z_STREAM_END)
		return -EIO;
	out->size = before + (room - stream->avail_out);
	return 0;
}

int hd_pack_writer_add(struct hd_pack_writer *writer, const void *data, struct hd_pack_entry *entry)
{
	struct hd_buffer *out = &writer->waiting;
	size_t before = out->size;
	int r;

	entry->offset = writer->written + before;
	put_entry_header(out, entry->type, entry->size);
	r = put_compressed(writer, data, entry->size);
	if (r < 0)
		return r;
	entry->sum = (uint32_t)crc32_z(crc32_z(0, NULL, 0), out->data + before, out->size - before);
	return out->size >= FLUSH_SIZE ? flush(writer) : 0;
}

/* ---- bytes of another pack ---- */

/* How far back the base begins, from its highest 7 bits on; each byte but the first stands for one more than it says. */
static void put_distance(struct hd_buffer *out, uint64_t distance)
{
	uint8_t bytes[ENTRY_HEADER_LIMIT];
	size_t at = sizeof(bytes) - 1;

	bytes[at] = distance & 0x7f;
	while (distance >>= 7)
		bytes[--at] = (uint8_t)(0x80 | (--distance & 0x7f));
	hd_buffer_put(out, bytes + at, sizeof(bytes) - at);
}

void hd_pack_writer_begin_packed(
	struct hd_pack_writer *writer, const struct hd_packed_header *header, struct hd_pack_entry *entry)
{
	struct hd_buffer *out = &writer->waiting;
	size_t before = out->size;

	entry->offset = writer->written + before;
	put_entry_header(out, header->type, header->size);
	if (header->type == HD_PACKED_DELTA)
		put_distance(out, entry->offset - header->base);
	entry->sum = (uint32_t)crc32_z(0, NULL, 0);
	if (hd_buffer_status(out) >= 0)
		entry->sum = (uint32_t)crc32_z(entry->sum, out->data + before, out->size - before);
}

int hd_pack_writer_add_packed(
	struct hd_pack_writer *writer, const void *data, size_t size, struct hd_pack_entry *entry)
{
	entry->sum = (uint32_t)crc32_z(entry->sum, data, size);
	hd_buffer_put(&writer->waiting, data, size);
	return writer->waiting.size >= FLUSH_SIZE ? flush(writer) : hd_buffer_status(&writer->waiting);
}

/* ---- reading back ---- */

/* DATA begins with the entry, and has others behind. */
static int inflate_entry(const uint8_t *data, size_t size, void *buffer, size_t expected)
{
	uLongf length = (uLongf)expected;
	size_t header = 0;
	uLong taken;
	Bytef empty;

	while (header < size && data[header++] & 0x80)
		;
	taken = (uLong)(size - header);
	if (uncompress2(expected ? buffer : &empty, &length, data + header, &taken) != Z_OK)
		return -EIO;
	return length == expected ? 0 : -EIO;
}

int hd_pack_writer_read(struct hd_pack_writer *writer, const struct hd_pack_entry *entry, void *buffer)
{
	size_t size = deflateBound(writer->stream, (uLong)entry->size) + ENTRY_HEADER_LIMIT;
	HD_AUTO_FREE uint8_t *block = NULL;
	int r;

	if (entry->offset >= writer->written)
		return inflate_entry(writer->waiting.data + (entry->offset - writer->written),
			writer->waiting.size - (size_t)(entry->offset - writer->written), buffer,
			entry->size);
	block = malloc(size);
	if (!block)
		return -ENOMEM;
	r = hd_file_read_at(writer->file.fd, block, size, entry->offset, &size);
	return r < 0 ? r : inflate_entry(block, size, buffer, entry->size);
}

/* ---- the end ---- */

static int compare_entries(const void *a, const void *b)
{
	const struct hd_pack_entry *left = a, *right = b;

	return memcmp(left->id.id, right->id.id, GIT_OID_RAWSZ);
}

/* Writes header and sum around the objects. */
static int seal_pack(struct hd_pack_writer *writer, size_t count, uint8_t sum[SHA1_DIGEST_LENGTH])
{
	HD_AUTO_BUFFER struct hd_buffer header = {0};
	HD_AUTO_FREE uint8_t *block = malloc(FLUSH_SIZE);
	uint64_t offset = 0;
	SHA1_CTX sha1;
	int r = block ? flush(writer) : -ENOMEM;

	if (r < 0)
		return r;
	hd_buffer_put_text(&header, "PACK");
	hd_put_be32(&header, VERSION);
	hd_put_be32(&header, (uint32_t)count);
	r = hd_buffer_status(&header);
	if (r >= 0)
		r = hd_file_write_at(writer->file.fd, header.data, header.size, 0);
	SHA1Init(&sha1);
	while (r >= 0 && offset < writer->written) {
		size_t size;

		r = hd_file_read_at(writer->file.fd, block, FLUSH_SIZE, offset, &size);
		if (r >= 0 && size == 0)
			r = -EIO;
		if (r >= 0)
			SHA1Update(&sha1, block, size);
		offset += r >= 0 ? size : 0;
	}
	if (r < 0)
		return r;
	SHA1Final(sum, &sha1);
	return hd_file_write_at(writer->file.fd, sum, SHA1_DIGEST_LENGTH, writer->written);
}

static void put_offsets(struct hd_buffer *out, const struct hd_pack_entry *entries, size_t count)
{
	uint32_t n_large = 0;

	for (size_t i = 0; i < count; i++)
		hd_put_be32(out, entries[i].offset < OFFSET_LIMIT ? (uint32_t)entries[i].offset
								  : (uint32_t)(OFFSET_LIMIT | n_large++));
	for (size_t i = 0; i < count && n_large > 0; i++) {
		if (entries[i].offset < OFFSET_LIMIT)
			continue;
		hd_put_be32(out, (uint32_t)(entries[i].offset >> 32));
		hd_put_be32(out, (uint32_t)entries[i].offset);
	}
}

static void put_index(struct hd_buffer *out, const struct hd_pack_entry *entries, size_t count,
	const uint8_t sum[SHA1_DIGEST_LENGTH])
{
	uint8_t own_sum[SHA1_DIGEST_LENGTH];
	SHA1_CTX sha1;
	size_t i = 0;

	hd_buffer_put(out, "\377tOc", 4);
	hd_put_be32(out, VERSION);
	for (unsigned first = 0; first < 256; first++) {
		while (i < count && entries[i].id.id[0] <= first)
			i++;
		hd_put_be32(out, (uint32_t)i);
	}
	for (i = 0; i < count; i++)
		hd_buffer_put(out, entries[i].id.id, GIT_OID_RAWSZ);
	for (i = 0; i < count; i++)
		hd_put_be32(out, entries[i].sum);
	put_offsets(out, entries, count);
	hd_buffer_put(out, sum, SHA1_DIGEST_LENGTH);
	if (hd_buffer_status(out) < 0)
		return;
	SHA1Init(&sha1);
	SHA1Update(&sha1, out->data, out->size);
	SHA1Final(own_sum, &sha1);
	hd_buffer_put(out, own_sum, sizeof(own_sum));
}

/* "pack-<sum>.<extension>"; one that is there has these very bytes. */
static int publish(struct hd_atomic_file *file, const uint8_t sum[SHA1_DIGEST_LENGTH], const char *extension)
{
	char name[sizeof("pack-.pack") + 2 * SHA1_DIGEST_LENGTH];
	char hex[2 * SHA1_DIGEST_LENGTH + 1];
	int r;

	hd_hex_format(sum, SHA1_DIGEST_LENGTH, hex);
	(void)snprintf(name, sizeof(name), "pack-%s.%s", hex, extension);
	r = hd_file_atomic_commit(file, name, false, true);
	return r == -EEXIST ? 0 : r;
}

static int write_index(
	struct hd_pack_writer *writer, const struct hd_buffer *index, const uint8_t sum[SHA1_DIGEST_LENGTH])
{
	struct hd_atomic_file pack = writer->file;
	int r = hd_file_atomic_begin_as(writer->directory_fd, PACK_MODE, TEMPORARY_PREFIX, &writer->file);

	if (r < 0)
		writer->file.fd = -1;
	if (r >= 0)
		r = hd_file_write_at(writer->file.fd, index->data, index->size, 0);
	/* The index makes the pack known, so it comes behind it. */
	if (r >= 0)
		r = publish(&pack, sum, "pack");
	if (r >= 0)
		r = publish(&writer->file, sum, "idx");
	hd_file_atomic_abort(&pack);
	return r < 0 ? r : hd_directory_sync(writer->directory_fd);
}

int hd_pack_writer_finish(struct hd_pack_writer *writer, struct hd_pack_entry *entries, size_t count)
{
	HD_AUTO_BUFFER struct hd_buffer index = {0};
	uint8_t sum[SHA1_DIGEST_LENGTH];
	int r = count > UINT32_MAX ? -EFBIG : seal_pack(writer, count, sum);

	if (r >= 0) {
		qsort(entries, count, sizeof(*entries), compare_entries);
		put_index(&index, entries, count, sum);
		r = hd_buffer_status(&index);
	}
	if (r >= 0)
		r = write_index(writer, &index, sum);
	hd_pack_writer_abort(writer);
	return r;
}
