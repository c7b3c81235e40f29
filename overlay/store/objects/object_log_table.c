/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/object_log_types.h"

/* The table: where each recent object is. Of several records of one object the last counts. */

#define SLOTS_MIN 256u

void hd_log_enter(struct hd_object_logs *logs)
{
	hd_lock_assert_none_held("work on the logs of recent objects");
	hd_mutex_lock(&logs->lock);
	while (logs->busy)
		hd_condition_wait(&logs->idle, &logs->lock);
	logs->busy = true;
	hd_mutex_unlock(&logs->lock);
}

void hd_log_leave(struct hd_object_logs *logs)
{
	hd_mutex_lock(&logs->lock);
	logs->busy = false;
	hd_condition_signal(&logs->idle);
	hd_mutex_unlock(&logs->lock);
}

static size_t slot_of(const struct hd_object_logs *logs, const struct hd_object_id *id)
{
	uint64_t word;

	memcpy(&word, id->hash.bytes + sizeof(id->hash.bytes) - sizeof(word), sizeof(word));
	return (size_t)(word + id->number) & (logs->n_slots - 1);
}

/* The slot that has ID, or the empty one where it belongs. */
static struct hd_log_entry *probe(const struct hd_object_logs *logs, const struct hd_object_id *id)
{
	size_t slot = slot_of(logs, id);

	while (logs->table[slot].file && !hd_object_id_equal(&logs->table[slot].id, id))
		slot = (slot + 1) & (logs->n_slots - 1);
	return &logs->table[slot];
}

struct hd_log_entry *hd_log_find_locked(struct hd_object_logs *logs, const struct hd_object_id *id)
{
	struct hd_log_entry *entry = logs->n_slots ? probe(logs, id) : NULL;

	return entry && entry->file ? entry : NULL;
}

struct hd_log_file *hd_log_file_locked(struct hd_object_logs *logs, unsigned number)
{
	for (size_t i = 0; i < logs->n_files; i++) {
		if (logs->files[i].number == number)
			return &logs->files[i];
	}
	return NULL;
}

int hd_log_add_file_busy(struct hd_object_logs *logs, struct hd_log_file *file)
{
	int r;

	hd_mutex_lock(&logs->lock);
	r = HD_ARRAY_RESERVE(logs->files, logs->n_files, logs->files_capacity);
	if (r == 0)
		logs->files[logs->n_files++] = *file;
	hd_mutex_unlock(&logs->lock);
	if (r < 0)
		hd_cleanup_close(&file->fd);
	return r;
}

/* Makes room for one entry more; at most half of the slots are used. */
static int grow_locked(struct hd_object_logs *logs)
{
	struct hd_object_logs grown = {.n_slots = logs->n_slots ? 2 * logs->n_slots : SLOTS_MIN};

	if (2 * (logs->n_entries + 1) <= logs->n_slots)
		return 0;
	grown.table = calloc(grown.n_slots, sizeof(*grown.table));
	if (!grown.table)
		return -ENOMEM;
	for (size_t i = 0; i < logs->n_slots; i++) {
		if (logs->table[i].file)
			*probe(&grown, &logs->table[i].id) = logs->table[i];
	}
	free(logs->table);
	logs->table = grown.table;
	logs->n_slots = grown.n_slots;
	return 0;
}

int hd_log_insert_busy(struct hd_object_logs *logs, const struct hd_log_entry *entry)
{
	struct hd_log_entry *slot;
	int r;

	hd_mutex_lock(&logs->lock);
	r = grow_locked(logs);
	if (r == 0) {
		slot = probe(logs, &entry->id);
		logs->n_entries += slot->file == 0;
		*slot = *entry;
	}
	hd_mutex_unlock(&logs->lock);
	return r;
}

void hd_log_clear_table_busy(struct hd_object_logs *logs)
{
	hd_mutex_lock(&logs->lock);
	free(logs->table);
	logs->table = NULL;
	logs->n_slots = logs->n_entries = 0;
	hd_mutex_unlock(&logs->lock);
}
