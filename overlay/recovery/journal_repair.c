/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/recovery/journal_repair.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_origins.h"
#include "overlay/journal/journal_source.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * The order: the damaged journal gets its second name, the whole part is written and synced under another name and takes
 * the first one. Last the note of how long the journal was goes, which it is no more; while it is there, a journal that is
 * gone is an error.
 *
 * Of a fork, what it begins with may be damaged. Then the whole part is a journal without epochs that begins with less of
 * that. What it does not begin with any more gets a second name, too.
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

static int set_aside(int fd, const char *name, char aside[], size_t size)
{
	int r = hd_file_link(fd, name, "journal.damaged");

	(void)snprintf(aside, size, "journal.damaged");
	for (int n = 2; r == -EEXIST && n < NAMES; n++) {
		(void)snprintf(aside, size, "journal.damaged.%d", n);
		r = hd_file_link(fd, name, aside);
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

/* ---- what a fork begins with ---- */

/* Makes ORIGINS what is whole of them. 1 if that is everything. */
static int cut_origins(int directory_fd, struct hd_journal_origins *origins)
{
	for (size_t i = 0; i < origins->count; i++) {
		struct hd_journal_origin *origin = &origins->origins[i];
		char name[HD_ORIGIN_NAME_SIZE];
		struct hd_journal_source source = {.fd = -1};
		HD_AUTO_CLOSE int fd = -1;
		uint64_t epochs = 0, size = 0;
		int r;

		hd_journal_origin_name(HD_ORIGIN_PREFIX, i + 1, name);
		r = fd = hd_file_open(directory_fd, name, O_RDONLY, 0);
		if (r >= 0)
			r = hd_journal_source_file(&source, fd);
		if (r >= 0)
			r = hd_journal_decode_origin(&source, origin, &nowhere, &epochs, &size);
		hd_journal_source_clear(&source);
		if (r >= 0)
			continue;
		if (r != -HD_E_JOURNAL_CORRUPT && r != -ENOENT)
			return hd_fail_in(r, "read %s", name);
		hd_error_clear();
		origin->sequence = epochs;
		origin->size = size;
		origins->count = i + (epochs > 0);
		return 0;
	}
	return 1;
}

/* The journal of the fork HEADER begins with ORIGINS, and has no epochs. */
static int write_beginning(
	int directory_fd, const struct hd_journal_header *header, const struct hd_journal_origins *origins)
{
	HD_AUTO_BUFFER struct hd_buffer bytes = {0};
	struct hd_journal_source source;
	int r = hd_journal_origins_encode(header, origins, &bytes);

	if (r < 0)
		return r;
	hd_journal_source_memory(&source, bytes.data, bytes.size);
	return write_whole_part(directory_fd, &source, bytes.size);
}

/* What is behind the first COUNT of them, and nothing begins with it any more. */
static int set_origins_aside(int directory_fd, size_t count)
{
	int r = 0;

	for (size_t n = HD_JOURNAL_ORIGINS_LIMIT; r == 0 && n > count; n--) {
		char name[HD_ORIGIN_NAME_SIZE], aside[HD_ORIGIN_NAME_SIZE];

		hd_journal_origin_name(HD_ORIGIN_PREFIX, n, name);
		if (!hd_file_exists(directory_fd, name))
			continue;
		r = set_aside(directory_fd, name, aside, sizeof(aside));
		if (r == 0)
			r = hd_file_unlink(directory_fd, name);
	}
	return r;
}

/* What SOURCE, the journal, begins with; none for one that is no fork's, or does not tell. */
static int read_origins(struct hd_journal_source *source, struct hd_journal_header *ret_header,
	struct hd_journal_origins *ret_origins)
{
	size_t size = sizeof(*ret_header);
	const uint8_t *bytes = hd_source_bytes(source, 0, size);
	uint64_t begin;

	ret_origins->count = 0;
	if ((!bytes || hd_journal_header_read(bytes, size, 0, ret_header) < 0 ||
		    hd_journal_origins_read(source, ret_header, ret_origins, &begin) < 0) &&
		source->status < 0)
		return hd_fail_in(source->status, "read the journal");
	hd_error_clear();
	return 0;
}

/* ---- the journal ---- */

static int replace_cut(int fd, const struct hd_journal_header *header,
	const struct hd_journal_origins *origins, struct hd_journal_repair *repair)
{
	int r;

	repair->kept = hd_journal_origins_size(origins);
	r = set_aside(fd, "journal", repair->aside, sizeof(repair->aside));
	if (r < 0)
		return r;
	r = origins->count ? write_beginning(fd, header, origins) : hd_file_unlink(fd, "journal");
	return r;
}

static int replace_whole(int fd, struct hd_journal_source *source, struct hd_journal_repair *repair)
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
	r = set_aside(fd, "journal", repair->aside, sizeof(repair->aside));
	if (r == 0)
		r = report.size ? write_whole_part(fd, source, report.size) : hd_file_unlink(fd, "journal");
	return r;
}

static int replace(int fd, struct hd_journal_source *source, struct hd_journal_repair *repair)
{
	struct hd_journal_origins origins;
	struct hd_journal_header header;
	int r = read_origins(source, &header, &origins);

	if (r < 0)
		return r;
	r = cut_origins(fd, &origins);
	if (r == 0)
		r = replace_cut(fd, &header, &origins, repair);
	else if (r > 0)
		r = replace_whole(fd, source, repair);
	if (r == 0)
		r = hd_directory_sync(fd);
	for (size_t i = 0; i < origins.count; i++)
		repair->epochs += origins.origins[i].sequence;
	return r < 0 ? r : set_origins_aside(fd, origins.count);
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
	int fd = hd_file_open_lock(directory_fd, "lock");
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
