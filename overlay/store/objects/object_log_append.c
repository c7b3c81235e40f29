/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/random.h"
#include "overlay/store/objects/object_log_types.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Appending. Whoever does it has seen everything that is in the logs, so that an object is in one place.
 *
 * A log is closed by a last record before the next one is made: a process that knows the old log alone finds that
 * record when it wants to append.
 */

/* The lock is held for microseconds. */
#define LOCK_RETRY_NS 20000u

static int hold_busy(struct hd_object_logs *logs)
{
	int r;

	/* Opened when it is needed first: a store that is only read may be on a filesystem that cannot be written. */
	if (logs->lock_fd < 0)
		logs->lock_fd = hd_file_open(
			logs->directory_fd, HD_OBJECT_LOG_LOCK, O_RDWR | O_CREAT | O_NOFOLLOW, 0600);
	if (logs->lock_fd < 0)
		return hd_fail(logs->lock_fd, "open the lock of recent objects");
	while ((r = hd_file_lock(logs->lock_fd)) == -EWOULDBLOCK)
		hd_clock_sleep_ns(LOCK_RETRY_NS);
	return r < 0 ? hd_fail(r, "lock the logs of recent objects") : 0;
}

static void let_go_busy(struct hd_object_logs *logs)
{
	(void)hd_file_unlock(logs->lock_fd);
}

int hd_object_log_hold(struct hd_object_store *store)
{
	struct hd_object_logs *logs = store->logs;
	int r;

	hd_log_enter(logs);
	r = hold_busy(logs);
	if (r == 0) {
		r = hd_log_refresh_busy(logs, true);
		if (r < 0)
			let_go_busy(logs);
	}
	if (r < 0)
		hd_log_leave(logs);
	return r;
}

void hd_object_log_let_go(struct hd_object_store *store)
{
	let_go_busy(store->logs);
	hd_log_leave(store->logs);
}

int hd_object_log_has_held(struct hd_object_store *store, const struct hd_object_id *id)
{
	return hd_object_log_has(store, id);
}

bool hd_object_log_has(struct hd_object_store *store, const struct hd_object_id *id)
{
	bool found;

	hd_mutex_lock(&store->logs->lock);
	found = hd_log_find_locked(store->logs, id) != NULL;
	hd_mutex_unlock(&store->logs->lock);
	return found;
}

/* A log that could not be opened for writing, once more. */
static int make_writable(const struct hd_object_logs *logs, struct hd_log_file *file)
{
	HD_AUTO_CLOSE int fd = -1;
	char name[HD_LOG_NAME_SIZE];
	int r;

	if (!file->read_only)
		return 0;
	(void)snprintf(name, sizeof(name), "%u", file->number);
	r = fd = hd_file_open(logs->directory_fd, name, O_RDWR | O_NOFOLLOW, 0);
	if (r >= 0)
		r = hd_descriptor_replace(file->fd, fd);
	if (r < 0)
		return hd_fail(r, "open a log of recent objects to write");
	file->read_only = false;
	return 0;
}

/* Writes whole records, sealed for that place, at the end of FILE, the last log. */
static int write_records(
	struct hd_object_logs *logs, struct hd_log_file *file, const uint8_t *records, size_t size)
{
	struct stat st;
	int r = make_writable(logs, file);

	if (r < 0)
		return r;
	/* Whoever has the lock has read everything; if not, somebody wrote without it. Nothing is ever written over. */
	r = hd_file_stat(file->fd, &st);
	if (r == 0 && (uint64_t)st.st_size > file->end)
		r = hd_fail(EIO, "a log of recent objects grew while it was locked");
	if (r < 0)
		return r;
	r = hd_file_write_at(file->fd, records, size, file->end);
	if (r < 0) {
		/* What is there of it would be torn; if it cannot be taken back, it is passed over. */
		(void)hd_file_truncate(file->fd, file->end);
		return r;
	}
	hd_log_set_end_busy(logs, file, file->end + size, false, false);
	return 0;
}

/* Writes a record at the end of FILE, the last log. */
static int write_record(
	struct hd_object_logs *logs, struct hd_log_file *file, struct hd_log_record *record, const void *data)
{
	size_t extent = (size_t)hd_log_extent(record->size);
	HD_AUTO_FREE uint8_t *bytes = calloc(1, extent);

	if (!bytes)
		return -ENOMEM;
	hd_log_seal(record, file->id, file->end);
	memcpy(bytes, record, sizeof(*record));
	if (record->size)
		memcpy(bytes + sizeof(*record), data, record->size);
	return write_records(logs, file, bytes, extent);
}

static int create_file(struct hd_object_logs *logs, unsigned number, struct hd_log_file *ret_file)
{
	struct hd_log_header header = {.magic = HD_LOG_MAGIC, .version = HD_LOG_VERSION, .id = hd_random64()};
	struct hd_atomic_file file;
	char name[HD_LOG_NAME_SIZE];
	int r;

	header.sum = hd_checksum64(&header, offsetof(struct hd_log_header, sum));
	(void)snprintf(name, sizeof(name), "%u", number);
	r = hd_file_atomic_begin(logs->directory_fd, 0600, &file);
	if (r < 0)
		return r;
	r = hd_file_write_at(file.fd, &header, sizeof(header), 0);
	if (r < 0)
		hd_file_atomic_abort(&file);
	else
		r = hd_file_atomic_commit(&file, name, false, false);
	if (r < 0)
		return r;
	r = hd_file_open(logs->directory_fd, name, O_RDWR | O_NOFOLLOW, 0);
	*ret_file = (struct hd_log_file){
		.number = number, .fd = r, .id = header.id, .end = sizeof(header), .sound = true};
	return r < 0 ? r : 0;
}

