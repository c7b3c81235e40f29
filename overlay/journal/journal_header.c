/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/journal/journal_header.h"

#include <string.h>

#include "overlay/arena/arena.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/random.h"

/* What a header's checksum covers is the header with a zero in the checksum's place. */

static uint32_t checksum_of(struct hd_journal_header header)
{
	header.checksum = 0;
	return (uint32_t)hd_checksum64(&header, sizeof(header));
}

static struct hd_journal_header make_header(uint32_t version, uint32_t thread)
{
	struct hd_journal_header header = {.magic = HD_JOURNAL_MAGIC,
		.version = version,
		.arena_version = HD_ARENA_VERSION,
		.thread = thread,
		.id = hd_random64()};

	header.checksum = checksum_of(header);
	return header;
}

struct hd_journal_header hd_journal_header_new(uint32_t thread)
{
	return make_header(HD_JOURNAL_VERSION, thread);
}

struct hd_journal_header hd_journal_header_of_fork(uint32_t thread)
{
	return make_header(HD_JOURNAL_VERSION_FORKED, thread);
}

/* Version 1 had zeros where the later ones have a checksum. */
static bool is_intact(const struct hd_journal_header *header)
{
	if (header->version == 1)
		return header->thread == 0 && header->checksum == 0 && header->id == 0;
	return header->checksum == checksum_of(*header);
}

int hd_journal_header_read(
	const void *data, size_t size, uint32_t thread, struct hd_journal_header *ret_header)
{
	struct hd_journal_header header;

	if (size < sizeof(header))
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal is too short");
	memcpy(&header, data, sizeof(header));
	if (header.magic != HD_JOURNAL_MAGIC)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal does not begin like one");
	if (!is_intact(&header))
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal's first bytes are damaged");
	if (header.version < HD_JOURNAL_VERSION_WHOLE || header.version > HD_JOURNAL_VERSION_FORKED ||
		header.arena_version != HD_ARENA_VERSION)
		return hd_fail(HD_E_JOURNAL_VERSION,
			"the journal has format %u.%u, this heddle reads %u.%u: capture with the version "
			"that wrote it",
			header.version, header.arena_version, HD_JOURNAL_VERSION, HD_ARENA_VERSION);
	if (thread && header.thread != thread)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "the journal in threads/%u is that of threads/%u",
			thread, header.thread);
	*ret_header = header;
	return 0;
}

struct hd_epoch_header hd_epoch_header_of(uint64_t id, uint64_t sequence)
{
	struct hd_epoch_header header = {.magic = HD_EPOCH_MAGIC, .sequence = sequence, .id = id};

	header.checksum = hd_checksum64(&header, offsetof(struct hd_epoch_header, checksum));
	return header;
}

bool hd_epoch_header_read(const void *data, size_t size, uint64_t id, uint64_t *ret_sequence)
{
	struct hd_epoch_header header, expected;

	if (size < sizeof(header))
		return false;
	memcpy(&header, data, sizeof(header));
	expected = hd_epoch_header_of(id, header.sequence);
	if (memcmp(&header, &expected, sizeof(header)) != 0)
		return false;
	*ret_sequence = header.sequence;
	return true;
}

bool hd_epoch_header_find(
	const void *data, size_t size, uint64_t id, uint64_t sequence, size_t *ret_at, uint64_t *ret_found)
{
	const uint64_t magic = HD_EPOCH_MAGIC;
	const char *start = data, *at = data, *end = start + size;

	while ((at = memmem(at, (size_t)(end - at), &magic, sizeof(magic)))) {
		uint64_t found;

		if (hd_epoch_header_read(at, (size_t)(end - at), id, &found) && found > sequence) {
			*ret_at = (size_t)(at - start);
			*ret_found = found;
			return true;
		}
		at++;
	}
	return false;
}
