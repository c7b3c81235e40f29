/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Putting many. An object that is neither here nor in a log, as far as this process has read, gets its name at once and waits
 * here; every other one is put by itself. When enough wait they are appended together, and only then it is found out which of
 * them have files, or were put by somebody else meanwhile: to look for what is not there, in a large directory, is what costs
 * most of a put. Those are put each by itself after all, and find their own bytes under their name; only if these are other
 * ones there is nothing to be done here, for others refer to it by now.
 *
 * What was appended is kept in memory as if it had been read: a directory that was captured is read when it is captured next.
 *
 * Invariants
 *  1. `records` has for each of `list` the room of a record's head, its bytes, and zeros up to a multiple of 8.
 *  2. `slots` has for each of `list` its number plus one, at the first free slot from that of its id on.
 */

#define BATCH_BYTES (1u << 20)
#define BATCH_COUNT 512u
#define BATCH_SLOTS 2048u

/* What is larger may be read in parts, and must be seen whole on the disk before. */
#define KEPT_LIMIT (32u << 10)

struct hd_object_batch {
	struct hd_object_store *store; /* borrowed */
	struct hd_buffer records;
	struct hd_object_pending list[BATCH_COUNT];
	size_t count;
	uint16_t slots[BATCH_SLOTS];
};

int hd_object_batch_new(struct hd_object_store *store, struct hd_object_batch **ret_batch)
{
	struct hd_object_batch *batch = calloc(1, sizeof(*batch));

	if (!batch)
		return -ENOMEM;
	batch->store = store;
	*ret_batch = batch;
	return 0;
}

void hd_object_batch_free(struct hd_object_batch *batch)
{
	if (!batch)
		return;
	hd_buffer_clear(&batch->records);
	free(batch);
}

static const uint8_t *bytes_of(const struct hd_object_batch *batch, const struct hd_object_pending *pending)
{
	return batch->records.data + pending->offset + sizeof(struct hd_log_record);
}

/* The slot that has ID, or the free one where it belongs. */
static uint16_t *slot_of(struct hd_object_batch *batch, const struct hd_object_id *id)
{
	uint32_t at;

	memcpy(&at, id->hash.bytes, sizeof(at));
	at += id->number;
	while (batch->slots[at % BATCH_SLOTS] &&
		!hd_object_id_equal(&batch->list[batch->slots[at % BATCH_SLOTS] - 1].id, id))
		at++;
	return &batch->slots[at % BATCH_SLOTS];
}

static const struct hd_object_pending *find(struct hd_object_batch *batch, const struct hd_object_id *id)
{
	uint16_t number = *slot_of(batch, id);

	return number ? &batch->list[number - 1] : NULL;
}

static int add(struct hd_object_batch *batch, const struct hd_object_id *id, const void *data, size_t size)
{
	struct hd_object_pending *pending = &batch->list[batch->count];
	size_t extent = (size_t)hd_log_extent(size);
	uint8_t *record;

	*pending =
		(struct hd_object_pending){.id = *id, .size = (uint32_t)size, .offset = batch->records.size};
	record = hd_buffer_extend(&batch->records, extent);
	if (!record)
		return -ENOMEM;
	if (size)
		memcpy(record + sizeof(struct hd_log_record), data, size);
	memset(record + sizeof(struct hd_log_record) + size, 0, extent - sizeof(struct hd_log_record) - size);
	*slot_of(batch, id) = (uint16_t)++batch->count;
	return 0;
}

int hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content)
{
	const struct hd_object_pending *there;
	struct hd_object_id id;
	int r = 0;

	if (size > hd_object_log_limit)
		return hd_object_store_put(batch->store, data, size, ret_content);
	id = hd_object_id_compute(batch->store, data, size);
	for (; (there = find(batch, &id)); id.number++) {
		if (there->size == size && (size == 0 || memcmp(bytes_of(batch, there), data, size) == 0)) {
			*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
			return 0;
		}
	}
	if (hd_object_log_has(batch->store, &id))
		return hd_object_store_put(batch->store, data, size, ret_content);
	if (batch->count == BATCH_COUNT || batch->records.size + size > BATCH_BYTES)
		r = hd_object_batch_flush(batch);
	if (r >= 0)
		r = add(batch, &id, data, size);
	if (r < 0)
		return r;
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}

/* What has a name already is, nearly always, the same. */
static int put_again(struct hd_object_batch *batch, const struct hd_object_pending *pending)
{
	struct hd_content promised = hd_object_id_to_content(&pending->id, HD_CONTENT_OBJECT), got;
	int r = hd_object_store_put(batch->store, bytes_of(batch, pending), pending->size, &got);

	if (r >= 0 && !hd_content_equal(&got, &promised))
		r = hd_fail(EEXIST, "other bytes have the name that these were given");
	return r;
}

/* Without memory it is read when it is asked for. */
static void keep(const struct hd_object_batch *batch, const struct hd_object_pending *pending)
{
	struct hd_object_cache *cache = &batch->store->cache;
	struct hd_cached_object *object =
		pending->size <= KEPT_LIMIT ? hd_cached_object_new(&pending->id, pending->size) : NULL;

	if (!object)
		return;
	if (pending->size)
		memcpy(object->data, bytes_of(batch, pending), pending->size);
	hd_object_cache_insert(cache, object);
	hd_object_cache_release(cache, object);
}

static int settle_pending(struct hd_object_batch *batch, const struct hd_object_pending *pending)
{
	if (pending->there)
		return put_again(batch, pending);
	keep(batch, pending);
	return hd_object_log_need(batch->store, &pending->id)
		       ? 0
		       : hd_object_sync_add(batch->store, &pending->id, false);
}

int hd_object_batch_flush(struct hd_object_batch *batch)
{
	int r;

	if (batch->count == 0)
		return 0;
	r = hd_object_log_append_all(
		batch->store, batch->records.data, batch->records.size, batch->list, batch->count);
	if (r == -EFBIG) {
		for (size_t i = 0; i < batch->count; i++)
			batch->list[i].there = true;
		r = 0;
	}
	for (size_t i = 0; i < batch->count && r == 0; i++)
		r = settle_pending(batch, &batch->list[i]);
	if (r < 0)
		return hd_fail_in(r, "store %zu objects", batch->count);
	hd_buffer_reset(&batch->records);
	memset(batch->slots, 0, sizeof(batch->slots));
	batch->count = 0;
	return 0;
}
