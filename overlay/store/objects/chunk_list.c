/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/chunk_list.h"

#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * A list is read piecewise like any object: the header, then the runs that a range needs. Up to 1 MiB of list
 * (36 GiB of content without a repetition) that is a copy out of the cache; beyond, a pread.
 *
 * Runs are found by halving, but for a list in which every chunk is a run of its own, where the index says it.
 */

#define CHUNK_LIST_MAGIC "HDCL"
#define CHUNK_LIST_VERSION 2
#define COUNT_OFFSET 20u

struct header {
	uint64_t total;
	uint32_t runs;
};

static const uint8_t hole_id[HD_OBJECT_ID_BYTES];

static int malformed(const struct hd_object_id *list, const char *problem)
{
	char path[HD_OBJECT_PATH_SIZE];

	return hd_fail(HD_E_OBJECT_CORRUPT, "chunk list %s: %s", hd_object_id_path(list, path), problem);
}

uint64_t hd_chunk_count(uint64_t total)
{
	return total / HD_CHUNK_SIZE + (total % HD_CHUNK_SIZE != 0);
}

void hd_chunk_list_put_header(struct hd_buffer *out, uint64_t total, uint32_t runs)
{
	hd_buffer_put(out, CHUNK_LIST_MAGIC, 4);
	hd_buffer_put_u16(out, CHUNK_LIST_VERSION);
	hd_buffer_put_u16(out, 0);
	hd_buffer_put_u64(out, total);
	hd_buffer_put_u32(out, HD_CHUNK_SIZE);
	hd_buffer_put_u32(out, runs);
}

void hd_chunk_list_put_run(struct hd_buffer *out, uint64_t end, const uint8_t *id)
{
	hd_buffer_put_u64(out, end);
	hd_buffer_put(out, id ? id : hole_id, HD_OBJECT_ID_BYTES);
}

static void parse_run(const uint8_t bytes[HD_CHUNK_RUN_SIZE], struct hd_chunk_run *ret_run)
{
	struct hd_reader reader;

	hd_reader_init(&reader, bytes, HD_CHUNK_RUN_SIZE);
	ret_run->end = hd_reader_u64(&reader);
	ret_run->is_hole = memcmp(bytes + sizeof(uint64_t), hole_id, sizeof(hole_id)) == 0;
	hd_object_id_from_bytes(bytes + sizeof(uint64_t), &ret_run->id);
}

int hd_chunk_list_decode(
	const void *data, size_t size, hd_chunk_run_emit emit, void *payload, uint64_t *ret_total)
{
	const uint8_t *bytes = data;
	struct hd_chunk_run run = {0};
	struct hd_reader reader;
	uint64_t total;
	uint32_t runs;
	int r = 0;

	hd_reader_init(&reader, data, size);
	if (size < HD_CHUNK_LIST_HEADER_SIZE || memcmp(hd_reader_bytes(&reader, 4), CHUNK_LIST_MAGIC, 4) != 0)
		return -HD_E_OBJECT_CORRUPT;
	if (hd_reader_u16(&reader) != CHUNK_LIST_VERSION || hd_reader_u16(&reader) != 0)
		return -HD_E_OBJECT_CORRUPT;
	total = hd_reader_u64(&reader);
	if (total <= HD_CHUNK_SIZE || total > HD_CHUNK_LIST_TOTAL_LIMIT ||
		hd_reader_u32(&reader) != HD_CHUNK_SIZE)
		return -HD_E_OBJECT_CORRUPT;
	runs = hd_reader_u32(&reader);
	if (runs == 0 || size != HD_CHUNK_LIST_HEADER_SIZE + (uint64_t)runs * HD_CHUNK_RUN_SIZE)
		return -HD_E_OBJECT_CORRUPT;
	for (uint32_t i = 0; r == 0 && i < runs; i++) {
		const uint8_t *at = bytes + HD_CHUNK_LIST_HEADER_SIZE + (size_t)i * HD_CHUNK_RUN_SIZE;

		run.first = run.end;
		parse_run(at, &run);
		if (run.end <= run.first || run.end > hd_chunk_count(total) ||
			(i > 0 && memcmp(at + 8, at + 8 - HD_CHUNK_RUN_SIZE, HD_OBJECT_ID_BYTES) == 0))
			return -HD_E_OBJECT_CORRUPT;
		r = emit ? emit(&run, payload) : 0;
	}
	if (r == 0 && run.end != hd_chunk_count(total))
		return -HD_E_OBJECT_CORRUPT;
	*ret_total = total;
	return r;
}

/* Bytes [offset, offset + SIZE) of the list itself. */
static int read_list(struct hd_object_store *store, const struct hd_object_id *list, void *bytes, size_t size,
	uint64_t offset, uint64_t *ret_object_size)
{
	size_t got = 0;
	int r = hd_object_read(store, list, bytes, size, offset, &got, ret_object_size);

	return r == 0 && got != size ? malformed(list, "it is cut off") : r;
}

static int read_run(struct hd_object_store *store, const struct hd_object_id *list, uint32_t number,
	struct hd_chunk_run *ret_run)
{
	uint8_t bytes[2 * HD_CHUNK_RUN_SIZE] = {0};
	struct hd_chunk_run before = {0};
	uint64_t at = HD_CHUNK_LIST_HEADER_SIZE + (uint64_t)number * HD_CHUNK_RUN_SIZE, object_size;
	int r = number == 0
			? read_list(
				  store, list, bytes + HD_CHUNK_RUN_SIZE, HD_CHUNK_RUN_SIZE, at, &object_size)
			: read_list(store, list, bytes, sizeof(bytes), at - HD_CHUNK_RUN_SIZE, &object_size);

