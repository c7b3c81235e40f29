/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/arena/arena.h"
#include "overlay/hot/hot_tier.h"
#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/recovery/replayed_blocks.h"
#include "tests/unit/overlay/journal_place.h"

/*
 * Data of hot blocks in the journal, which leaves out the zeros at their ends. What comes back is compared with what was
 * written, in memory that had other bytes before.
 */

#define FIRST 20u
#define BLOCKS 300u
#define BYTES ((size_t)BLOCKS * HD_BLOCK_SIZE)

static int see_no_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	(void)payload;
	(void)table;
	(void)index;
	(void)data;
	(void)size;
	return 0;
}

static int see_no_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	(void)payload;
	(void)slot;
	(void)offset;
	(void)data;
	(void)size;
	return -HD_E_JOURNAL_CORRUPT;
}

static int see_block(void *payload, uint32_t block, const void *data, size_t size)
{
	return hd_replayed_block(payload, block, data, size);
}

static void assert_blocks(const struct fixture *fixture, const uint8_t *expected)
{
	struct hd_replayed_blocks blocks = {
		.fd = hd_memory_file_create("blocks", (FIRST + BLOCKS) * HD_BLOCK_SIZE)};
	const struct hd_replay sink = {
		.payload = &blocks, .record = see_no_record, .block = see_block, .large = see_no_large};
	uint8_t *found = malloc(BYTES);
	struct hd_replay_report report;

	assert_non_null(found);
	memset(found, 0xee, BYTES);
	assert_int_equal(hd_memory_file_write(blocks.fd, found, BYTES, FIRST * HD_BLOCK_SIZE), 0);
	assert_int_equal(hd_journal_replay(fixture->fd, THREAD, &sink, &report), 0);
	assert_int_equal(report.torn_bytes, 0);
	assert_int_equal(hd_replayed_blocks_write(&blocks), 0);
	assert_int_equal(hd_memory_file_read(blocks.fd, found, BYTES, FIRST * HD_BLOCK_SIZE), 0);
	assert_memory_equal(found, expected, BYTES);
	hd_replayed_blocks_clear(&blocks);
	free(found);
	(void)close(blocks.fd);
}

static void put_blocks(const struct fixture *fixture, const uint8_t *bytes, uint32_t at, size_t count)
{
	assert_int_equal(
		hd_epoch_blocks(fixture->journal, FIRST + at, bytes + (size_t)at * HD_BLOCK_SIZE, count), 0);
}

static void reopen(struct fixture *fixture)
{
	const struct hd_replay nowhere = {.record = see_no_record, .block = NULL, .large = see_no_large};
	struct hd_replayed_blocks blocks = {
		.fd = hd_memory_file_create("blocks", (FIRST + BLOCKS) * HD_BLOCK_SIZE)};
	struct hd_replay sink = nowhere;
	struct hd_replay_report report;

	sink.payload = &blocks;
	sink.block = see_block;
	hd_journal_free(fixture->journal);
	assert_int_equal(hd_journal_replay(fixture->fd, THREAD, &sink, &report), 0);
	assert_int_equal(
		hd_journal_open(fixture->fd, THREAD, report.size, report.epochs, &fixture->journal), 0);
	hd_replayed_blocks_clear(&blocks);
	(void)close(blocks.fd);
}

/* Bytes that end anywhere in a block, at its beginning and end more often. */
static void fill_block(uint8_t *block, unsigned *seed)
{
	size_t used = (size_t)rand_r(seed) % HD_BLOCK_SIZE;

	switch (rand_r(seed) % 6) {
	case 0:
		used = HD_BLOCK_SIZE;
		break;
	case 1:
		used = HD_BLOCK_SIZE - used % 40;
		break;
	case 2:
		used %= 20;
		break;
	default:
		break;
	}
	memset(block, 0, HD_BLOCK_SIZE);
	for (size_t i = 0; i < used; i++)
		block[i] = (uint8_t)(rand_r(seed) % 3);
}

