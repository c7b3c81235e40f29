/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/journal/journal_header.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"

/*
 * Reading the journal. Each epoch is verified as a whole before its first item is applied, so a torn one
 * changes nothing. Nothing in the file is trusted: sizes are checked against what is left, places against
 * their tables (by whoever applies them).
 *
 * What does not verify at the end was cut short by a crash, and was never acknowledged. If a later epoch had begun behind
 * it, or the thread was closed with more than there is, it had been on disk, and somebody was told so: going on without it
 * would lose it in silence.
 */

#define SIZE_LIMIT ((size_t)1 << 40)

struct epoch {
	const uint8_t *items;
	size_t items_size;
	size_t whole; /* header, items and trailer */
};

static bool measure_item(struct hd_reader *reader)
{
	const struct hd_journal_item *seen = hd_reader_bytes(reader, sizeof(*seen));
	struct hd_journal_item item;

	if (!seen)
		return false;
	memcpy(&item, seen, sizeof(item));
	return item.kind < HD_ITEM_KIND_COUNT && item.size <= HD_ITEM_LIMIT &&
	       hd_reader_bytes(reader, item.size);
}

static bool is_trailer(const struct hd_reader *reader)
{
	uint64_t magic;

	if (hd_reader_left(reader) < sizeof(struct hd_epoch_trailer))
		return false;
	memcpy(&magic, reader->data + reader->position, sizeof(magic));
	return magic == HD_TRAILER_MAGIC;
}

/* True when a whole epoch with number SEQUENCE begins at the reader. */
static bool verify_epoch(struct hd_reader reader, uint64_t id, uint64_t sequence, struct epoch *ret)
{
	const uint8_t *start = reader.data + reader.position;
	const size_t header_size = sizeof(struct hd_epoch_header);
	struct hd_epoch_trailer trailer;
	struct hd_hash128 hash;
	size_t covered;
	uint64_t found;

	if (!hd_epoch_header_read(start, hd_reader_left(&reader), id, &found) || found != sequence)
		return false;
	(void)hd_reader_bytes(&reader, header_size);
	while (!is_trailer(&reader))
		if (!measure_item(&reader))
			return false;
	covered = (size_t)(reader.data + reader.position - start);
	memcpy(&trailer, hd_reader_bytes(&reader, sizeof(trailer)), sizeof(trailer));
	hash = hd_hash128(start, covered);
	if (trailer.size != covered - header_size ||
		memcmp(hash.bytes, trailer.checksum, sizeof(hash.bytes)) != 0)
		return false;
	*ret = (struct epoch){.items = start + header_size,
		.items_size = covered - header_size,
		.whole = covered + sizeof(trailer)};
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

static int apply_epoch(const struct epoch *epoch, const struct hd_replay *replay)
{
	struct hd_reader reader;
	int r = 0;

	hd_reader_init(&reader, epoch->items, epoch->items_size);
	while (r == 0 && hd_reader_left(&reader) > 0) {
		struct hd_journal_item item;
		const void *bytes = hd_reader_bytes(&reader, sizeof(item));
		const void *data;

		if (!bytes)
			return -HD_E_JOURNAL_CORRUPT;
		memcpy(&item, bytes, sizeof(item));
		data = hd_reader_bytes(&reader, item.size);
		r = data ? apply_item(&item, data, replay) : -HD_E_JOURNAL_CORRUPT;
	}
	return r;
}

/* The proof that the last epoch is on disk is nothing torn. */
static bool is_lead(const struct hd_reader *rest, uint64_t id, uint64_t sequence)
{
	uint64_t found;

	return hd_reader_left(rest) == sizeof(struct hd_epoch_header) &&
	       hd_epoch_header_read(rest->data + rest->position, hd_reader_left(rest), id, &found) &&
	       found == sequence;
}

static void look_behind(const struct hd_reader *rest, uint64_t id, struct hd_replay_report *report)
{
	size_t at;

	report->size = rest->position;
	report->torn_bytes = is_lead(rest, id, report->epochs + 1) ? 0 : hd_reader_left(rest);
	if (!hd_epoch_header_find(rest->data + rest->position, hd_reader_left(rest), id, report->epochs + 1,
		    &at, &report->lost_epoch))
		report->lost_epoch = 0;
}

int hd_journal_decode(
	const void *data, size_t size, const struct hd_replay *replay, struct hd_replay_report *ret_report)
{
	struct hd_replay_report report = {0};
	struct hd_journal_header header;
	struct hd_reader reader;
	struct epoch epoch;
	int r;

	hd_reader_init(&reader, data, size);
	r = hd_journal_header_read(data, size, 0, &header);
	if (r < 0)
		return r;
	(void)hd_reader_bytes(&reader, sizeof(header));
	while (hd_reader_left(&reader) > 0 && verify_epoch(reader, header.id, report.epochs + 1, &epoch)) {
		r = apply_epoch(&epoch, replay);
		if (r < 0)
			return r;
		(void)hd_reader_bytes(&reader, epoch.whole);
		report.epochs++;
	}
	/* The first epoch is a checkpoint, which got its name after it was synced: it cannot be torn by a crash. To
	 * begin anew, as if there were nothing, would lose what is behind the damage for good. */
	if (report.epochs == 0)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal's checkpoint does not verify");
	look_behind(&reader, header.id, &report);
	*ret_report = report;
	return 0;
}

/* False when nothing is noted, or the note does not verify. */
static bool read_end(int directory_fd, struct hd_journal_end *ret_end)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size = 0;

	if (hd_file_read_whole(directory_fd, "journal.end", sizeof(*ret_end), &data, &size) < 0 ||
		size != sizeof(*ret_end))
		return false;
	memcpy(ret_end, data, size);
	return ret_end->magic == HD_JOURNAL_END_MAGIC &&
	       ret_end->checksum == hd_checksum64(data, offsetof(struct hd_journal_end, checksum));
}

