/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Journals: whatever the bytes, replaying them touches no memory outside the tables, takes whole epochs or none, and
 * says truly how far it came: what is cut off there replays to the same again. No mutation guesses a checksum, so
 * every input is tried a second time with its headers and checksums put right. A fork's journal, which has a list of others
 * in front of its epochs, is one as well; and what was replayed is what a fork of it would begin with.
 *
 * LINK: heddle_overlay
 */

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/hot/hot_tier.h"
#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/journal/journal_header.h"
#include "overlay/journal/journal_origins.h"
#include "overlay/journal/journal_source.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A sum over all that was applied, in order. */
struct sink {
	struct hd_arena *arena;
	uint64_t sum;
};

static void add(struct sink *sink, uint64_t place, const uint8_t *bytes, size_t size)
{
	sink->sum = sink->sum * 31 + place;
	for (size_t i = 0; i < size; i++)
		sink->sum = sink->sum * 131 + bytes[i];
}

static int take_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	struct sink *sink = payload;
	int r = hd_arena_restore(sink->arena, table, index, data, size);

	if (r == 0)
		add(sink, (uint64_t)table << 32 | index, data, size);
	return r;
}

static int take_block(void *payload, uint32_t block, const void *data, size_t size)
{
	uint64_t offset = (uint64_t)block * HD_BLOCK_SIZE;

	if (block < HD_BLOCK_FIRST || offset > hd_hot_file_size() || size > hd_hot_file_size() - offset)
		return -HD_E_JOURNAL_CORRUPT;
	add(payload, block, data, size);
	return 0;
}

static int take_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	if (offset > (uint64_t)INT64_MAX - size)
		return -HD_E_JOURNAL_CORRUPT;
	add(payload, slot + offset, data, size);
	return 0;
}

/* One arena for all inputs: it is address space mostly, but making it costs. */
static struct hd_arena *get_arena(void)
{
	static struct hd_arena *arena;

	if (!arena) {
		int fd = hd_memory_file_create("fuzz-arena", hd_arena_size());

		if (fd < 0 || hd_arena_map(fd, &arena) < 0)
			abort();
		(void)close(fd);
	}
	return arena;
}

static int decode(const void *data, size_t size, uint64_t *sum, struct hd_replay_report *report)
{
	struct sink sink = {.arena = get_arena()};
	struct hd_replay replay = {
		.payload = &sink, .record = take_record, .block = take_block, .large = take_large};
	struct hd_journal_source source;
	int r;

	hd_journal_source_memory(&source, data, size);
	r = hd_journal_decode(&source, 0, &replay, report);
	*sum = sink.sum;
	return r;
}

/* Walks over the items of the epoch at AT; the place of its trailer, or 0. */
static size_t find_trailer(const uint8_t *data, size_t size, size_t at)
{
	at += sizeof(struct hd_epoch_header);
	while (size - at >= sizeof(struct hd_epoch_trailer)) {
		struct hd_journal_item item;
		uint64_t magic;

		memcpy(&magic, data + at, sizeof(magic));
		if (magic == HD_TRAILER_MAGIC)
			return at;
		memcpy(&item, data + at, sizeof(item));
		if (item.size > HD_ITEM_LIMIT || item.size > size - at - sizeof(item))
			return 0;
		at += sizeof(item) + item.size;
	}
	return 0;
}

static bool is_of_fork(const uint8_t *data, size_t size)
{
	struct hd_journal_header header;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	return hd_journal_header_is_of_fork(&header);
}

/* What stands between a fork's header and its epochs; its end, or 0. */
static size_t repair_origins(uint8_t *data, size_t size)
{
	struct hd_journal_origins_header origins;
	size_t at = sizeof(struct hd_journal_header), end;
	uint64_t checksum;

	if (size - at < sizeof(origins))
		return 0;
	memcpy(&origins, data + at, sizeof(origins));
	origins.magic = HD_ORIGINS_MAGIC;
	end = at + sizeof(origins) +
	      (size_t)(origins.count % (HD_JOURNAL_ORIGINS_LIMIT + 2)) * sizeof(struct hd_journal_origin);
	if (end > size || size - end < sizeof(checksum))
		return 0;
	memcpy(data + at, &origins, sizeof(origins));
	checksum = hd_checksum64(data, end);
	memcpy(data + end, &checksum, sizeof(checksum));
	return end + sizeof(checksum);
}

static void repair(uint8_t *data, size_t size)
{
	const bool is_fork = is_of_fork(data, size);
	const struct hd_journal_header header =
		is_fork ? hd_journal_header_of_fork(1) : hd_journal_header_new(1);
	size_t at = sizeof(header);

	if (size < sizeof(header))
		return;
	memcpy(data, &header, sizeof(header));
	if (is_fork)
		at = repair_origins(data, size);
	if (at == 0)
		return;
	for (uint64_t sequence = 1; size - at >= sizeof(struct hd_epoch_header); sequence++) {
		struct hd_epoch_header epoch = hd_epoch_header_of(header.id, sequence);
		struct hd_epoch_trailer trailer = {.magic = HD_TRAILER_MAGIC};
		struct hd_hash128 hash;
		size_t end;

		memcpy(data + at, &epoch, sizeof(epoch));
		end = find_trailer(data, size, at);
		if (end == 0)
			return;
		trailer.size = end - at - sizeof(epoch);
		hash = hd_hash128(data + at, end - at);
		memcpy(trailer.checksum, hash.bytes, sizeof(trailer.checksum));
		memcpy(data + end, &trailer, sizeof(trailer));
		at = end + sizeof(trailer);
	}
}

/* Up to a place a journal is what a fork of it begins with, and up to no other. */
static void try_as_origin(
	const uint8_t *data, size_t size, const struct hd_replay_report *report, uint64_t expected_sum)
{
	struct sink sink = {.arena = get_arena()};
	struct hd_replay replay = {
		.payload = &sink, .record = take_record, .block = take_block, .large = take_large};
	struct hd_journal_origin origin = {
		.id = report->id, .sequence = report->epochs, .size = report->size, .thread = 0};
	struct hd_journal_source source;
	uint64_t epochs, end;

	hd_journal_source_memory(&source, data, size);
	if (hd_journal_decode_origin(&source, &origin, &replay, &epochs, &end) < 0 ||
		sink.sum != expected_sum)
		abort();
	origin.size--;
	hd_journal_source_memory(&source, data, size);
	if (hd_journal_decode_origin(&source, &origin, &replay, &epochs, &end) == 0)
		abort();
}

static void try(const uint8_t *data, size_t size)
{
	struct hd_replay_report report = {0}, again = {0};
	uint64_t sum, sum_again;
	void *cut;
	int r = decode(data, size, &sum, &report);

	if (r < 0)
		return;
	if ((report.epochs == 0 && !is_of_fork(data, size)) || report.size > size ||
		(report.torn_bytes != size - report.size && report.torn_bytes != 0))
		abort();
	/* A copy of its own, so that a byte read behind the end is noticed. */
	cut = malloc(report.size);
	if (!cut)
		return;
	memcpy(cut, data, report.size);
	r = decode(cut, report.size, &sum_again, &again);
	free(cut);
	if (r < 0 || again.epochs != report.epochs || again.size != report.size || again.torn_bytes != 0 ||
		sum_again != sum)
		abort();
	if (report.epochs > 0)
		try_as_origin(data, size, &report, sum);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *repaired = malloc(size + 1);

	try(data, size);
	if (repaired) {
		memcpy(repaired, data, size);
		repair(repaired, size);
		try(repaired, size);
	}
	free(repaired);
	return 0;
}
