/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/content_extent.h"

#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/chunk_list.h"

/*
 * Where a content has data. Runs of zeros in a chunk list say it without a look at any byte. Between them chunks are
 * read and looked through block by block, but not far: past LOOK_CHUNKS only whole chunks of zeros are taken for holes,
 * or whoever asks for the first hole of a dense file would read all of it.
 */

#define LOOK_CHUNKS 4u

bool hd_is_zero(const void *data, size_t size)
{
	const uint8_t *bytes = data;

	return size == 0 || (bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0);
}

struct search {
	struct hd_object_store *store;
	const struct hd_content *content;
	bool want_data;
	uint64_t total;
	uint64_t offset; /* nothing before it is what is wanted */
	uint8_t *bytes;  /* owned; a chunk */
};

/* Looks at the rest of the chunk at the offset; 1 when found, else the offset is the chunk's end. */
static int look_through_chunk(struct search *search)
{
	uint64_t end = (search->offset / HD_CHUNK_SIZE + 1) * HD_CHUNK_SIZE;
	size_t got = 0;
	int r;

	if (end > search->total)
		end = search->total;
	if (!search->bytes)
		search->bytes = malloc(HD_CHUNK_SIZE);
	if (!search->bytes)
		return -ENOMEM;
	r = hd_object_store_read(search->store, search->content, search->bytes,
		(size_t)(end - search->offset), search->offset, &got);
	if (r < 0)
		return r;
	for (size_t at = 0; at < got;) {
		size_t size = HD_EXTENT_UNIT - (size_t)((search->offset + at) % HD_EXTENT_UNIT);

		if (size > got - at)
			size = got - at;
		if (hd_is_zero(search->bytes + at, size) != search->want_data) {
			search->offset += at;
			return 1;
		}
		at += size;
	}
	search->offset = end;
	return 0;
}

/* One run of a list: 1 when found, else the offset is behind what was looked at. */
static int look_at_run(struct search *search, const struct hd_object_id *list, unsigned *looks)
{
	struct hd_chunk_run run;
	int r = hd_chunk_list_run(search->store, list, search->offset / HD_CHUNK_SIZE, &run, &search->total);

	if (r < 0)
		return r;
	if (run.is_hole && !search->want_data)
		return 1;
	if (!run.is_hole && *looks > 0) {
		--*looks;
		return look_through_chunk(search);
	}
	if (!run.is_hole && search->want_data)
		return 1;
	search->offset = run.end * HD_CHUNK_SIZE;
	return 0;
}

int hd_content_seek(struct hd_object_store *store, const struct hd_content *content, uint64_t offset,
	bool want_data, uint64_t *ret_offset)
{
	struct search search = {.store = store, .content = content, .want_data = want_data, .offset = offset};
	unsigned looks = LOOK_CHUNKS;
	struct hd_object_id list;
	int r = hd_object_store_size(store, content, &search.total);

	if (content->kind == HD_CONTENT_CHUNKED)
		hd_object_id_from_bytes(content->bytes, &list);
	while (r == 0 && search.offset < search.total)
		r = content->kind == HD_CONTENT_CHUNKED ? look_at_run(&search, &list, &looks)
							: look_through_chunk(&search);
	free(search.bytes);
	if (r < 0)
		return r;
	*ret_offset = search.offset < search.total ? search.offset : search.total;
	return 0;
}

int hd_content_data_size(struct hd_object_store *store, const struct hd_content *content, uint64_t *ret_size)
{
	struct hd_chunk_run run = {0};
	struct hd_object_id list;
	uint64_t total = 0, holes = 0;
	int r = 0;

	if (content->kind != HD_CONTENT_CHUNKED)
		return hd_object_store_size(store, content, ret_size);
	hd_object_id_from_bytes(content->bytes, &list);
	do {
		r = hd_chunk_list_run(store, &list, run.end, &run, &total);
		if (r == 0 && run.is_hole)
			holes += (run.end - run.first) * HD_CHUNK_SIZE;
	} while (r == 0 && run.end < hd_chunk_count(total));
	if (r == 0)
		*ret_size = holes < total ? total - holes : 0;
	return r;
}
