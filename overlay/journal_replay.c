/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/journal.h"
#include "overlay/journal_format.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/file.h"

/*
 * Reading the journal. Each epoch is verified as a whole before its first item is applied, so a torn one
 * changes nothing. Nothing in the file is trusted: sizes are checked against what is left, places against
 * their tables (by whoever applies them).
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
static bool verify_epoch(struct hd_reader reader, uint64_t sequence, struct epoch *ret)
{
	const uint8_t *start = reader.data + reader.position;
	struct hd_epoch_header header;
	struct hd_epoch_trailer trailer;
	struct hd_hash128 hash;
	const void *bytes = hd_reader_bytes(&reader, sizeof(header));
	size_t covered;

	if (!bytes)
		return false;
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != HD_EPOCH_MAGIC || header.sequence != sequence)
		return false;
	while (!is_trailer(&reader))
		if (!measure_item(&reader))
			return false;
	covered = (size_t)(reader.data + reader.position - start);
	memcpy(&trailer, hd_reader_bytes(&reader, sizeof(trailer)), sizeof(trailer));
	hash = hd_hash128(start, covered);
	if (trailer.size != covered - sizeof(header) ||
		memcmp(hash.bytes, trailer.checksum, sizeof(hash.bytes)) != 0)
		return false;
	*ret = (struct epoch){.items = start + sizeof(header),
		.items_size = covered - sizeof(header),
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

static int check_header(struct hd_reader *reader)
{
	struct hd_journal_header header;
	const void *bytes = hd_reader_bytes(reader, sizeof(header));

	if (!bytes)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal is too short");
	memcpy(&header, bytes, sizeof(header));
	if (header.magic != HD_JOURNAL_MAGIC)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal does not begin like one");
	if (header.version != HD_JOURNAL_VERSION || header.arena_version != HD_ARENA_VERSION)
		return hd_fail(HD_E_JOURNAL_VERSION,
			"the journal has format %u.%u, this heddle reads %u.%u: capture with the version "
			"that wrote it",
			header.version, header.arena_version, HD_JOURNAL_VERSION, HD_ARENA_VERSION);
	return 0;
}

int hd_journal_decode(
	const void *data, size_t size, const struct hd_replay *replay, struct hd_replay_report *ret_report)
{
	struct hd_replay_report report = {0};
	struct hd_reader reader;
	struct epoch epoch;
	int r;

	hd_reader_init(&reader, data, size);
	r = check_header(&reader);
	if (r < 0)
		return r;
	while (hd_reader_left(&reader) > 0 && verify_epoch(reader, report.epochs + 1, &epoch)) {
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
	report.size = reader.position;
	report.torn_bytes = hd_reader_left(&reader);
	*ret_report = report;
	return 0;
}

int hd_journal_replay(int directory_fd, const struct hd_replay *replay, struct hd_replay_report *ret_report)
{
	HD_AUTO_FREE char *data = NULL;
	size_t size = 0;
	int r = hd_file_read_whole(directory_fd, "journal", SIZE_LIMIT, &data, &size);

	if (r == -ENOENT) {
		*ret_report = (struct hd_replay_report){0};
		return 0;
	}
	if (r < 0)
		return hd_fail_in(r, "read the journal");
	return hd_journal_decode(data, size, replay, ret_report);
}
