/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/journal/journal_header.h"
#include "overlay/journal/journal_origins.h"
#include "overlay/journal/journal_source.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * Reading the journal, through a window: a journal of any length costs the same memory. Each epoch is verified as a whole
 * before its first item is applied, so a torn one changes nothing. Nothing in the file is trusted: sizes are checked against
 * what is left, places against their tables (by whoever applies them).
 *
 * What does not verify at the end was cut short by a crash, and was never acknowledged. If a later epoch had begun behind
 * it, or the thread was closed with more than there is, it had been on disk, and somebody was told so: going on without it
 * would lose it in silence.
 */

struct epoch {
	uint64_t items; /* where they begin */
	uint64_t items_size;
	uint64_t end; /* behind the trailer */
};

/* The item that the SIZE bytes at BYTES begin with, and its bytes with its head; 0 if it is none, or not whole. */
static size_t read_item(const uint8_t *bytes, size_t size, struct hd_journal_item *ret_item)
{
	if (size < sizeof(*ret_item))
		return 0;
	memcpy(ret_item, bytes, sizeof(*ret_item));
	if (ret_item->kind >= HD_ITEM_KIND_COUNT || ret_item->size > HD_ITEM_LIMIT ||
		ret_item->size > size - sizeof(*ret_item))
		return 0;
	return sizeof(*ret_item) + ret_item->size;
}

/* No item begins like one. */
static bool is_trailer(const uint8_t *bytes, size_t size)
{
	uint64_t magic;

	if (size < sizeof(struct hd_epoch_trailer))
		return false;
	memcpy(&magic, bytes, sizeof(magic));
	return magic == HD_TRAILER_MAGIC;
}

/* Hashes header and items of the epoch at AT; *RET_END is where the trailer begins. */
static bool hash_epoch(
	struct hd_journal_source *source, struct hd_hash_stream *stream, uint64_t at, uint64_t *ret_end)
{
	const uint8_t *bytes = hd_source_bytes(source, at, sizeof(struct hd_epoch_header));
	struct hd_journal_item item;
	size_t size;

	if (!bytes)
		return false;
	hd_hash_stream_update(stream, bytes, sizeof(struct hd_epoch_header));
	at += sizeof(struct hd_epoch_header);
	while ((bytes = hd_source_window(source, at, &size))) {
		size_t used = 0, more;

		while ((more = read_item(bytes + used, size - used, &item)) > 0)
			used += more;
		hd_hash_stream_update(stream, bytes, used);
		at += used;
		if (is_trailer(bytes + used, size - used)) {
			*ret_end = at;
			return true;
		}
		if (used == 0)
			return false;
	}
	return false;
}

static bool begins_epoch(struct hd_journal_source *source, uint64_t at, uint64_t id, uint64_t *ret_sequence)
{
	const size_t size = sizeof(struct hd_epoch_header);
	const uint8_t *bytes = hd_source_bytes(source, at, size);

	return bytes && hd_epoch_header_read(bytes, size, id, ret_sequence);
}

/* True when a whole epoch with number SEQUENCE begins at AT. */
static bool verify_epoch(
	struct hd_journal_source *source, uint64_t at, uint64_t id, uint64_t sequence, struct epoch *ret)
{
	const uint64_t items = at + sizeof(struct hd_epoch_header);
	struct hd_epoch_trailer trailer;
	struct hd_hash_stream *stream;
	const uint8_t *bytes;
	struct hd_hash128 hash;
	uint64_t found, end = 0;
	bool whole;

	if (!begins_epoch(source, at, id, &found) || found != sequence)
		return false;
	stream = hd_hash_stream_new();
	if (!stream) {
		source->status = -ENOMEM;
		return false;
	}
	whole = hash_epoch(source, stream, at, &end);
	hash = hd_hash_stream_finish(stream);
	bytes = whole ? hd_source_bytes(source, end, sizeof(trailer)) : NULL;
	if (!bytes)
		return false;
	memcpy(&trailer, bytes, sizeof(trailer));
	if (trailer.size != end - items || memcmp(hash.bytes, trailer.checksum, sizeof(hash.bytes)) != 0)
		return false;
	*ret = (struct epoch){.items = items, .items_size = end - items, .end = end + sizeof(trailer)};
	return true;
}