int hd_log_begin_held(struct hd_object_logs *logs)
{
	struct hd_log_file *last = logs->n_files ? &logs->files[logs->n_files - 1] : NULL;
	struct hd_log_record end = {.magic = HD_LOG_CLOSE_MAGIC};
	struct hd_log_file file;
	int r = 0;

	if (last && last->sound && !last->closed) {
		r = write_record(logs, last, &end, NULL);
		if (r == 0)
			hd_log_set_end_busy(logs, last, last->end, true, false);
	}
	if (r == 0)
		r = create_file(logs, last ? last->number + 1 : 1, &file);
	if (r < 0)
		return hd_fail(r, "begin a log of recent objects");
	return hd_log_add_file_busy(logs, &file);
}

/* The log to append to, if COUNT objects have a place in it, which take EXTENT bytes there. */
static int choose_file(
	struct hd_object_logs *logs, uint64_t extent, size_t count, struct hd_log_file **ret_file)
{
	struct hd_log_file *last = logs->n_files ? &logs->files[logs->n_files - 1] : NULL;
	bool failed;
	int r = 0;

	hd_mutex_lock(&logs->lock);
	failed = last && last->failed;
	hd_mutex_unlock(&logs->lock);
	if (!last || !last->sound || last->closed || failed)
		r = hd_log_begin_held(logs);
	if (r < 0)
		return r;
	last = &logs->files[logs->n_files - 1];
	if (last->end + extent > HD_OBJECT_LOG_FULL || logs->n_entries + count > HD_OBJECT_LOG_FULL_COUNT)
		return -EFBIG;
	*ret_file = last;
	return 0;
}

static bool is_there_held(struct hd_object_store *store, const struct hd_object_id *id)
{
	char path[HD_OBJECT_PATH_SIZE];

	return hd_object_log_has_held(store, id) ||
	       hd_file_exists(store->objects_fd, hd_object_id_path(id, path));
}

static int append_held(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool force)
{
	struct hd_log_record record = {.magic = HD_LOG_RECORD_MAGIC, .size = (uint32_t)size};
	struct hd_log_file *file = NULL;
	struct hd_log_entry entry;
	int r;

	if (!force && is_there_held(store, id))
		return -EEXIST;
	r = choose_file(store->logs, hd_log_extent(size), 1, &file);
	if (r < 0)
		return r;
	entry = (struct hd_log_entry){
		.id = *id, .size = record.size, .offset = file->end + sizeof(record), .file = file->number};
	hd_object_id_to_bytes(id, record.id);
	r = write_record(store->logs, file, &record, data);
	return r < 0 ? r : hd_log_insert_busy(store->logs, &entry);
}

int hd_object_log_append(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool force)
{
	int r;

	if (size > hd_object_log_limit)
		return -EFBIG;
	r = hd_object_log_hold(store);
	if (r < 0)
		return r;
	r = append_held(store, id, data, size, force);
	hd_object_log_let_go(store);
	return r;
}

/* Makes the records at the beginning of each object whole, for END of the log FILE. */
static void seal_all(
	const struct hd_log_file *file, uint8_t *records, const struct hd_object_pending *list, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		struct hd_log_record record = {.magic = HD_LOG_RECORD_MAGIC, .size = list[i].size};
		uint64_t place = file->end + (list[i].offset - list[0].offset);

		hd_object_id_to_bytes(&list[i].id, record.id);
		hd_log_seal(&record, file->id, place);
		memcpy(records + list[i].offset, &record, sizeof(record));
	}
}

/* Appends COUNT neighbours, none of which is there, by one write. */
static int append_run_held(struct hd_object_store *store, struct hd_log_file *file, uint8_t *records,
	const struct hd_object_pending *list, size_t count)
{
	const struct hd_object_pending *last = &list[count - 1];
	size_t size = last->offset + (size_t)hd_log_extent(last->size) - list[0].offset;
	uint64_t begin = file->end;
	int r;

	seal_all(file, records, list, count);
	r = write_records(store->logs, file, records + list[0].offset, size);
	for (size_t i = 0; i < count && r == 0; i++) {
		const struct hd_log_entry entry = {.id = list[i].id,
			.size = list[i].size,
			.offset = begin + (list[i].offset - list[0].offset) + sizeof(struct hd_log_record),
			.file = file->number};

		r = hd_log_insert_busy(store->logs, &entry);
	}
	return r;
}

static int append_all_held(struct hd_object_store *store, uint8_t *records, size_t size,
	struct hd_object_pending *list, size_t count)
{
	struct hd_log_file *file = NULL;
	int r = choose_file(store->logs, size, count, &file);

	for (size_t i = 0; i < count && r == 0; i++)
		list[i].there = is_there_held(store, &list[i].id);
	for (size_t i = 0, end; i < count && r == 0; i = end + 1) {
		for (end = i; end < count && !list[end].there;)
			end++;
		if (end > i)
			r = append_run_held(store, file, records, &list[i], end - i);
	}
	return r;
}

int hd_object_log_append_all(struct hd_object_store *store, uint8_t *records, size_t size,
	struct hd_object_pending *list, size_t count)
{
	int r = hd_object_log_hold(store);

	if (r < 0)
		return r;
	r = append_all_held(store, records, size, list, count);
	hd_object_log_let_go(store);
	return r;
}
