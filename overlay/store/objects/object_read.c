/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Reading. No byte leaves before the whole object was verified once by this process.
 *
 *     in the cache                       copied from there
 *     small, or never verified before    loaded whole, verified, cached (up to HD_OBJECT_CACHED_LIMIT)
 *     large and verified before          only the range is read: a random read of a large file must not cost
 *                                        a megabyte each
 *     above the limit, not verified      hashed block by block first
 */

/* An object up to this size is worth loading whole, whatever is asked of it. */
#define LOAD_WHOLE ((uint64_t)64 << 10)

static int failure(int r, const struct hd_object_id *id)
{
	char path[HD_OBJECT_PATH_SIZE];

	return hd_fail(r, "object %s", hd_object_id_path(id, path));
}

static int read_all(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, void *data, size_t size)
{
	size_t got = 0;
	int r;

	r = hd_file_read_at(place->fd, data, size, place->offset, &got);
	if (r < 0)
		return r;
	if (got != size)
		return -HD_E_OBJECT_CORRUPT;
	return hd_object_check_bytes(store, id, data, size);
}

static size_t copy_range(const uint8_t *data, uint64_t total, void *buffer, size_t size, uint64_t offset)
{
	size_t length = 0;

	if (offset < total)
		length = total - offset < size ? (size_t)(total - offset) : size;
	if (length)
		memcpy(buffer, data + offset, length);
	return length;
}

static int read_through_cache(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	struct hd_cached_object *object = hd_cached_object_new(id, (size_t)place->size);
	int r;

	if (!object)
		return -ENOMEM;
	r = read_all(store, id, place, object->data, object->size);
	if (r == 0) {
		hd_object_cache_insert(&store->cache, object);
		*ret_size = copy_range(object->data, place->size, buffer, size, offset);
	}
	hd_object_cache_release(&store->cache, object);
	return r;
}

static int read_range(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	uint64_t total = place->size;
	size_t wanted = 0, got = 0;
	int r;

	if (!hd_object_cache_is_verified(&store->cache, id)) {
		r = hd_object_check_place(store, id, place);
		if (r < 0)
			return r;
		hd_object_cache_mark_verified(&store->cache, id);
	}
	if (offset < total)
		wanted = total - offset < size ? (size_t)(total - offset) : size;
	if (wanted) {
		r = hd_file_read_at(place->fd, buffer, wanted, place->offset + offset, &got);
		if (r < 0)
			return r;
		if (got != wanted)
			return -HD_E_OBJECT_CORRUPT;
	}
	*ret_size = wanted;
	return 0;
}

static bool is_worth_loading(
	struct hd_object_store *store, const struct hd_object_id *id, uint64_t total, size_t size)
{
	if (total > HD_OBJECT_CACHED_LIMIT)
		return false;
	return total <= LOAD_WHOLE || size >= total / 2 || !hd_object_cache_is_verified(&store->cache, id);
}

int hd_object_read(struct hd_object_store *store, const struct hd_object_id *id, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size, uint64_t *ret_total)
{
	struct hd_cached_object *cached = hd_object_cache_find(&store->cache, id);
	struct hd_object_place place;
	int r;

	if (cached) {
		*ret_size = copy_range(cached->data, cached->size, buffer, size, offset);
		*ret_total = cached->size;
		hd_object_cache_release(&store->cache, cached);
		return 0;
	}
	r = hd_object_find(store, id, &place);
	if (r < 0)
		return failure(r, id);
	if (is_worth_loading(store, id, place.size, size))
		r = read_through_cache(store, id, &place, buffer, size, offset, ret_size);
	else
		r = read_range(store, id, &place, buffer, size, offset, ret_size);
	hd_cleanup_close(&place.fd);
	if (r < 0)
		return failure(r, id);
	*ret_total = place.size;
	return 0;
}

static int load_place(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, uint64_t limit, void **ret_data, size_t *ret_size)
{
	HD_AUTO_FREE uint8_t *data = NULL;
	uint64_t total = place->size;
	int r;

	if (total > limit || total >= SIZE_MAX)
		return -HD_E_OBJECT_CORRUPT;
	data = malloc((size_t)total + 1);
	if (!data)
		return -ENOMEM;
	r = read_all(store, id, place, data, (size_t)total);
	if (r < 0)
		return r;
	data[total] = 0;
	hd_object_cache_mark_verified(&store->cache, id);
	*ret_data = HD_STEAL(data);
	*ret_size = (size_t)total;
	return 0;
}

static int load_file(struct hd_object_store *store, const struct hd_object_id *id, uint64_t limit,
	void **ret_data, size_t *ret_size)
{
	struct hd_object_place place;
	int r;

	r = hd_object_find(store, id, &place);
	if (r < 0)
		return r;
	r = load_place(store, id, &place, limit, ret_data, ret_size);
	hd_cleanup_close(&place.fd);
	return r;
}

int hd_object_load(struct hd_object_store *store, const struct hd_object_id *id, uint64_t limit,
	void **ret_data, size_t *ret_size)
{
	struct hd_cached_object *cached = hd_object_cache_find(&store->cache, id);
	uint8_t *data = NULL;
	int r = 0;

	if (!cached) {
		r = load_file(store, id, limit, ret_data, ret_size);
		return r < 0 ? failure(r, id) : 0;
	}
	if (cached->size > limit)
		r = failure(HD_E_OBJECT_CORRUPT, id);
	else if (!(data = malloc(cached->size + 1)))
		r = -ENOMEM;
	if (r == 0) {
		memcpy(data, cached->data, cached->size);
		data[cached->size] = 0;
		*ret_data = data;
		*ret_size = cached->size;
	}
	hd_object_cache_release(&store->cache, cached);
	return r;
}

int hd_object_size(struct hd_object_store *store, const struct hd_object_id *id, uint64_t *ret_size)
{
	struct hd_cached_object *cached = hd_object_cache_find(&store->cache, id);
	struct hd_object_place place;
	int r;

	if (cached) {
		*ret_size = cached->size;
		hd_object_cache_release(&store->cache, cached);
		return 0;
	}
	r = hd_object_find(store, id, &place);
	if (r < 0)
		return failure(r, id);
	*ret_size = place.size;
	hd_cleanup_close(&place.fd);
	return 0;
}
