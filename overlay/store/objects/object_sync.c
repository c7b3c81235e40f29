/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Syncing: a list of what is not on disk yet, and one sync at a time that takes all of it.
 *
 * Callers that come while a sync runs wait for it, and one of them does the next for all: group commit. A
 * caller returns when as many objects are durable as were listed when it came.
 *
 * Invariants
 *  1. Files come before the directories that name them.
 *  2. An object whose fdatasync failed is not synced again but written again: see struct hd_unsynced_object.
 * What syncfs did not manage is tried one by one, so that a stranger's failed write on the same filesystem
 * does not become ours (syncfs reports any, fdatasync only the file's own).
 *
 * An object that was there before its put is listed as well: whoever wrote it may not have synced it.
 */

int hd_object_sync_add(struct hd_object_store *store, const struct hd_object_id *id, bool force)
{
	struct hd_object_sync *sync = &store->sync;
	int r;

	for (;;) {
		r = hd_object_sync_list(sync, id, force);
		if (r != -EAGAIN)
			return r;
		r = hd_object_store_sync(store);
		if (r < 0)
			return r;
	}
}

/* The bytes are in the page cache, if anywhere; they are verified on the way. */
static int rewrite_object(struct hd_object_store *store, const struct hd_object_id *id)
{
	HD_AUTO_FREE void *data = NULL;
	size_t size = 0;
	int r;

	r = hd_object_load(store, id, SIZE_MAX, &data, &size);
	if (r < 0)
		return r;
	return hd_object_replace(store, id, data, size, true);
}

static int sync_object(struct hd_object_store *store, struct hd_unsynced_object *object)
{
	char path[HD_OBJECT_PATH_SIZE];
	HD_AUTO_CLOSE int fd = -1;
	uint64_t size;
	int r;

	if (object->rewrite) {
		r = rewrite_object(store, &object->id);
		return r < 0 ? hd_fail_in(r, "write an object again whose sync failed") : 0;
	}
	fd = hd_object_open(store, &object->id, &size);
	r = fd < 0 ? fd : hd_file_sync(fd);
	/* Without its file there are no bytes to write again: only a new put helps. */
	if (r < 0 && fd >= 0)
		object->rewrite = true;
	return r < 0 ? hd_fail(r, "sync object %s", hd_object_id_path(&object->id, path)) : 0;
}

static int sync_directory(struct hd_object_store *store, const char *name)
{
	HD_AUTO_CLOSE int fd = -1;
	int r;

	fd = hd_directory_open(store->objects_fd, name);
	r = fd < 0 ? fd : hd_directory_sync(fd);
	return r < 0 ? hd_fail(r, "sync the directory objects/%s", name) : 0;
}

/* The directories that name the batch, and objects/ if one of them may be new. */
static int sync_directories(
	struct hd_object_store *store, const struct hd_unsynced_object *batch, size_t count)
{
	bool touched[HD_OBJECT_FANOUT] = {false};
	bool all_durable = true;
	int r;

	for (size_t i = 0; i < count; i++) {
		unsigned fanout = batch[i].id.hash.bytes[0];
		char name[HD_OBJECT_FANOUT_NAME_SIZE];

		if (touched[fanout])
			continue;
		touched[fanout] = true;
		all_durable &= store->sync.fanout_durable[fanout];
		hd_object_fanout_name(fanout, name);
		r = sync_directory(store, name);
		if (r < 0)
			return r;
	}
	if (all_durable)
		return 0;
	r = sync_directory(store, ".");
	for (size_t i = 0; i < HD_OBJECT_FANOUT && r == 0; i++)
		store->sync.fanout_durable[i] |= touched[i];
	return r;
}

static int sync_batch(struct hd_object_store *store, struct hd_unsynced_object *batch, size_t count)
{
	bool any_rewrite = false;
	int result = 0;

	for (size_t i = 0; i < count; i++)
		any_rewrite |= batch[i].rewrite;
	if (count > HD_OBJECT_SYNC_SINGLY && !any_rewrite && hd_file_sync_filesystem(store->objects_fd) == 0)
		return 0;
	/* On after a failure: each object that failed must be marked, not only the first. */
	for (size_t i = 0; i < count; i++) {
		int r = sync_object(store, &batch[i]);

		if (r < 0)
			result = r;
	}
	return result < 0 ? result : sync_directories(store, batch, count);
}

/* Syncs what is listed now. Called with the lock held, which it gives up meanwhile. */
static int run_locked(struct hd_object_store *store)
{
	struct hd_object_sync *sync = &store->sync;
	HD_AUTO_FREE struct hd_unsynced_object *batch = NULL;
	size_t count = 0;
	int r;

	r = hd_object_sync_copy_locked(sync, &batch, &count);
	if (r < 0)
		return r;
	sync->running = true;
	hd_mutex_unlock(&sync->lock);
	r = sync_batch(store, batch, count);
	hd_mutex_lock(&sync->lock);
	hd_object_sync_settle_locked(sync, batch, count, r);
	sync->running = false;
	hd_condition_broadcast(&sync->finished);
	return r;
}

void hd_object_store_distrust(struct hd_object_store *store)
{
	hd_mutex_lock(&store->sync.lock);
	store->sync.distrusted = true;
	hd_mutex_unlock(&store->sync.lock);
}

/* Called with the lock held, which it gives up meanwhile. The doubt stays until one sync of everything succeeded. */
static int sync_strangers_locked(struct hd_object_store *store)
{
	int r;

	hd_mutex_unlock(&store->sync.lock);
	r = hd_file_sync_filesystem(store->objects_fd);
	hd_mutex_lock(&store->sync.lock);
	if (r < 0)
		return hd_fail_in(r, "sync what another process stored");
	store->sync.distrusted = false;
	return 0;
}

int hd_object_store_sync(struct hd_object_store *store)
{
	struct hd_object_sync *sync = &store->sync;
	uint64_t target;
	int r = 0;

	hd_lock_assert_none_held("sync the objects");
	r = hd_object_log_sync(store);
	if (r < 0)
		return r;
	hd_mutex_lock(&sync->lock);
	if (sync->distrusted)
		r = sync_strangers_locked(store);
	target = sync->listed;
	while (r == 0 && sync->durable < target) {
		if (sync->running)
			hd_condition_wait(&sync->finished, &sync->lock);
		else
			r = run_locked(store);
	}
	hd_mutex_unlock(&sync->lock);
	return r;
}
