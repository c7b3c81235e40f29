/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/journal_repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_source.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"

/*
 * The order: the damaged journal gets its second name, the whole part is written and synced under another name and takes
 * the first one. Last the note of how long the journal was goes, which it is no more; while it is there, a journal that is
 * gone is an error.
 */

#define NAMES 1000

static int ignore_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	(void)payload;
	(void)table;
	(void)index;
	(void)data;
	(void)size;
	return 0;
}

static int ignore_block(void *payload, uint32_t block, const void *data, size_t size)
{
	(void)payload;
	(void)block;
	(void)data;
	(void)size;
	return 0;
}

static int ignore_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	(void)payload;
	(void)slot;
	(void)offset;
	(void)data;
	(void)size;
	return 0;
}

static const struct hd_replay nowhere = {
	.record = ignore_record, .block = ignore_block, .large = ignore_large};

static int set_aside(int fd, struct hd_journal_repair *repair)
{
	int r = hd_file_link(fd, "journal", "journal.damaged");

	(void)snprintf(repair->aside, sizeof(repair->aside), "journal.damaged");
	for (int n = 2; r == -EEXIST && n < NAMES; n++) {
		(void)snprintf(repair->aside, sizeof(repair->aside), "journal.damaged.%d", n);
		r = hd_file_link(fd, "journal", repair->aside);
	}
	if (r == 0)
		r = hd_directory_sync(fd);
	return r < 0 ? hd_fail_in(r, "keep the damaged journal") : 0;
}

static int copy(struct hd_journal_source *source, int fd, uint64_t size)
{
	uint64_t at = 0;
	int r = 0;

	while (r == 0 && at < size) {
		size_t piece = size - at < HD_SOURCE_PIECE ? (size_t)(size - at) : HD_SOURCE_PIECE;
		const uint8_t *bytes = hd_source_bytes(source, at, piece);

		r = bytes                ? hd_file_write_at(fd, bytes, piece, at)
		    : source->status < 0 ? source->status
					 : -EIO;
		at += piece;
	}
	return r;
}

static int write_whole_part(int directory_fd, struct hd_journal_source *source, uint64_t size)
{
	HD_AUTO_CLOSE int fd = -1;
	int r = fd = hd_file_open(directory_fd, "journal.new", O_WRONLY | O_CREAT | O_TRUNC, 0600);

	if (r >= 0)
		r = copy(source, fd, size);
	if (r == 0)
		r = hd_file_sync(fd);
	if (r == 0)
		r = hd_file_rename(directory_fd, "journal.new", "journal");
	return r < 0 ? hd_fail_in(r, "write the whole part of the journal") : 0;
}

static int replace(int fd, struct hd_journal_source *source, struct hd_journal_repair *repair)
{
	struct hd_replay_report report = {0};
	int r;

	if (hd_journal_decode(source, 0, &nowhere, &report) < 0) {
		/* What cannot be read is not known to be damaged. */
		if (source->status < 0)
			return hd_fail_in(source->status, "read the journal");
		hd_error_clear();
	}
	repair->epochs = report.epochs;
	repair->kept = report.size;
	repair->set_aside = source->size - report.size;
	r = set_aside(fd, repair);
	if (r == 0)
		r = report.epochs ? write_whole_part(fd, source, report.size) : hd_file_unlink(fd, "journal");
	return r;
}

static int repair_in(int directory_fd, struct hd_journal_repair *repair)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, "journal", O_RDONLY, 0);
	struct hd_journal_source source;
	int r = fd;

	if (r != -ENOENT) {
		if (r >= 0)
			r = hd_journal_source_file(&source, fd);
		if (r < 0)
			return hd_fail_in(r, "read the journal");
		r = replace(directory_fd, &source, repair);
		hd_journal_source_clear(&source);
		if (r < 0)
			return r;
	}
	r = hd_file_unlink(directory_fd, "journal.end");
	if (r == 0 || r == -ENOENT)
		r = hd_directory_sync(directory_fd);
	return r < 0 ? hd_fail_in(r, "forget how long the journal was") : 0;
}

static int lock(int directory_fd, const char *thread)
{
	int fd = hd_file_open(directory_fd, "lock", O_RDWR | O_CREAT, 0600);
	int r = fd < 0 ? fd : hd_file_lock(fd);

	if (r >= 0)
		return fd;
	hd_cleanup_close(&fd);
	return r == -EWOULDBLOCK ? hd_fail(HD_E_THREAD_BUSY, "thread '%s'", thread)
				 : hd_fail_in(r, "lock thread '%s'", thread);
}

int hd_journal_repair(
	struct hd_store *store, const struct hd_thread *thread, struct hd_journal_repair *ret_repair)
{
	HD_AUTO_CLOSE int directory_fd = -1;
	HD_AUTO_CLOSE int lock_fd = -1;
	struct hd_journal_repair repair = {0};
	struct hd_replay_report report;
	char path[64];
	int r;

	(void)snprintf(path, sizeof(path), "threads/%u", thread->number);
	r = directory_fd = hd_directory_open(store->fd, path);
	if (r == -ENOENT) {
		*ret_repair = repair;
		return 0;
	}
	if (r >= 0)
		r = lock_fd = lock(directory_fd, thread->name);
	if (r < 0)
		return hd_fail_in(r, "open the directory of thread '%s'", thread->name);
	r = hd_journal_replay(directory_fd, thread->number, &nowhere, &report);
	if (r == -HD_E_JOURNAL_CORRUPT) {
		hd_error_clear();
		repair.was_damaged = true;
		r = repair_in(directory_fd, &repair);
	}
	if (r == 0)
		*ret_repair = repair;
	return r;
}
