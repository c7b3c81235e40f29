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
 * Putting many. An object that is nowhere yet, neither here nor in a log nor as a file, gets its name at once and waits here;
 * every other one is put by itself. When enough wait they are appended together. If by then one of them is somewhere, or
 * there is no room in the log, each is put by itself after all: it finds its own bytes under its name, or gives it a file.
 * Only if somebody took the name for other bytes meanwhile is there nothing to be done here, for others refer to it by now.
 *
 * Invariant: `records` has for each of `list` the room of a record's head, its bytes, and zeros up to a multiple of 8.
 */

#define BATCH_BYTES (1u << 20)
#define BATCH_COUNT 512u

struct hd_object_batch {
	struct hd_object_store *store; /* borrowed */
	struct hd_buffer records;
	struct hd_object_pending list[BATCH_COUNT];
	size_t count;
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

static const struct hd_object_pending *find(
	const struct hd_object_batch *batch, const struct hd_object_id *id)
{
	for (size_t i = 0; i < batch->count; i++)
		if (hd_object_id_equal(&batch->list[i].id, id))
			return &batch->list[i];
	return NULL;
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
	batch->count++;
	return 0;
}

int hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content)
{
	const struct hd_object_pending *there;
	struct hd_object_id id;
	bool logged;
	int r;

	if (size > hd_object_log_limit)
		return hd_object_store_put(batch->store, data, size, ret_content);
	id = hd_object_id_compute(batch->store, data, size);
	for (; (there = find(batch, &id)); id.number++) {
		if (there->size == size && (size == 0 || memcmp(bytes_of(batch, there), data, size) == 0)) {
			*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
			return 0;
		}
	}
	r = hd_object_look_at(batch->store, &id, data, size, &logged);
	if (r < 0 || r != HD_OBJECT_FREE)
		return r < 0 ? r : hd_object_store_put(batch->store, data, size, ret_content);
	if (batch->count == BATCH_COUNT || batch->records.size + size > BATCH_BYTES)
		r = hd_object_batch_flush(batch);
	if (r >= 0)
		r = add(batch, &id, data, size);
	if (r < 0)
		return r;
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}

static int put_each(struct hd_object_batch *batch)
{
	for (size_t i = 0; i < batch->count; i++) {
		const struct hd_object_pending *pending = &batch->list[i];
		struct hd_content promised = hd_object_id_to_content(&pending->id, HD_CONTENT_OBJECT), got;
		int r = hd_object_store_put(batch->store, bytes_of(batch, pending), pending->size, &got);

		if (r >= 0 && !hd_content_equal(&got, &promised))
			r = hd_fail(EEXIST, "other bytes of the same name were stored meanwhile");
		if (r < 0)
			return r;
	}
	return 0;
}

int hd_object_batch_flush(struct hd_object_batch *batch)
{
	int r;

	if (batch->count == 0)
		return 0;
	r = hd_object_log_append_all(
		batch->store, batch->records.data, batch->records.size, batch->list, batch->count);
	for (size_t i = 0; i < batch->count && r == 0; i++) {
		const struct hd_object_id *id = &batch->list[i].id;

		if (!hd_object_log_need(batch->store, id))
			r = hd_object_sync_add(batch->store, id, false);
	}
	if (r == -EEXIST || r == -EFBIG)
		r = put_each(batch);
	if (r < 0)
		return hd_fail_in(r, "store %zu objects", batch->count);
	hd_buffer_reset(&batch->records);
	batch->count = 0;
	return 0;
}
