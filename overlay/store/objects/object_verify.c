/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_store_types.h"

/* An object's name is the hash of its bytes: computing it, and whether bytes are those of a name. */

#define CHECK_BLOCK ((size_t)256 << 10)

static struct hd_hash128 adjusted(const struct hd_object_store *store, struct hd_hash128 hash)
{
	if (store->adjust_hash)
		store->adjust_hash(&hash);
	return hash;
}

struct hd_object_id hd_object_id_compute(const struct hd_object_store *store, const void *data, size_t size)
{
	return (struct hd_object_id){.hash = adjusted(store, hd_hash128(data, size))};
}

int hd_object_check_bytes(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size)
{
	struct hd_object_id found = hd_object_id_compute(store, data, size);

	return memcmp(&found.hash, &id->hash, sizeof(found.hash)) == 0 ? 0 : -HD_E_OBJECT_CORRUPT;
}

int hd_object_check_place(
	struct hd_object_store *store, const struct hd_object_id *id, const struct hd_object_place *place)
{
	uint64_t size = place->size;
	size_t block_size = size < CHECK_BLOCK ? (size_t)size + 1 : CHECK_BLOCK;
	HD_AUTO_FREE uint8_t *block = malloc(block_size);
	struct hd_hash_stream *stream = hd_hash_stream_new();
	struct hd_hash128 hash;
	uint64_t offset = 0;
	int r = block && stream ? 0 : -ENOMEM;

	while (r == 0 && offset < size) {
		size_t wanted = size - offset < block_size ? (size_t)(size - offset) : block_size;
		size_t got = 0;

		r = hd_file_read_at(place->fd, block, wanted, place->offset + offset, &got);
		if (r == 0 && got == 0)
			r = -HD_E_OBJECT_CORRUPT;
		if (r == 0)
			hd_hash_stream_update(stream, block, got);
		offset += got;
	}
	if (stream) {
		hash = adjusted(store, hd_hash_stream_finish(stream));
		if (r == 0 && memcmp(&hash, &id->hash, sizeof(hash)) != 0)
			r = -HD_E_OBJECT_CORRUPT;
	}
	return r;
}
