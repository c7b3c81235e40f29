/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/object_store.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/store/object_store_types.h"

/*
 * The object store's life, and what putting and reading share: names, opening, verifying.
 *
 * Split by verb: object_put.c, object_read.c, object_sync.c; content_writer.c and chunk_list.c for large
 * contents, object_log*.c for small objects that were put lately.
 *
 * Invariants
 *  0. A small object is a record of a log first, and has a file later (object_log.h).
 *  1. A file under objects/ is complete from the moment it has its name, and is never changed. It is only
 * ever replaced (hd_object_replace) by the bytes that its name stands for.
 *  2. A file's number is the first for which no sound file with other bytes existed: equal bytes, equal ids.
 *  3. A power cut may leave a file with any bytes under the right name, if it came before the sync. Whoever
 * reads verifies, whoever puts compares: such a file is found out and, at the next put of its bytes,
 * replaced.
 */

size_t hd_object_log_limit = HD_OBJECT_LOG_LIMIT;

#define CHECK_BLOCK ((size_t)256 << 10)

int hd_object_store_open(int store_fd, struct hd_object_store **ret_store)
{
	struct hd_object_store *store;
	bool made = !hd_file_exists(store_fd, HD_OBJECTS_DIRECTORY);
	int r;

	r = hd_directory_make(store_fd, HD_OBJECTS_DIRECTORY, 0700);
	if (r < 0)
		return hd_fail(r, "make the directory of objects");
	store = calloc(1, sizeof(*store));
	if (!store)
		return -ENOMEM;
	store->objects_fd = hd_directory_open(store_fd, HD_OBJECTS_DIRECTORY);
	r = store->objects_fd < 0 ? hd_fail(store->objects_fd, "open the directory of objects") : 0;
	if (r == 0 && made)
		r = hd_directory_sync(store_fd);
	if (r == 0)
		r = hd_object_cache_init(&store->cache, HD_OBJECT_CACHE_BYTES);
	if (r == 0)
		r = hd_object_sync_init(&store->sync);
	if (r == 0)
		r = hd_object_log_open(store_fd, store);
	if (r < 0) {
		hd_object_store_free(store);
		return r;
	}
	*ret_store = store;
	return 0;
}

void hd_object_store_free(struct hd_object_store *store)
{
	if (!store)
		return;
	hd_object_log_close(store);
	hd_object_sync_clear(&store->sync);
	hd_object_cache_clear(&store->cache);
	hd_cleanup_close(&store->objects_fd);
	free(store);
}

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

int hd_object_open(struct hd_object_store *store, const struct hd_object_id *id, uint64_t *ret_size)
{
	char path[HD_OBJECT_PATH_SIZE];
	HD_AUTO_CLOSE int fd = -1;
	struct stat st;
	int r;

	/* O_NONBLOCK: somebody's FIFO in place of an object must not hang us. */
	fd = hd_file_open(
		store->objects_fd, hd_object_id_path(id, path), O_RDONLY | O_NOFOLLOW | O_NONBLOCK, 0);
	if (fd == -ENOENT)
		return -HD_E_OBJECT_MISSING;
	if (fd == -ELOOP)
		return -HD_E_OBJECT_CORRUPT;
	if (fd < 0)
		return fd;
	r = hd_file_stat(fd, &st);
	if (r < 0)
		return r;
	if (!S_ISREG(st.st_mode))
		return -HD_E_OBJECT_CORRUPT;
	*ret_size = (uint64_t)st.st_size;
	return hd_steal_fd(&fd);
}

int hd_object_check_bytes(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size)
{
	struct hd_object_id found = hd_object_id_compute(store, data, size);

	return memcmp(&found.hash, &id->hash, sizeof(found.hash)) == 0 ? 0 : -HD_E_OBJECT_CORRUPT;
}

static int find_file(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_object_place *ret_place)
{
	struct hd_object_place place = {0};

	place.fd = hd_object_open(store, id, &place.size);
	if (place.fd < 0)
		return place.fd;
	*ret_place = place;
	return 0;
}

int hd_object_find(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_object_place *ret_place)
{
	int r;

	r = hd_object_log_find(store, id, false, ret_place);
	if (r != 0)
		return r < 0 ? r : 0;
	r = find_file(store, id, ret_place);
	if (r != -HD_E_OBJECT_MISSING)
		return r;
	/* Another process may have put it, and may have given it a file since the look above. */
	r = hd_object_log_find(store, id, true, ret_place);
	if (r != 0)
		return r < 0 ? r : 0;
	return find_file(store, id, ret_place);
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
