/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * The list of objects that are not on disk yet, and the set of those that are known to be.
 *
 * Invariant: only the running sync removes from the list, only from the front, and only after everything in front was on disk,
 * file and directory entry both. A failed sync removes nothing.
 */

int hd_object_sync_init(struct hd_object_sync *sync)
{
	int r;

	r = hd_object_id_set_init(&sync->known_durable);
	if (r < 0)
		return r;
	hd_mutex_init(&sync->lock, HD_RANK_LEAF);
	hd_condition_init(&sync->finished);
	return 0;
}

void hd_object_sync_clear(struct hd_object_sync *sync)
{
	if (!sync->known_durable.slots)
		return;
	hd_object_id_set_clear(&sync->known_durable);
	free(sync->unsynced);
	hd_condition_destroy(&sync->finished);
	hd_mutex_destroy(&sync->lock);
}

/* Looks at the newest only: puts of one object tend to follow each other, and a second listing does no harm.
 */
static bool is_listed_locked(const struct hd_object_sync *sync, const struct hd_object_id *id)
{
	size_t first =
		sync->n_unsynced > HD_OBJECT_SYNC_SINGLY ? sync->n_unsynced - HD_OBJECT_SYNC_SINGLY : 0;

	for (size_t i = first; i < sync->n_unsynced; i++) {
		if (hd_object_id_equal(&sync->unsynced[i].id, id))
			return true;
	}
	return false;
}

static int list_locked(struct hd_object_sync *sync, const struct hd_object_id *id, bool force)
{
	if (force)
		hd_object_id_set_remove(&sync->known_durable, id);
	else if (hd_object_id_set_has(&sync->known_durable, id) || is_listed_locked(sync, id))
		return 0;
	if (sync->n_unsynced >= HD_OBJECT_UNSYNCED_LIMIT)
		return -EAGAIN;
	if (HD_ARRAY_RESERVE(sync->unsynced, sync->n_unsynced, sync->capacity) < 0)
		return -ENOMEM;
	sync->unsynced[sync->n_unsynced++] = (struct hd_unsynced_object){.id = *id};
	sync->listed++;
	return 0;
}

int hd_object_sync_list(struct hd_object_sync *sync, const struct hd_object_id *id, bool force)
{
	int r;

	hd_mutex_lock(&sync->lock);
	r = list_locked(sync, id, force);
	hd_mutex_unlock(&sync->lock);
	return r;
}

void hd_object_sync_note_durable(struct hd_object_store *store, const struct hd_object_id *id)
{
	hd_mutex_lock(&store->sync.lock);
	if (!is_listed_locked(&store->sync, id))
		hd_object_id_set_add(&store->sync.known_durable, id);
	hd_mutex_unlock(&store->sync.lock);
}

int hd_object_sync_copy_locked(
	const struct hd_object_sync *sync, struct hd_unsynced_object **ret_batch, size_t *ret_count)
{
	struct hd_unsynced_object *batch = calloc(sync->n_unsynced, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	memcpy(batch, sync->unsynced, sync->n_unsynced * sizeof(*batch));
	*ret_batch = batch;
	*ret_count = sync->n_unsynced;
	return 0;
}

void hd_object_sync_settle_locked(
	struct hd_object_sync *sync, const struct hd_unsynced_object *batch, size_t count, int r)
{
	if (r < 0) {
		for (size_t i = 0; i < count; i++)
			sync->unsynced[i].rewrite = batch[i].rewrite;
		return;
	}
	sync->n_unsynced -= count;
	memmove(sync->unsynced, sync->unsynced + count, sync->n_unsynced * sizeof(*sync->unsynced));
	sync->durable += count;
	for (size_t i = 0; i < count; i++) {
		/* A file that was replaced while the batch ran is listed again; then the batch says nothing
		 * of it. */
		if (!is_listed_locked(sync, &batch[i].id))
			hd_object_id_set_add(&sync->known_durable, &batch[i].id);
	}
}
