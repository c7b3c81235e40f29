/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"

/* What is in the logs, for heddle check: each object once, the record that is found by readers. */

struct listing {
	hd_object_log_emit emit;
	void *payload;
};

static int emit_stranger(const char *name, unsigned char type, void *payload)
{
	struct listing *listing = payload;
	char expected[HD_LOG_NAME_SIZE];
	unsigned number = 0;

	(void)type;
	if (strcmp(name, HD_OBJECT_LOG_LOCK) == 0)
		return 0;
	(void)sscanf(name, "%u", &number);
	(void)snprintf(expected, sizeof(expected), "%u", number);
	return number && strcmp(name, expected) == 0 ? 0 : listing->emit(name, NULL, NULL, listing->payload);
}

/* The logs as they are now, with descriptors of the caller's. */
static int copy_files(struct hd_object_logs *logs, struct hd_log_file **ret_files, size_t *ret_count)
{
	struct hd_log_file *files;

	hd_mutex_lock(&logs->lock);
	files = malloc((logs->n_files + 1) * sizeof(*files));
	*ret_count = files ? logs->n_files : 0;
	for (size_t i = 0; i < *ret_count; i++) {
		files[i] = logs->files[i];
		files[i].fd = hd_descriptor_duplicate(files[i].fd);
	}
	hd_mutex_unlock(&logs->lock);
	*ret_files = files;
	return files ? 0 : -ENOMEM;
}

static int emit_file(
	struct hd_object_store *store, const struct hd_log_file *file, const struct listing *listing)
{
	HD_AUTO_FREE struct hd_log_entry *entries = NULL;
	struct hd_object_place place = {.fd = file->fd, .logged = true};
	char name[HD_LOG_NAME_SIZE];
	size_t count = 0;
	int r;

	(void)snprintf(name, sizeof(name), "%u", file->number);
	if (file->fd < 0)
		return file->fd;
	if (!file->sound)
		return listing->emit(name, NULL, &place, listing->payload);
	r = hd_log_copy_entries(store->logs, file->number, &entries, &count);
	for (size_t i = 0; i < count && r == 0; i++) {
		place.offset = entries[i].offset;
		place.size = entries[i].size;
		r = listing->emit(name, &entries[i].id, &place, listing->payload);
	}
	return r;
}

int hd_object_log_list(struct hd_object_store *store, hd_object_log_emit emit, void *payload)
{
	struct listing listing = {emit, payload};
	HD_AUTO_FREE struct hd_log_file *files = NULL;
	size_t count = 0;
	int r;

	hd_log_enter(store->logs);
	r = hd_log_refresh_busy(store->logs, false);
	hd_log_leave(store->logs);
	if (r == 0)
		r = copy_files(store->logs, &files, &count);
	for (size_t i = 0; i < count; i++) {
		if (r == 0)
			r = emit_file(store, &files[i], &listing);
		hd_cleanup_close(&files[i].fd);
	}
	return r != 0 ? r : hd_directory_list(store->logs->directory_fd, ".", emit_stranger, &listing);
}
