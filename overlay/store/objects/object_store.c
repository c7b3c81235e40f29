/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_store.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * The object store's life.
 *
 * Split by verb: object_put.c, object_find.c, object_read.c, object_verify.c, object_sync.c. An object is in a file of its own
 * (object_file.c) or, if it is small and was put lately, in a log (object_log*.c). Large contents are lists of objects
 * (content_writer.c, chunk_list.c, content_read.c).
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
