/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/chunk_list.h"
#include "overlay/store/object_store_types.h"

/*
 * The content writer: at most one chunk in memory, whatever the size of the file.
 *
 * The form depends on the total alone and the cuts lie at multiples of HD_CHUNK_SIZE: equal bytes get equal
 * references, however they were appended and whatever was reused. The first failure latches, so that finish
 * cannot make a content of what came through.
 */

struct hd_content_writer {
	struct hd_object_store *store; /* borrowed */
	uint64_t total;
	uint64_t position; /* bytes taken so far */
	uint8_t *chunk;    /* owned; the chunk being filled */
	size_t chunk_used;
	struct hd_buffer list; /* header and ids so far; for totals up to HD_CHUNK_SIZE one id alone */
	bool has_zero_chunk;
	uint8_t zero_chunk[HD_OBJECT_ID_BYTES]; /* id of a full chunk of zeros */
	int status;                             /* the first failure */
};

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
	if (total > HD_CHUNK_SIZE)
		hd_chunk_list_put_header(&writer->list, total);
	*ret_writer = writer;
	return 0;
}

void hd_content_writer_free(struct hd_content_writer *writer)
{
	if (!writer)
		return;
	hd_buffer_clear(&writer->list);
	free(writer->chunk);
	free(writer);
}

/* Stores one piece: a full chunk or the last one. */
static int put_chunk(struct hd_content_writer *writer, const void *data, size_t size)
{
	struct hd_content content;
	int r;

	r = hd_object_store_put(writer->store, data, size, &content);
	if (r < 0)
		return r;
	hd_buffer_put(&writer->list, content.bytes, HD_OBJECT_ID_BYTES);
	return hd_buffer_status(&writer->list);
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

static int append_zeros(struct hd_content_writer *writer)
{
	static const uint8_t zeros[HD_CHUNK_SIZE];
	int r;

	if (writer->has_zero_chunk) {
		hd_buffer_put(&writer->list, writer->zero_chunk, sizeof(writer->zero_chunk));
		return hd_buffer_status(&writer->list);
	}
	r = put_chunk(writer, zeros, sizeof(zeros));
	if (r < 0)
		return r;
	memcpy(writer->zero_chunk, writer->list.data + writer->list.size - sizeof(writer->zero_chunk),
		sizeof(writer->zero_chunk));
	writer->has_zero_chunk = true;
	return 0;
}

int hd_content_writer_append_zeros(struct hd_content_writer *writer)
{
	if (writer->status < 0)
		return writer->status;
	if (writer->chunk_used || writer->total - writer->position < HD_CHUNK_SIZE)
		return -EINVAL;
	writer->status = append_zeros(writer);
	writer->position += HD_CHUNK_SIZE;
	return writer->status;
}

int hd_content_writer_reuse(struct hd_content_writer *writer, const struct hd_content *old, uint64_t index)
{
	uint8_t bytes[HD_OBJECT_ID_BYTES];
	struct hd_object_id list, chunk;
	int r;

	if (writer->status < 0)
		return writer->status;
	if (writer->chunk_used || writer->total - writer->position < HD_CHUNK_SIZE)
		return -EINVAL;
	if (old->kind != HD_CONTENT_CHUNKED || !hd_content_is_valid(old))
		return -ENOENT;
	hd_object_id_from_bytes(old->bytes, &list);
	r = hd_chunk_list_full_chunk(writer->store, &list, index, &chunk);
	if (r < 0)
		return r;
	hd_object_id_to_bytes(&chunk, bytes);
	hd_buffer_put(&writer->list, bytes, sizeof(bytes));
	writer->position += HD_CHUNK_SIZE;
	writer->status = hd_buffer_status(&writer->list);
	return writer->status;
}

static int finish(struct hd_content_writer *writer, struct hd_content *ret_content)
{
	struct hd_object_id id;
	struct hd_content content;
	int r;

	if (writer->status < 0)
		return writer->status;
	if (writer->position != writer->total)
		return -EINVAL;
	if (writer->total == 0) {
		*ret_content = (struct hd_content){0};
		return 0;
	}
	if (writer->total <= HD_CHUNK_SIZE) {
		hd_object_id_from_bytes(writer->list.data, &id);
		*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
		return 0;
	}
	r = hd_object_store_put(writer->store, writer->list.data, writer->list.size, &content);
	if (r < 0)
		return r;
	content.kind = HD_CONTENT_CHUNKED;
	*ret_content = content;
	return 0;
}

int hd_content_writer_finish(struct hd_content_writer *writer, struct hd_content *ret_content)
{
	int r = finish(writer, ret_content);

	hd_content_writer_free(writer);
	return r;
}
