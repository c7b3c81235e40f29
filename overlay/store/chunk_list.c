/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/chunk_list.h"

#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/store/object_store_types.h"

/*
 * A list is read piecewise like any object: the header, then the ids that a range needs. Up to 1 MiB of list
 * (50 GiB of content) that is a copy out of the cache; beyond, a pread.
 */

#define CHUNK_LIST_MAGIC "HDCL"
#define CHUNK_LIST_VERSION 1

static int malformed(const struct hd_object_id *list, const char *problem)
{
	char path[HD_OBJECT_PATH_SIZE];

	return hd_fail(HD_E_OBJECT_CORRUPT, "chunk list %s: %s", hd_object_id_path(list, path), problem);
}

uint64_t hd_chunk_count(uint64_t total)
{
	return total / HD_CHUNK_SIZE + (total % HD_CHUNK_SIZE != 0);
}

void hd_chunk_list_put_header(struct hd_buffer *out, uint64_t total)
{
	hd_buffer_put(out, CHUNK_LIST_MAGIC, 4);
	hd_buffer_put_u16(out, CHUNK_LIST_VERSION);
	hd_buffer_put_u16(out, 0);
	hd_buffer_put_u64(out, total);
	hd_buffer_put_u32(out, HD_CHUNK_SIZE);
	hd_buffer_put_u32(out, (uint32_t)hd_chunk_count(total));
}

int hd_chunk_list_total(struct hd_object_store *store, const struct hd_object_id *list, uint64_t *ret_total)
{
	uint8_t header[HD_CHUNK_LIST_HEADER_SIZE];
	struct hd_reader reader;
	uint64_t object_size, total;
	const void *magic;
	size_t got = 0;
	uint32_t count;
	int r;

	r = hd_object_read(store, list, header, sizeof(header), 0, &got, &object_size);
	if (r < 0)
		return r;
	hd_reader_init(&reader, header, got);
	magic = hd_reader_bytes(&reader, 4);
	if (got != sizeof(header) || memcmp(magic, CHUNK_LIST_MAGIC, 4) != 0)
		return malformed(list, "no header");
	if (hd_reader_u16(&reader) != CHUNK_LIST_VERSION || hd_reader_u16(&reader) != 0)
		return malformed(list, "unknown version");
	total = hd_reader_u64(&reader);
	if (total <= HD_CHUNK_SIZE || total > HD_CHUNK_LIST_TOTAL_LIMIT)
		return malformed(list, "its content is too small or too large for a list");
	if (hd_reader_u32(&reader) != HD_CHUNK_SIZE)
		return malformed(list, "unknown size of chunks");
	count = hd_reader_u32(&reader);
	if (count != hd_chunk_count(total) ||
		object_size != HD_CHUNK_LIST_HEADER_SIZE + (uint64_t)count * HD_OBJECT_ID_BYTES)
		return malformed(list, "its length is wrong");
	*ret_total = total;
	return 0;
}

static int read_id(struct hd_object_store *store, const struct hd_object_id *list, uint64_t index,
	struct hd_object_id *ret_id)
{
	uint8_t bytes[HD_OBJECT_ID_BYTES];
	uint64_t object_size;
	size_t got = 0;
	int r;

	r = hd_object_read(store, list, bytes, sizeof(bytes),
		HD_CHUNK_LIST_HEADER_SIZE + index * HD_OBJECT_ID_BYTES, &got, &object_size);
	if (r < 0)
		return r;
	if (got != sizeof(bytes))
		return malformed(list, "an id is cut off");
	hd_object_id_from_bytes(bytes, ret_id);
	return 0;
}

int hd_chunk_list_full_chunk(struct hd_object_store *store, const struct hd_object_id *list, uint64_t index,
	struct hd_object_id *ret_id)
{
	uint64_t total = 0;
	int r;

	r = hd_chunk_list_total(store, list, &total);
	if (r < 0)
		return r;
	if (index >= total / HD_CHUNK_SIZE)
		return -ENOENT;
	return read_id(store, list, index, ret_id);
}

/* The part of the range that lies in one chunk. */
static int read_chunk(struct hd_object_store *store, const struct hd_object_id *list, uint64_t total,
	uint64_t offset, void *buffer, size_t size)
{
	uint64_t index = offset / HD_CHUNK_SIZE;
	uint64_t left = total - index * HD_CHUNK_SIZE;
	uint64_t expected = left < HD_CHUNK_SIZE ? left : HD_CHUNK_SIZE;
	struct hd_object_id chunk;
	uint64_t chunk_size = 0;
	size_t got = 0;
	int r;

	r = read_id(store, list, index, &chunk);
	if (r == 0)
		r = hd_object_read(store, &chunk, buffer, size, offset % HD_CHUNK_SIZE, &got, &chunk_size);
	if (r < 0)
		return r;
	if (chunk_size != expected || got != size)
		return malformed(list, "a chunk has the wrong length");
	return 0;
}

int hd_chunk_list_read(struct hd_object_store *store, const struct hd_object_id *list, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	size_t done = 0;
	uint64_t total = 0;
	int r;

	r = hd_chunk_list_total(store, list, &total);
	if (r < 0)
		return r;
	if (offset >= total)
		size = 0;
	else if (size > total - offset)
		size = (size_t)(total - offset);
	while (done < size) {
		size_t room = HD_CHUNK_SIZE - (size_t)((offset + done) % HD_CHUNK_SIZE);
		size_t part = size - done < room ? size - done : room;

		r = read_chunk(store, list, total, offset + done, (uint8_t *)buffer + done, part);
		if (r < 0)
			return r;
		done += part;
	}
	*ret_size = done;
	return 0;
}
