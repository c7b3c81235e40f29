/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_log.h"

#include <errno.h>
#include <stdlib.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"

/* The life of the logs, and what the object store asks of them: where an object is, and that it becomes durable. */

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