static int apply_item(const struct hd_journal_item *item, const void *data, const struct hd_replay *replay)
{
	switch ((enum hd_journal_item_kind)item->kind) {
	case HD_ITEM_RECORD:
		return replay->record(replay->payload, item->table, item->index, data, item->size);
	case HD_ITEM_BLOCK:
		return replay->block(replay->payload, item->index, data, item->size);
	case HD_ITEM_LARGE:
		return replay->large(replay->payload, item->index, item->offset, data, item->size);
	case HD_ITEM_KIND_COUNT:
		break;
	}
	return -HD_E_JOURNAL_CORRUPT;
}

static int apply_epoch(
	struct hd_journal_source *source, const struct epoch *epoch, const struct hd_replay *replay)
{
	uint64_t at = epoch->items;
	int r = 0;

	while (r == 0 && at < epoch->items + epoch->items_size) {
		struct hd_journal_item item;
		size_t size, used = 0, more;
		const uint8_t *bytes = hd_source_window(source, at, &size);

		while (bytes && r == 0 && (more = read_item(bytes + used, size - used, &item)) > 0) {
			r = apply_item(&item, bytes + used + sizeof(item), replay);
			used += more;
		}
		/* It verified a moment ago. */
		if (r == 0 && used == 0)
			r = source->status < 0 ? source->status : -HD_E_JOURNAL_CORRUPT;
		at += used;
	}
	return r;
}

/* The number of an epoch behind number SEQUENCE whose header is somewhere from AT on, or 0. */
static uint64_t find_later(struct hd_journal_source *source, uint64_t at, uint64_t id, uint64_t sequence)
{
	const size_t overlap = sizeof(struct hd_epoch_header) - 1;
	uint64_t found = 0;

	while (found == 0 && hd_source_left(source, at) > overlap) {
		uint64_t left = hd_source_left(source, at);
		size_t size = left < HD_SOURCE_PIECE ? (size_t)left : HD_SOURCE_PIECE;
		const uint8_t *bytes = hd_source_bytes(source, at, size);
		size_t place;

		if (!bytes || hd_epoch_header_find(bytes, size, id, sequence, &place, &found))
			break;
		at += size - overlap;
	}
	return found;
}

static void look_behind(
	struct hd_journal_source *source, uint64_t at, uint64_t id, struct hd_replay_report *report)
{
	uint64_t found;

	report->size = at;
	report->torn_bytes = hd_source_left(source, at);
	/* The proof that the last epoch is on disk is nothing torn. */
	if (report->torn_bytes == sizeof(struct hd_epoch_header) && begins_epoch(source, at, id, &found) &&
		found == report->epochs + 1)
		report->torn_bytes = 0;
	report->lost_epoch = find_later(source, at, id, report->epochs + 1);
}

static int read_header(
	struct hd_journal_source *source, uint32_t thread, struct hd_journal_header *ret_header)
{
	uint64_t left = hd_source_left(source, 0);
	size_t size = left < sizeof(*ret_header) ? (size_t)left : sizeof(*ret_header);
	const uint8_t *bytes = hd_source_bytes(source, 0, size);

	return bytes ? hd_journal_header_read(bytes, size, thread, ret_header) : source->status;
}

/* Applies whole epochs of the journal ID, LIMIT at the most, that begin at *AT; *AT becomes the end of the last one. */
static int apply_epochs(struct hd_journal_source *source, uint64_t id, uint64_t limit,
	const struct hd_replay *replay, uint64_t *at, uint64_t *ret_epochs)
{
	struct epoch epoch;
	uint64_t epochs = 0;
	int r = 0;

	while (r == 0 && epochs < limit && hd_source_left(source, *at) > 0 &&
		verify_epoch(source, *at, id, epochs + 1, &epoch)) {
		r = apply_epoch(source, &epoch, replay);
		*at = epoch.end;
		epochs++;
	}
	*ret_epochs = epochs;
	return r;
}

int hd_journal_decode(struct hd_journal_source *source, uint32_t thread, const struct hd_replay *replay,
	struct hd_replay_report *ret_report)
{
	struct hd_replay_report report = {0};
	struct hd_journal_origins origins;
	struct hd_journal_header header;
	uint64_t at;
	int r = read_header(source, thread, &header);