static int check_whole(int directory_fd, uint64_t id, const struct hd_replay_report *report)
{
	struct hd_journal_end end;

	if (report->lost_epoch)
		return hd_fail(HD_E_JOURNAL_CORRUPT,
			"the journal is damaged at byte %llu: epochs 1 to %llu are whole, and more were "
			"there, number %llu among them",
			(unsigned long long)report->size, (unsigned long long)report->epochs,
			(unsigned long long)report->lost_epoch);
	if (!read_end(directory_fd, &end) || end.id != id || end.sequence <= report->epochs)
		return 0;
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

	if (!read_end(directory_fd, &end))
		return 0;
	return hd_fail(HD_E_JOURNAL_CORRUPT,
		"the journal is gone: it had %llu epochs in %llu bytes when the thread was closed",
		(unsigned long long)end.sequence, (unsigned long long)end.size);
}

int hd_journal_replay(int directory_fd, uint32_t thread, const struct hd_replay *replay,
	struct hd_replay_report *ret_report)
{
	HD_AUTO_FREE char *data = NULL;
	struct hd_replay_report report = {0};
	struct hd_journal_header header;
	size_t size = 0;
	int r = hd_file_read_whole(directory_fd, "journal", SIZE_LIMIT, &data, &size);

	if (r == -ENOENT) {
		r = check_absence(directory_fd);
	} else {
		if (r < 0)
			return hd_fail_in(r, "read the journal");
		r = hd_journal_header_read(data, size, thread, &header);
		if (r == 0)
			r = hd_journal_decode(data, size, replay, &report);
		if (r == 0)
			r = check_whole(directory_fd, header.id, &report);
	}
	if (r == 0)
		*ret_report = report;
	return r;
}

bool hd_journal_was_closed(int directory_fd, uint32_t thread)
{
	char bytes[sizeof(struct hd_journal_header)];
	HD_AUTO_CLOSE int fd = hd_file_open(directory_fd, "journal", O_RDONLY, 0);
	struct hd_journal_header header;
	struct hd_journal_end end;
	struct stat stat;
	size_t size = 0;

	if (fd == -ENOENT)
		return !read_end(directory_fd, &end);
	if (fd < 0 || hd_file_stat(fd, &stat) < 0 ||
		hd_file_read_at(fd, bytes, sizeof(bytes), 0, &size) < 0 ||
		hd_journal_header_read(bytes, size, thread, &header) < 0)
		return false;
	if (!read_end(directory_fd, &end) || end.id != header.id)
		return false;
	/* The header of the epoch that would have come next is written ahead. */
	return end.size == (uint64_t)stat.st_size ||
	       end.size + sizeof(struct hd_epoch_header) == (uint64_t)stat.st_size;
}
