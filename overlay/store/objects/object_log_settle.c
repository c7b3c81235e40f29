/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Giving recent objects files of their own, in the background: when a log has grown long, another one is begun, and
 * the old one is emptied and removed. Until its files are on the disk it stays, so that a death anywhere leaves each
 * object in one place at least.
 */

#define DAMAGED_SUFFIX ".damaged"

int hd_log_copy_entries(
	struct hd_object_logs *logs, unsigned number, struct hd_log_entry **ret_entries, size_t *ret_count)
{
	struct hd_log_entry *entries;
	size_t count = 0;

	hd_mutex_lock(&logs->lock);
	entries = malloc((logs->n_entries + 1) * sizeof(*entries));
	for (size_t i = 0; i < logs->n_slots && entries; i++) {
		if (logs->table[i].file == number)
			entries[count++] = logs->table[i];
	}
	hd_mutex_unlock(&logs->lock);
	if (!entries)
		return -ENOMEM;
	*ret_entries = entries;
	*ret_count = count;
	return 0;
}

static int give_file(struct hd_object_store *store, const struct hd_log_entry *entry, int fd, bool again)
{
	HD_AUTO_FREE uint8_t *data = malloc((size_t)entry->size + 1);
	size_t got = 0;
	int r;

	if (!data)
		return -ENOMEM;
	r = hd_file_read_at(fd, data, entry->size, entry->offset, &got);
	if (r == 0)
		r = got == entry->size ? hd_object_check_bytes(store, &entry->id, data, entry->size)
				       : -HD_E_OBJECT_CORRUPT;
	if (r < 0)
		return r;
	return hd_object_put_file(store, &entry->id, data, entry->size, again);
}

/* *RET_DAMAGED: how many records do not verify, because they were torn or rotted. */
static int give_files(struct hd_object_store *store, unsigned number, int fd, bool again, size_t *ret_damaged)
{
	HD_AUTO_FREE struct hd_log_entry *entries = NULL;
	size_t count = 0;
	int r;

	r = hd_log_copy_entries(store->logs, number, &entries, &count);
	for (size_t i = 0; i < count && r == 0; i++) {
		r = give_file(store, &entries[i], fd, again);
		if (r != -HD_E_OBJECT_CORRUPT)
			continue;
		r = 0;
		entries[i].file = 0;
		++*ret_damaged;
	}
	if (r == 0)
		r = hd_file_sync_filesystem(store->objects_fd);
	for (size_t i = 0; i < count && r == 0; i++) {
		if (entries[i].file)
			hd_object_sync_note_durable(store, &entries[i].id);
	}
	return r;
}

static int remove_log(struct hd_object_logs *logs, unsigned number, bool damaged)
{
	char name[HD_LOG_NAME_SIZE], kept[HD_LOG_NAME_SIZE + sizeof(DAMAGED_SUFFIX)];
	int r;

	(void)snprintf(name, sizeof(name), "%u", number);
	(void)snprintf(kept, sizeof(kept), "%s" DAMAGED_SUFFIX, name);
	r = damaged ? hd_file_rename(logs->directory_fd, name, kept)
		    : hd_file_unlink(logs->directory_fd, name);
	return r == -ENOENT ? 0 : r;
}

/* Nobody looks for anything in it any more. */
static void forget_log_busy(struct hd_object_logs *logs, unsigned number)
{
	struct hd_log_file *file;

	hd_log_clear_table_busy(logs);
	hd_mutex_lock(&logs->lock);
	file = hd_log_file_locked(logs, number);
	if (file) {
		hd_cleanup_close(&file->fd);
		logs->n_files--;
		memmove(file, file + 1, (size_t)(logs->files + logs->n_files - file) * sizeof(*file));
	}
	for (size_t i = 0; i < logs->n_files; i++) {
		logs->files[i].end = sizeof(struct hd_log_header);
		logs->files[i].closed = false;
	}
	hd_mutex_unlock(&logs->lock);
}

int hd_log_empty(struct hd_object_store *store, unsigned number, bool again)
{
	struct hd_object_logs *logs = store->logs;
	HD_AUTO_CLOSE int fd = -1;
	struct hd_log_file *file;
	size_t damaged = 0;
	int r;

	hd_mutex_lock(&logs->lock);
	file = hd_log_file_locked(logs, number);
	fd = file ? hd_descriptor_duplicate(file->fd) : -ENOENT;
	damaged = file && (file->torn || !file->sound);
	hd_mutex_unlock(&logs->lock);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	r = hd_file_lock(fd);
	/* Somebody else is at it; what failed must be seen to here. */
	if (r == -EWOULDBLOCK && !again)
		return 0;
	r = give_files(store, number, fd, again, &damaged);
	if (r < 0) {
		/* The lock is not this descriptor's alone. */
		(void)hd_file_unlock(fd);
		return hd_fail_in(r, "give recent objects files");
	}
	hd_log_enter(logs);
	r = remove_log(logs, number, damaged > 0);
	if (r == 0) {
		forget_log_busy(logs, number);
		r = hd_log_refresh_busy(logs, false);
	}
	hd_log_leave(logs);
	return r;
}

/* The number of a log that is to be emptied, or 0. Begins another one if the last is long. */
static int choose_log(struct hd_object_store *store, uint64_t size, unsigned *ret_number)
{
	struct hd_object_logs *logs = store->logs;
	struct hd_log_file *last;
	int r;

	*ret_number = 0;
	r = hd_object_log_hold(store);
	if (r < 0)
		return r;
	last = logs->n_files ? &logs->files[logs->n_files - 1] : NULL;
	if (logs->n_files > 1)
		*ret_number = logs->files[0].number;
	else if (last && last->end > sizeof(struct hd_log_header) &&
		 (last->end > size || logs->n_entries > HD_OBJECT_LOG_LONG_COUNT))
		r = hd_log_begin_held(logs);
	if (r == 0 && *ret_number == 0 && logs->n_files > 1)
		*ret_number = logs->files[0].number;
	hd_object_log_let_go(store);
	return r;
}

bool hd_object_store_is_unsettled(struct hd_object_store *store)
{
	struct hd_object_logs *logs = store->logs;
	bool unsettled;

	hd_mutex_lock(&logs->lock);
	unsettled = logs->n_files > 1 || logs->n_entries > HD_OBJECT_LOG_LONG_COUNT ||
		    (logs->n_files && logs->files[0].end > HD_OBJECT_LOG_LONG);
	hd_mutex_unlock(&logs->lock);
	return unsettled;
}

int hd_object_store_settle(struct hd_object_store *store, uint64_t size)
{
	unsigned number, last = 0;
	int r;

	for (;;) {
		r = choose_log(store, size, &number);
		/* The same again: somebody else is emptying it. */
		if (r < 0 || number == 0 || number == last)
			return r;
		r = hd_log_empty(store, number, false);
		if (r < 0)
			return r;
		last = number;
	}
}
