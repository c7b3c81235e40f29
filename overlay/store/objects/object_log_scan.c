/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/objects/object_log_types.h"

/*
 * Reading logs: headers alone, since whoever reads an object verifies its bytes.
 *
 * Where no header verifies, the next one behind it is looked for. Without the lock between processes, the end may be a
 * record that is being written: it is looked at again next time. With the lock it is torn, and the next record goes
 * behind it.
 */

#define WINDOW ((size_t)64 << 10)

/* A piece of the log in memory. */
struct window {
	int fd;
	uint64_t offset;
	size_t size;
	uint8_t *data; /* owned; WINDOW bytes */
};

/* SIZE bytes at OFFSET: a pointer into the window, or NULL at the file's end or with *RET_R < 0. */
static const uint8_t *look(struct window *window, uint64_t offset, size_t size, int *ret_r)
{
	if (offset < window->offset || offset + size > window->offset + window->size) {
		window->offset = offset;
		window->size = 0;
		*ret_r = hd_file_read_at(window->fd, window->data, WINDOW, offset, &window->size);
		if (*ret_r < 0 || window->size < size)
			return NULL;
	}
	return window->data + (offset - window->offset);
}

static uint64_t sum_of(const struct hd_log_record *record, uint64_t log_id, uint64_t offset)
{
	uint64_t parts[2] = {log_id, offset};
	uint64_t sum = hd_checksum64(parts, sizeof(parts));

	return hd_checksum64_continue(sum, record, offsetof(struct hd_log_record, sum));
}

void hd_log_seal(struct hd_log_record *record, uint64_t log_id, uint64_t offset)
{
	record->sum = sum_of(record, log_id, offset);
}

static bool is_record(const uint8_t *bytes, const struct hd_log_file *file, uint64_t offset,
	struct hd_log_record *ret_record)
{
	memcpy(ret_record, bytes, sizeof(*ret_record));
	if (ret_record->magic != HD_LOG_RECORD_MAGIC && ret_record->magic != HD_LOG_CLOSE_MAGIC)
		return false;
	return ret_record->sum == sum_of(ret_record, file->id, offset);
}

/* The next record from OFFSET on; UINT64_MAX when there is none. */
static uint64_t search(struct window *window, const struct hd_log_file *file, uint64_t offset,
	struct hd_log_record *ret_record, int *ret_r)
{
	const uint8_t *bytes;

	while ((bytes = look(window, offset, sizeof(*ret_record), ret_r))) {
		if (is_record(bytes, file, offset, ret_record))
			return offset;
		offset += HD_LOG_ALIGNMENT;
	}
	return UINT64_MAX;
}

static int take_record(struct hd_object_logs *logs, struct hd_log_file *file, uint64_t offset,
	const struct hd_log_record *record)
{
	struct hd_log_entry entry = {
		.size = record->size, .offset = offset + sizeof(*record), .file = file->number};

	hd_object_id_from_bytes(record->id, &entry.id);
	return hd_log_insert_busy(logs, &entry);
}

void hd_log_set_end_busy(
	struct hd_object_logs *logs, struct hd_log_file *file, uint64_t end, bool closed, bool torn)
{
	hd_mutex_lock(&logs->lock);
	file->end = end;
	file->closed |= closed;
	file->torn |= torn;
	hd_mutex_unlock(&logs->lock);
}

static uint64_t aligned(uint64_t offset)
{
	return (offset + HD_LOG_ALIGNMENT - 1) & ~(uint64_t)(HD_LOG_ALIGNMENT - 1);
}

/* What is behind the last record, up to TOTAL. */
static int scan_records(struct hd_object_logs *logs, struct hd_log_file *file, struct window *window,
	uint64_t total, bool held)
{
	struct hd_log_record record;
	uint64_t offset, end;
	int r = 0;

	while (!file->closed && file->end < total) {
		offset = search(window, file, file->end, &record, &r);
		if (r < 0)
			return r;
		if (offset == UINT64_MAX) {
			if (held)
				hd_log_set_end_busy(logs, file, aligned(total), false, true);
			return 0;
		}
		end = offset + hd_log_extent(record.size);
		if (offset + sizeof(record) + record.size > total && !held)
			return 0;
		if (record.magic == HD_LOG_RECORD_MAGIC)
			r = take_record(logs, file, offset, &record);
		if (r < 0)
			return r;
		hd_log_set_end_busy(logs, file, end, record.magic == HD_LOG_CLOSE_MAGIC, offset != file->end);
	}
	return 0;
}

static int scan(struct hd_object_logs *logs, struct hd_log_file *file, bool held)
{
	HD_AUTO_FREE uint8_t *data = NULL;
	struct window window = {.fd = file->fd};
	struct stat st;
	int r;

	if (!file->sound || file->closed)
		return 0;
	r = hd_file_stat(file->fd, &st);
	if (r < 0 || file->end >= (uint64_t)st.st_size)
		return r;
	data = malloc(WINDOW);
	if (!data)
		return -ENOMEM;
	window.data = data;
	return scan_records(logs, file, &window, (uint64_t)st.st_size, held);
}

