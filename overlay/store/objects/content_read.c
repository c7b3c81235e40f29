/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/error.h"
#include "overlay/store/objects/chunk_list.h"
#include "overlay/store/objects/object_store_types.h"

/* Reading contents: which are an object each, or a list of chunks that are. */

/* The object behind CONTENT. The reference may come from anywhere, a damaged tree included. */
static int object_of_content(const struct hd_content *content, struct hd_object_id *ret_id)
{
	char text[HD_CONTENT_TEXT_SIZE];

	if ((content->kind != HD_CONTENT_OBJECT && content->kind != HD_CONTENT_CHUNKED) ||
		!hd_content_is_valid(content))
		return hd_fail(HD_E_CONTENT_KIND, "%s", hd_content_format(content, text));
	hd_object_id_from_bytes(content->bytes, ret_id);
	return 0;
}

int hd_object_store_get(struct hd_object_store *store, const struct hd_content *content, size_t limit,
	void **ret_data, size_t *ret_size)
{
	char text[HD_CONTENT_TEXT_SIZE];
	struct hd_object_id id;
	int r;

	r = object_of_content(content, &id);
	if (r < 0)
		return r;
	if (content->kind != HD_CONTENT_OBJECT)
		return hd_fail(HD_E_CONTENT_KIND, "%s", hd_content_format(content, text));
	return hd_object_load(store, &id, limit, ret_data, ret_size);
}

int hd_object_store_read(struct hd_object_store *store, const struct hd_content *content, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	struct hd_object_id id;
	uint64_t total;
	size_t got = 0;
	int r;

	if (hd_content_is_none(content)) {
		*ret_size = 0;
		return 0;
	}
	r = object_of_content(content, &id);
	if (r < 0)
		return r;
	if (content->kind == HD_CONTENT_CHUNKED)
		r = hd_chunk_list_read(store, &id, buffer, size, offset, &got);
	else
		r = hd_object_read(store, &id, buffer, size, offset, &got, &total);
	if (r < 0)
		return r;
	*ret_size = got;
	return 0;
}

int hd_object_store_size(struct hd_object_store *store, const struct hd_content *content, uint64_t *ret_size)
{
	struct hd_object_id id;
	int r;

	if (hd_content_is_none(content)) {
		*ret_size = 0;
		return 0;
	}
	r = object_of_content(content, &id);
	if (r < 0)
		return r;
	if (content->kind == HD_CONTENT_CHUNKED)
		return hd_chunk_list_total(store, &id, ret_size);
	return hd_object_size(store, &id, ret_size);
}
