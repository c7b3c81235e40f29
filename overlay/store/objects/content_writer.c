/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/chunk_list.h"
#include "overlay/store/objects/content_extent.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * The content writer: at most one chunk in memory, whatever the size of the file.
 *
 * The form depends on the total alone and the cuts lie at multiples of HD_CHUNK_SIZE: equal bytes get equal
 * references, however they were appended and whatever was reused. The first failure latches, so that finish
 * cannot make a content of what came through.
 */

struct hd_content_writer {
	struct hd_object_store *store; /* borrowed */
	struct hd_object_batch *batch; /* borrowed; NULL: each object is put by itself */
	uint64_t total;
	uint64_t position; /* bytes taken so far */
	uint8_t *chunk;    /* owned; the chunk being filled */
	size_t chunk_used;
	struct hd_buffer runs;            /* before the last one */
	uint32_t n_runs;                  /* in `runs` */
	uint8_t last[HD_OBJECT_ID_BYTES]; /* the last run's id, zeros for a hole; of a single chunk, its id */
	uint64_t chunks;                  /* so far, the last run included */
	uint64_t data_bytes;              /* in blocks that are not zeros, as far as anybody looked */
	int status;                       /* the first failure */
};

static const uint8_t hole_id[HD_OBJECT_ID_BYTES];
static const uint8_t zeros[HD_CHUNK_SIZE];

static size_t chunk_capacity(const struct hd_content_writer *writer)
{
	return writer->total < HD_CHUNK_SIZE ? (size_t)writer->total : HD_CHUNK_SIZE;
}

int hd_content_writer_new(
	struct hd_object_store *store, uint64_t total, struct hd_content_writer **ret_writer)
{
	struct hd_content_writer *writer;

	if (total > HD_CHUNK_LIST_TOTAL_LIMIT)
		return -EFBIG;
	writer = calloc(1, sizeof(*writer));
	if (!writer)
		return -ENOMEM;
	writer->store = store;
	writer->total = total;
	*ret_writer = writer;
	return 0;
}

void hd_content_writer_use_batch(struct hd_content_writer *writer, struct hd_object_batch *batch)
{
	writer->batch = batch;
}

void hd_content_writer_free(struct hd_content_writer *writer)
{
	if (!writer)
		return;
	hd_buffer_clear(&writer->runs);
	free(writer->chunk);
	free(writer);
}

static bool is_list(const struct hd_content_writer *writer)
{
	return writer->total > HD_CHUNK_SIZE;
}

/* COUNT chunks with one id. */
static int add_chunks(struct hd_content_writer *writer, const uint8_t id[HD_OBJECT_ID_BYTES], uint64_t count)
{
	if (writer->chunks > 0 && memcmp(writer->last, id, sizeof(writer->last)) != 0) {
		if (++writer->n_runs == UINT32_MAX)
			return -EFBIG;
		hd_chunk_list_put_run(&writer->runs, writer->chunks, writer->last);
	}
	memcpy(writer->last, id, sizeof(writer->last));
	writer->chunks += count;
	return hd_buffer_status(&writer->runs);
}

static void count_data(struct hd_content_writer *writer, const uint8_t *data, size_t size)
{
	for (size_t at = 0; at < size; at += HD_EXTENT_UNIT) {
		size_t part = size - at < HD_EXTENT_UNIT ? size - at : HD_EXTENT_UNIT;

		writer->data_bytes += hd_is_zero(data + at, part) ? 0 : HD_EXTENT_UNIT;
	}
}

/* Stores one piece: a full chunk or the last one. */
static int put_chunk(struct hd_content_writer *writer, const void *data, size_t size)
{
	struct hd_content content;
	int r;

	count_data(writer, data, size);
	if (is_list(writer) && size == HD_CHUNK_SIZE && hd_is_zero(data, size))
		return add_chunks(writer, hole_id, 1);
	r = writer->batch ? hd_object_batch_put(writer->batch, data, size, &content)
			  : hd_object_store_put(writer->store, data, size, &content);
	return r < 0 ? r : add_chunks(writer, content.bytes, 1);
}

/* Takes up to SIZE bytes, at most to the end of the current chunk. */
static int append_part(struct hd_content_writer *writer, const uint8_t *data, size_t size, size_t *ret_taken)
{
	uint64_t left = writer->total - writer->position + writer->chunk_used;
	size_t capacity = left < HD_CHUNK_SIZE ? (size_t)left : HD_CHUNK_SIZE;
	size_t taken = capacity - writer->chunk_used;
	int r = 0;

	if (taken > size)
		taken = size;
	if (taken == capacity) {
		r = put_chunk(writer, data, capacity);
	} else {
		if (!writer->chunk)
			writer->chunk = malloc(chunk_capacity(writer));
		if (!writer->chunk)
			return -ENOMEM;
		memcpy(writer->chunk + writer->chunk_used, data, taken);
		writer->chunk_used += taken;
		if (writer->chunk_used == capacity) {
			r = put_chunk(writer, writer->chunk, capacity);
			writer->chunk_used = 0;
		}
	}
	*ret_taken = taken;
	return r;
}