	if (r == 0)
		r = hd_journal_origins_read(source, &header, &origins, &at);
	if (r == 0)
		r = apply_epochs(source, header.id, UINT64_MAX, replay, &at, &report.epochs);
	if (r < 0)
		return r;
	if (source->status == 0 && (report.epochs > 0 || origins.count > 0))
		look_behind(source, at, header.id, &report);
	/* A disk that does not read is no journal that ends. */
	if (source->status < 0)
		return source->status;
	/* The first epoch is a checkpoint, which got its name after it was synced: it cannot be torn by a crash. To
	 * begin anew, as if there were nothing, would lose what is behind the damage for good. */
	if (report.epochs == 0 && origins.count == 0)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal's checkpoint does not verify");
	report.id = header.id;
	*ret_report = report;
	return 0;
}

/* ---- what a fork begins with ---- */

int hd_journal_decode_origin(struct hd_journal_source *source, const struct hd_journal_origin *origin,
	const struct hd_replay *replay, uint64_t *ret_epochs, uint64_t *ret_size)
{
	struct hd_journal_origins ignored;
	struct hd_journal_header header;
	uint64_t at = 0, epochs = 0;
	int r;

	*ret_epochs = *ret_size = 0;
	/* Whoever goes on writing it does so behind that place. */
	if (source->size > origin->size)
		source->size = origin->size;
	r = read_header(source, origin->thread, &header);
	if (r == 0 && header.id != origin->id)
		r = hd_fail(HD_E_JOURNAL_CORRUPT, "it is another journal");
	if (r == 0)
		r = hd_journal_origins_read(source, &header, &ignored, &at);
	if (r == 0)
		r = apply_epochs(source, header.id, origin->sequence, replay, &at, &epochs);
	if (r == 0)
		r = source->status;
	*ret_epochs = epochs;
	*ret_size = at;
	if (r == 0 && (epochs != origin->sequence || at != origin->size))
		r = hd_fail(HD_E_JOURNAL_CORRUPT,
			"epochs 1 to %llu of %llu are whole, up to byte %llu of %llu",
			(unsigned long long)epochs, (unsigned long long)origin->sequence,
			(unsigned long long)at, (unsigned long long)origin->size);
	return r;
}

static int replay_origin(
	int directory_fd, size_t n, const struct hd_journal_origin *origin, const struct hd_replay *replay)
{
	struct hd_journal_source source;
	char name[HD_ORIGIN_NAME_SIZE];
	HD_AUTO_CLOSE int fd = -1;
	uint64_t epochs, size;
	int r;

	hd_journal_origin_name(HD_ORIGIN_PREFIX, n, name);
	r = fd = hd_file_open(directory_fd, name, O_RDONLY, 0);
	if (r == -ENOENT)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "%s, which the fork begins with, is gone", name);
	if (r >= 0)
		r = hd_journal_source_file(&source, fd);
	if (r < 0)
		return hd_fail_in(r, "read %s", name);
	r = hd_journal_decode_origin(&source, origin, replay, &epochs, &size);
	hd_journal_source_clear(&source);
	return r < 0 ? hd_fail_in(r, "read %s", name) : 0;
}

/* Everything in front of the own epochs of the journal in SOURCE. */
static int replay_origins(int directory_fd, uint32_t thread, struct hd_journal_source *source,
	const struct hd_replay *replay, struct hd_replay_report *report)
{
	struct hd_journal_origins origins;
	struct hd_journal_header header;
	uint64_t begin;
	int r = read_header(source, thread, &header);

	if (r == 0)
		r = hd_journal_origins_read(source, &header, &origins, &begin);
	for (size_t i = 0; r == 0 && i < origins.count; i++) {
		r = replay_origin(directory_fd, i + 1, &origins.origins[i], replay);
		report->origin_epochs += origins.origins[i].sequence;
	}
	return r;
}

/* ---- a thread's journal ---- */

/* 1; 0 when nothing is noted, or the note does not verify. What cannot be read may be noted: a failure. */
static int read_end(int directory_fd, struct hd_journal_end *ret_end)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size = 0;
	int r = hd_file_read_whole(directory_fd, "journal.end", sizeof(*ret_end), &data, &size);

	if (r == -ENOENT || r == -EFBIG)
		return 0;
	if (r < 0)
		return hd_fail_in(r, "read the note of the journal's end");
	if (size != sizeof(*ret_end))
		return 0;
	memcpy(ret_end, data, size);
	return ret_end->magic == HD_JOURNAL_END_MAGIC &&
	       ret_end->checksum == hd_checksum64(data, offsetof(struct hd_journal_end, checksum));
}

