/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/object_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/descriptor.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"
#include "overlay/store/object_log_types.h"
#include "overlay/store/object_store_types.h"

/* The life of the logs, and the table: where each recent object is. Of several records of one object the last counts. */

#define SLOTS_MIN 256u

int hd_object_log_open(int store_fd, struct hd_object_store *store)
{
	struct hd_object_logs *logs;
	int r;

	r = hd_directory_make(store_fd, HD_OBJECT_LOG_DIRECTORY, 0700);
	if (r < 0)
		return hd_fail(r, "make the directory of recent objects");
	logs = calloc(1, sizeof(*logs));
	if (!logs)
		return -ENOMEM;
	store->logs = logs;
	hd_mutex_init(&logs->lock, HD_RANK_LEAF);
	hd_condition_init(&logs->idle);
	logs->lock_fd = -1;
	logs->directory_fd = hd_directory_open(store_fd, HD_OBJECT_LOG_DIRECTORY);
	if (logs->directory_fd < 0)
		return hd_fail(logs->directory_fd, "open the directory of recent objects");
	return 0;
}

void hd_object_log_close(struct hd_object_store *store)
{
	struct hd_object_logs *logs = store->logs;

	if (!logs)
		return;
	for (size_t i = 0; i < logs->n_files; i++)
		hd_cleanup_close(&logs->files[i].fd);
	free(logs->files);
	free(logs->table);
	hd_cleanup_close(&logs->lock_fd);
	hd_cleanup_close(&logs->directory_fd);
	hd_condition_destroy(&logs->idle);
	hd_mutex_destroy(&logs->lock);
	free(logs);
	store->logs = NULL;
}

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

static int look_up(
	struct hd_object_logs *logs, const struct hd_object_id *id, struct hd_object_place *ret_place)
{
	struct hd_log_entry *entry;
	int r = 0;

	hd_mutex_lock(&logs->lock);
	entry = hd_log_find_locked(logs, id);
	if (entry) {
		r = hd_descriptor_duplicate(hd_log_file_locked(logs, entry->file)->fd);
		*ret_place = (struct hd_object_place){
			.fd = r, .offset = entry->offset, .size = entry->size, .logged = true};
		r = r < 0 ? r : 1;
	}
	hd_mutex_unlock(&logs->lock);
	return r;
}

int hd_object_log_find(struct hd_object_store *store, const struct hd_object_id *id, bool refresh,
	struct hd_object_place *ret_place)
{
	struct hd_object_logs *logs = store->logs;
	int r;

	if (refresh) {
		hd_log_enter(logs);
		r = hd_log_refresh_busy(logs, false);
		hd_log_leave(logs);
		if (r < 0)
			return r;
	}
	return look_up(logs, id, ret_place);
}

static bool note_needed(struct hd_object_logs *logs, const struct hd_object_id *id)
{
	struct hd_log_entry *entry;
	bool found;

	hd_mutex_lock(&logs->lock);
	entry = hd_log_find_locked(logs, id);
	found = entry != NULL;
	if (found) {
		struct hd_log_file *file = hd_log_file_locked(logs, entry->file);

		if (file->needed < entry->offset + entry->size)
			file->needed = entry->offset + entry->size;
	}
	hd_mutex_unlock(&logs->lock);
	return found;
}

bool hd_object_log_need(struct hd_object_store *store, const struct hd_object_id *id)
{
	struct hd_object_logs *logs = store->logs;

	if (note_needed(logs, id))
		return true;
	/* The logs are being read anew, or the object has got its file. */
	hd_log_enter(logs);
	hd_log_leave(logs);
	return note_needed(logs, id);
}

/* What is to be synced next, if anything; the caller closes *RET_FD. */
static bool next_to_sync(struct hd_object_logs *logs, struct hd_log_file *ret_file, int *ret_fd)
{
	bool found = false;

	hd_mutex_lock(&logs->lock);
	for (size_t i = 0; i < logs->n_files && !found; i++) {
		if (logs->files[i].needed <= logs->files[i].synced)
			continue;
		found = true;
		*ret_file = logs->files[i];
		*ret_fd = hd_descriptor_duplicate(logs->files[i].fd);
	}
	hd_mutex_unlock(&logs->lock);
	return found;
}

static int sync_file(struct hd_object_logs *logs, const struct hd_log_file *wanted, int fd)
{
	struct hd_log_file *file;
	bool failed;
	int r;

	if (fd < 0)
		return fd;
	r = hd_file_sync(fd);
	failed = r < 0;
	if (r == 0 && !wanted->name_durable)
		r = hd_directory_sync(logs->directory_fd);
	hd_mutex_lock(&logs->lock);
	file = hd_log_file_locked(logs, wanted->number);
	if (file && r == 0) {
		file->name_durable = true;
		if (file->synced < wanted->end)
			file->synced = wanted->end;
	}
	if (file && failed)
		file->failed = true;
	hd_mutex_unlock(&logs->lock);
	return r < 0 ? hd_fail(r, "sync the recent objects") : 0;
}

/* The log is not to be trusted: nobody appends to it from now on, and its objects get files. */
static int replace_failed(struct hd_object_store *store, unsigned number)
{
	struct hd_object_logs *logs = store->logs;
	int r;

	r = hd_object_log_hold(store);
	if (r < 0)
		return r;
	if (logs->n_files && logs->files[logs->n_files - 1].number == number)
		r = hd_log_begin_held(logs);
	hd_object_log_let_go(store);
	return r < 0 ? r : hd_log_empty(store, number, true);
}

int hd_object_log_sync(struct hd_object_store *store)
{
	struct hd_log_file file;
	int fd = -1;
	int r = 0;

	while (r == 0 && next_to_sync(store->logs, &file, &fd)) {
		r = file.failed ? replace_failed(store, file.number) : sync_file(store->logs, &file, fd);
		hd_cleanup_close(&fd);
	}
	return r;
}