	if (r < 0)
		return r;
	parse_run(bytes, &before);
	parse_run(bytes + HD_CHUNK_RUN_SIZE, ret_run);
	ret_run->first = number == 0 ? 0 : before.end;
	return ret_run->end > ret_run->first ? 0 : malformed(list, "its runs do not ascend");
}

static int read_header(
	struct hd_object_store *store, const struct hd_object_id *list, struct header *ret_header)
{
	uint8_t bytes[HD_CHUNK_LIST_HEADER_SIZE];
	struct hd_chunk_run last;
	struct hd_reader reader;
	uint64_t object_size = 0;
	int r = read_list(store, list, bytes, sizeof(bytes), 0, &object_size);

	if (r < 0)
		return r;
	hd_reader_init(&reader, bytes, sizeof(bytes));
	if (memcmp(hd_reader_bytes(&reader, 4), CHUNK_LIST_MAGIC, 4) != 0)
		return malformed(list, "no header");
	if (hd_reader_u16(&reader) != CHUNK_LIST_VERSION || hd_reader_u16(&reader) != 0)
		return malformed(list, "unknown version");
	ret_header->total = hd_reader_u64(&reader);
	if (ret_header->total <= HD_CHUNK_SIZE || ret_header->total > HD_CHUNK_LIST_TOTAL_LIMIT)
		return malformed(list, "its content is too small or too large for a list");
	if (hd_reader_u32(&reader) != HD_CHUNK_SIZE)
		return malformed(list, "unknown size of chunks");
	ret_header->runs = hd_reader_u32(&reader);
	if (ret_header->runs == 0 ||
		object_size != HD_CHUNK_LIST_HEADER_SIZE + (uint64_t)ret_header->runs * HD_CHUNK_RUN_SIZE)
		return malformed(list, "its length is wrong");
	r = read_run(store, list, ret_header->runs - 1, &last);
	if (r == 0 && last.end != hd_chunk_count(ret_header->total))
		return malformed(list, "its runs do not add up");
	return r;
}

int hd_chunk_list_total(struct hd_object_store *store, const struct hd_object_id *list, uint64_t *ret_total)
{
	struct header header = {0};
	int r = read_header(store, list, &header);

	if (r == 0)
		*ret_total = header.total;
	return r;
}

/* INDEX is below the number of chunks. */
static int find_run(struct hd_object_store *store, const struct hd_object_id *list,
	const struct header *header, uint64_t index, struct hd_chunk_run *ret_run)
{
	uint32_t low = 0, high = header->runs;

	if (header->runs == hd_chunk_count(header->total))
		low = (uint32_t)index;
	while (low < high) {
		uint32_t middle =
			header->runs == hd_chunk_count(header->total) ? low : low + (high - low) / 2;
		int r = read_run(store, list, middle, ret_run);

		if (r < 0)
			return r;
		if (index < ret_run->first)
			high = middle;
		else if (index >= ret_run->end)
			low = middle + 1;
		else
			return 0;
	}
	return malformed(list, "a chunk is in no run");
}

int hd_chunk_list_run(struct hd_object_store *store, const struct hd_object_id *list, uint64_t index,
	struct hd_chunk_run *ret_run, uint64_t *ret_total)
{
	struct header header;
	int r = read_header(store, list, &header);

	if (r < 0)
		return r;
	if (index >= hd_chunk_count(header.total))
		return -ENOENT;
	*ret_total = header.total;
	return find_run(store, list, &header, index, ret_run);
}

/* The part of the range that lies in one chunk. */
static int read_chunk(struct hd_object_store *store, const struct hd_object_id *list,
	const struct header *header, struct hd_chunk_run *run, uint64_t offset, void *buffer, size_t size)
{
	uint64_t index = offset / HD_CHUNK_SIZE;
	uint64_t left = header->total - index * HD_CHUNK_SIZE;
	uint64_t expected = left < HD_CHUNK_SIZE ? left : HD_CHUNK_SIZE;
	uint64_t chunk_size = 0;
	size_t got = 0;
	int r = 0;

	if (index < run->first || index >= run->end)
		r = find_run(store, list, header, index, run);
	if (r == 0 && run->is_hole) {
		memset(buffer, 0, size);
		return 0;
	}
	if (r == 0)
		r = hd_object_read(store, &run->id, buffer, size, offset % HD_CHUNK_SIZE, &got, &chunk_size);
	if (r < 0)
		return r;
	if (chunk_size != expected || got != size)
		return malformed(list, "a chunk has the wrong length");
	return 0;
}

int hd_chunk_list_read(struct hd_object_store *store, const struct hd_object_id *list, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	struct hd_chunk_run run = {0};
	struct header header;
	size_t done = 0;
	int r;

	r = read_header(store, list, &header);
	if (r < 0)
		return r;
	if (offset >= header.total)
		size = 0;
	else if (size > header.total - offset)
		size = (size_t)(header.total - offset);
	while (done < size) {
		size_t room = HD_CHUNK_SIZE - (size_t)((offset + done) % HD_CHUNK_SIZE);
		size_t part = size - done < room ? size - done : room;

		r = read_chunk(store, list, &header, &run, offset + done, (uint8_t *)buffer + done, part);
		if (r < 0)
			return r;
		done += part;
	}
	*ret_size = done;
	return 0;
}