int hd_content_writer_append(struct hd_content_writer *writer, const void *data, size_t size)
{
	const uint8_t *bytes = data;

	if (writer->status == 0 && size > writer->total - writer->position)
		writer->status = -EINVAL;
	while (writer->status == 0 && size > 0) {
		size_t taken = 0;

		writer->status = append_part(writer, bytes, size, &taken);
		writer->position += taken;
		bytes += taken;
		size -= taken;
	}
	return writer->status;
}

int hd_content_writer_append_zeros(struct hd_content_writer *writer, uint64_t count)
{
	if (writer->status < 0)
		return writer->status;
	if (writer->chunk_used || count == 0 || count > (writer->total - writer->position) / HD_CHUNK_SIZE)
		return -EINVAL;
	writer->status = is_list(writer) ? add_chunks(writer, hole_id, count)
					 : put_chunk(writer, zeros, sizeof(zeros));
	writer->position += count * HD_CHUNK_SIZE;
	return writer->status;
}

int hd_content_writer_append_hole(struct hd_content_writer *writer, uint64_t size)
{
	int r = 0;

	while (r == 0 && size > 0) {
		uint64_t to_chunk = HD_CHUNK_SIZE - writer->position % HD_CHUNK_SIZE;
		uint64_t part = size < to_chunk ? size : to_chunk;

		if (part == HD_CHUNK_SIZE) {
			part = size / HD_CHUNK_SIZE * HD_CHUNK_SIZE;
			r = hd_content_writer_append_zeros(writer, part / HD_CHUNK_SIZE);
		} else {
			r = hd_content_writer_append(writer, zeros, (size_t)part);
		}
		size -= part;
	}
	return r;
}

int hd_content_writer_reuse(struct hd_content_writer *writer, const struct hd_content *old, uint64_t index,
	uint64_t limit, uint64_t *ret_count)
{
	uint8_t bytes[HD_OBJECT_ID_BYTES];
	struct hd_object_id list;
	struct hd_chunk_run run;
	uint64_t old_total = 0, count;
	int r;

	if (writer->status < 0)
		return writer->status;
	if (writer->chunk_used || limit == 0 || limit > (writer->total - writer->position) / HD_CHUNK_SIZE)
		return -EINVAL;
	if (old->kind != HD_CONTENT_CHUNKED || !hd_content_is_valid(old))
		return -ENOENT;
	hd_object_id_from_bytes(old->bytes, &list);
	r = hd_chunk_list_run(writer->store, &list, index, &run, &old_total);
	if (r < 0)
		return r;
	/* A single chunk is an object, also one of zeros; and the list's last one may not be full. */
	if (index >= old_total / HD_CHUNK_SIZE || (run.is_hole && !is_list(writer)))
		return -ENOENT;
	count = run.end < old_total / HD_CHUNK_SIZE ? run.end - index : old_total / HD_CHUNK_SIZE - index;
	if (count > limit)
		count = limit;
	hd_object_id_to_bytes(&run.id, bytes);
	writer->status = add_chunks(writer, run.is_hole ? hole_id : bytes, count);
	writer->position += count * HD_CHUNK_SIZE;
	writer->data_bytes += run.is_hole ? 0 : count * HD_CHUNK_SIZE;
	*ret_count = count;
	return writer->status;
}

uint64_t hd_content_writer_data_bytes(const struct hd_content_writer *writer)
{
	return writer->data_bytes;
}

static int put_list(struct hd_content_writer *writer, struct hd_content *ret_content)
{
	struct hd_buffer list = {0};
	int r;

	hd_chunk_list_put_header(&list, writer->total, writer->n_runs + 1);
	hd_buffer_put(&list, writer->runs.data, writer->runs.size);
	hd_chunk_list_put_run(&list, writer->chunks, writer->last);
	r = hd_buffer_status(&list);
	if (r == 0)
		r = hd_object_store_put(writer->store, list.data, list.size, ret_content);
	hd_buffer_clear(&list);
	if (r == 0)
		ret_content->kind = HD_CONTENT_CHUNKED;
	return r;
}

static int finish(struct hd_content_writer *writer, struct hd_content *ret_content)
{
	struct hd_object_id id;

	if (writer->status < 0)
		return writer->status;
	if (writer->position != writer->total)
		return -EINVAL;
	if (writer->total == 0) {
		*ret_content = (struct hd_content){0};
		return 0;
	}
	if (is_list(writer))
		return put_list(writer, ret_content);
	hd_object_id_from_bytes(writer->last, &id);
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}

int hd_content_writer_finish(struct hd_content_writer *writer, struct hd_content *ret_content)
{
	int r = finish(writer, ret_content);

	hd_content_writer_free(writer);
	return r;
}