static int open_file(struct hd_object_logs *logs, unsigned number, struct hd_log_file *ret_file)
{
	struct hd_log_file file = {.number = number, .end = sizeof(struct hd_log_header)};
	struct hd_log_header header;
	char name[HD_LOG_NAME_SIZE];
	size_t got = 0;
	bool writable;
	int r;

	(void)snprintf(name, sizeof(name), "%u", number);
	file.fd = hd_file_open_or_read(logs->directory_fd, name, O_NOFOLLOW | O_NONBLOCK, &writable);
	if (file.fd < 0)
		return file.fd;
	file.read_only = !writable;
	r = hd_file_read_at(file.fd, &header, sizeof(header), 0, &got);
	file.sound = r == 0 && got == sizeof(header) && header.magic == HD_LOG_MAGIC &&
		     header.version == HD_LOG_VERSION && header.zero == 0 &&
		     header.sum == hd_checksum64(&header, offsetof(struct hd_log_header, sum));
	file.id = header.id;
	*ret_file = file;
	return 0;
}

struct numbers {
	unsigned *list; /* owned */
	size_t count, capacity;
};

static int note_number(const char *name, unsigned char type, void *payload)
{
	struct numbers *numbers = payload;
	char expected[HD_LOG_NAME_SIZE];
	unsigned number = 0;

	(void)type;
	if (sscanf(name, "%u", &number) != 1 || number == 0)
		return 0;
	(void)snprintf(expected, sizeof(expected), "%u", number);
	if (strcmp(name, expected) != 0)
		return 0;
	if (HD_ARRAY_RESERVE(numbers->list, numbers->count, numbers->capacity) < 0)
		return -ENOMEM;
	numbers->list[numbers->count++] = number;
	return 0;
}

static int compare_numbers(const void *a, const void *b)
{
	const unsigned *left = a, *right = b;

	return (*left > *right) - (*left < *right);
}

static bool is_gone(const struct hd_log_file *file)
{
	struct stat st;

	return hd_file_stat(file->fd, &st) == 0 && st.st_nlink == 0;
}

/* Forgets the logs that are no more; if there are any, the others are to be read from their beginning. */
static bool drop_gone_busy(struct hd_object_logs *logs)
{
	bool gone[64] = {false};
	size_t kept = 0;
	bool any = false;

	for (size_t i = 0; i < logs->n_files && i < HD_ARRAY_SIZE(gone); i++)
		any |= gone[i] = is_gone(&logs->files[i]);
	if (!any)
		return false;
	hd_log_clear_table_busy(logs);
	hd_mutex_lock(&logs->lock);
	for (size_t i = 0; i < logs->n_files; i++) {
		if (i < HD_ARRAY_SIZE(gone) && gone[i]) {
			hd_cleanup_close(&logs->files[i].fd);
			continue;
		}
		logs->files[kept] = logs->files[i];
		logs->files[kept].end = sizeof(struct hd_log_header);
		logs->files[kept++].closed = false;
	}
	logs->n_files = kept;
	hd_mutex_unlock(&logs->lock);
	return true;
}

static int add_file(struct hd_object_logs *logs, unsigned number)
{
	struct hd_log_file file;
	int r;

	if (logs->n_files && logs->files[logs->n_files - 1].number >= number)
		return 0;
	r = open_file(logs, number, &file);
	/* Gone since it was listed. */
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	return hd_log_add_file_busy(logs, &file);
}

/* *RET_CHANGED: there is something to be read. */
static int relist_busy(struct hd_object_logs *logs, bool *ret_changed)
{
	struct numbers numbers = {0};
	size_t before;
	int r;

	*ret_changed = drop_gone_busy(logs);
	before = logs->n_files;
	r = hd_directory_list(logs->directory_fd, ".", note_number, &numbers);
	if (numbers.count)
		qsort(numbers.list, numbers.count, sizeof(*numbers.list), compare_numbers);
	for (size_t i = 0; i < numbers.count && r == 0; i++)
		r = add_file(logs, numbers.list[i]);
	free(numbers.list);
	logs->listed |= r == 0;
	*ret_changed |= logs->n_files != before;
	return r;
}

static bool is_listing_old(struct hd_object_logs *logs)
{
	struct hd_log_file *last = logs->n_files ? &logs->files[logs->n_files - 1] : NULL;

	return !logs->listed || !last || last->closed || !last->sound || is_gone(last);
}

int hd_log_refresh_busy(struct hd_object_logs *logs, bool held)
{
	bool changed = false;
	int r = 0;

	if (is_listing_old(logs))
		r = relist_busy(logs, &changed);
	do {
		changed = false;
		for (size_t i = 0; i < logs->n_files && r == 0; i++)
			r = scan(logs, &logs->files[i], held);
		/* Closed: there is another one by now. Those that are gone make the others be read anew. */
		if (r == 0 && is_listing_old(logs))
			r = relist_busy(logs, &changed);
	} while (r == 0 && changed);
	return r < 0 ? hd_fail(r, "read the logs of recent objects") : 0;
}