static void blocks_come_back_as_the_last_epoch_had_them(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *bytes = calloc(1, BYTES);
	unsigned seed = 5;

	assert_non_null(bytes);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	for (uint32_t i = 0; i < BLOCKS; i++)
		fill_block(bytes + (size_t)i * HD_BLOCK_SIZE, &seed);
	put_blocks(fixture, bytes, 0, 250);
	put_blocks(fixture, bytes, 250, BLOCKS - 250);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_blocks(fixture, bytes);
	for (int epoch = 0; epoch < 60; epoch++) {
		assert_int_equal(epoch % 25 == 24 ? hd_journal_begin_checkpoint(fixture->journal)
						  : hd_epoch_begin(fixture->journal),
			0);
		if (epoch % 25 == 24)
			put_blocks(fixture, bytes, 0, 200), put_blocks(fixture, bytes, 200, BLOCKS - 200);
		for (int run = 0; run < 8; run++) {
			uint32_t at = (uint32_t)rand_r(&seed) % BLOCKS;
			uint32_t count = 1 + (uint32_t)rand_r(&seed) % 4;

			count = count < BLOCKS - at ? count : BLOCKS - at;
			for (uint32_t i = at; i < at + count; i++)
				fill_block(bytes + (size_t)i * HD_BLOCK_SIZE, &seed);
			put_blocks(fixture, bytes, at, count);
		}
		assert_int_equal(hd_epoch_commit(fixture->journal), 0);
		assert_blocks(fixture, bytes);
		if (epoch % 10 == 9)
			reopen(fixture);
	}
	free(bytes);
}

static void small_files_take_little_room(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *bytes = calloc(1, BYTES);
	uint64_t size;

	assert_non_null(bytes);
	for (size_t i = 0; i < BLOCKS; i++)
		memset(bytes + i * HD_BLOCK_SIZE, 'x', 100);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	put_blocks(fixture, bytes, 0, 250);
	put_blocks(fixture, bytes, 250, BLOCKS - 250);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	size = hd_journal_size(fixture->journal);
	assert_true(size > (uint64_t)BLOCKS * 100 && size < (uint64_t)BLOCKS * 140);
	assert_blocks(fixture, bytes);
	free(bytes);
}

static uint32_t version_of(const struct fixture *fixture, uint32_t set)
{
	int fd = openat(fixture->fd, "journal", O_RDWR | O_CLOEXEC);
	struct hd_journal_header header;
	uint32_t version;

	assert_int_equal(pread(fd, &header, sizeof(header), 0), sizeof(header));
	version = header.version;
	if (set) {
		header.version = set;
		header.checksum = 0;
		header.checksum = (uint32_t)hd_checksum64(&header, sizeof(header));
		assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	}
	(void)close(fd);
	return version;
}

/* What reads that journal besides us does not know that the rest of a block is zero. */
static void a_journal_of_before_is_gone_on_with_in_its_own_format(void **state)
{
	struct fixture *fixture = *state;
	uint8_t *bytes = calloc(1, BYTES);
	uint64_t size;

	assert_non_null(bytes);
	memset(bytes, 'x', BYTES);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	put_blocks(fixture, bytes, 0, 250);
	put_blocks(fixture, bytes, 250, BLOCKS - 250);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(version_of(fixture, HD_JOURNAL_VERSION_WHOLE), HD_JOURNAL_VERSION);
	reopen(fixture);
	size = hd_journal_size(fixture->journal);
	memset(bytes + 10, 0, 3 * HD_BLOCK_SIZE);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	put_blocks(fixture, bytes, 0, 4);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_true(hd_journal_size(fixture->journal) > size + 4 * HD_BLOCK_SIZE);
	assert_int_equal(version_of(fixture, 0), HD_JOURNAL_VERSION_WHOLE);
	assert_blocks(fixture, bytes);

	/* The next file is one of now. */
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	put_blocks(fixture, bytes, 0, 250);
	put_blocks(fixture, bytes, 250, BLOCKS - 250);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(version_of(fixture, 0), HD_JOURNAL_VERSION);
	size = hd_journal_size(fixture->journal);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	put_blocks(fixture, bytes, 0, 1);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_true(hd_journal_size(fixture->journal) < size + 200);
	assert_blocks(fixture, bytes);
	free(bytes);
}

static void what_is_no_place_is_refused(void **state)
{
	struct hd_replayed_blocks blocks = {.fd = -1};
	const uint32_t last = (uint32_t)(hd_hot_file_size() / HD_BLOCK_SIZE) - 1;

	(void)state;
	assert_int_equal(hd_replayed_block(&blocks, HD_BLOCK_FIRST - 1, "x", 1), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(hd_replayed_block(&blocks, last + 1, "x", 1), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(hd_replayed_block(&blocks, last, "x", HD_BLOCK_SIZE + 1), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(hd_replayed_block(&blocks, last, "x", 1), 0);
	hd_replayed_blocks_clear(&blocks);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			blocks_come_back_as_the_last_epoch_had_them, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			small_files_take_little_room, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_journal_of_before_is_gone_on_with_in_its_own_format,
			journal_setup, journal_teardown),
		cmocka_unit_test(what_is_no_place_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