static int check_whole(int directory_fd, uint64_t id, const struct hd_replay_report *report)
{
	struct hd_journal_end end;
	int r;

	if (report->lost_epoch)
		return hd_fail(HD_E_JOURNAL_CORRUPT,
			"the journal is damaged at byte %llu: epochs 1 to %llu are whole, and more were "
			"there, number %llu among them",
			(unsigned long long)report->size, (unsigned long long)report->epochs,
			(unsigned long long)report->lost_epoch);
	r = read_end(directory_fd, &end);
	if (r <= 0 || end.id != id || end.sequence <= report->epochs)
		return r < 0 ? r : 0;
	return hd_fail(HD_E_JOURNAL_CORRUPT,
		"the journal's end is missing or damaged from byte %llu on: it had %llu epochs in %llu bytes "
		"when "
		"the thread was closed, and epochs 1 to %llu are whole",
		(unsigned long long)report->size, (unsigned long long)end.sequence,
		(unsigned long long)end.size, (unsigned long long)report->epochs);
}

static int check_absence(int directory_fd)
{
	struct hd_journal_end end;
	int r = read_end(directory_fd, &end);

	if (r <= 0)
		return r;
	return hd_fail(HD_E_JOURNAL_CORRUPT,
		"the journal is gone: it had %llu epochs in %llu bytes when the thread was closed",
		(unsigned long long)end.sequence, (unsigned long long)end.size);
}

int hd_journal_replay(int directory_fd, uint32_t thread, const struct hd_replay *replay,
	struct hd_replay_report *ret_report)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, "journal", O_RDONLY, 0);
	struct hd_replay_report report = {0};
	struct hd_journal_source source;
	uint64_t origin_epochs;
	int r;

	if (fd == -ENOENT) {
		r = check_absence(directory_fd);
	} else {
		r = fd < 0 ? fd : hd_journal_source_file(&source, fd);
		if (r < 0)
			return hd_fail_in(r, "read the journal");
		r = replay_origins(directory_fd, thread, &source, replay, &report);
		origin_epochs = report.origin_epochs;
		if (r == 0)
			r = hd_journal_decode(&source, thread, replay, &report);
		report.origin_epochs = origin_epochs;
		if (source.status < 0)
			r = hd_fail_in(r, "read the journal");
		hd_journal_source_clear(&source);
		if (r == 0)
			r = check_whole(directory_fd, report.id, &report);
	}
	if (r == 0)
		*ret_report = report;
	return r;
}

/* Where the epochs begin. */
static bool read_begin(int fd, uint32_t thread, struct hd_journal_header *ret_header,
	struct hd_journal_origins *ret_origins, uint64_t *ret_begin)
{
	struct hd_journal_source source;
	bool is_read;

	if (hd_journal_source_file(&source, fd) < 0)
		return false;
	is_read = read_header(&source, thread, ret_header) == 0 &&
		  hd_journal_origins_read(&source, ret_header, ret_origins, ret_begin) == 0;
	hd_journal_source_clear(&source);
	return is_read;
}

bool hd_journal_closed_end(int directory_fd, uint32_t thread, struct hd_journal_end *ret_end,
	struct hd_journal_origins *ret_origins)
{
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, "journal", O_RDONLY, 0);
	struct hd_journal_header header;
	struct hd_journal_end end;
	struct stat stat;
	uint64_t begin;
	int r;

	if (fd < 0 || hd_file_stat(fd, &stat) < 0 || !read_begin(fd, thread, &header, ret_origins, &begin))
		return false;
	r = read_end(directory_fd, &end);
	/* A fork that nobody has opened. */
	if (ret_origins->count > 0 && (uint64_t)stat.st_size == begin && r == 0) {
		*ret_end = (struct hd_journal_end){.id = header.id, .size = begin};
		return true;
	}
	if (r <= 0 || end.id != header.id)
		return false;
	*ret_end = end;
	/* The header of the epoch that would have come next is written ahead. */
	return end.size == (uint64_t)stat.st_size ||
	       end.size + sizeof(struct hd_epoch_header) == (uint64_t)stat.st_size;
}

bool hd_journal_was_closed(int directory_fd, uint32_t thread)
{
	struct hd_journal_origins origins;
	struct hd_journal_end end;
	int there = hd_file_look(directory_fd, "journal");

	if (there == 0)
		return read_end(directory_fd, &end) == 0;
	return there > 0 && hd_journal_closed_end(directory_fd, thread, &end, &origins);
}
