/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/overlay/journal_place.h"

/*
 * Journals that are longer than what is read at once, and journals that cannot be read. journal_test.c covers what is in
 * them.
 */

static void flip(const struct fixture *fixture, uint64_t offset, uint8_t mask)
{
	int fd = openat(fixture->fd, "journal", O_RDWR | O_CLOEXEC);
	uint8_t byte;

	assert_true(fd >= 0);
	assert_int_equal(pread(fd, &byte, 1, (off_t)offset), 1);
	byte ^= mask;
	assert_int_equal(pwrite(fd, &byte, 1, (off_t)offset), 1);
	(void)close(fd);
}

static void cut_file(const struct fixture *fixture, uint64_t size)
{
	int fd = openat(fixture->fd, "journal", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
}

static int see_no_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	(void)payload;
	(void)table;
	(void)index;
	(void)data;
	(void)size;
	return -EINVAL;
}

struct long_picture {
	uint64_t sum, bytes;
};

static int see_any_block(void *payload, uint32_t block, const void *data, size_t size)
{
	struct long_picture *picture = payload;

	picture->sum = (picture->sum ^ hd_checksum64(data, size) ^ block) * 0x9E3779B97F4A7C15u;
	picture->bytes += size;
	return 0;
}

static int see_any_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	return see_any_block(payload, slot + (uint32_t)offset, data, size);
}

/* Epochs of some 8 MB, in items of all sizes up to the largest, that begin and end anywhere. */
static uint64_t write_long_epochs(struct fixture *fixture, unsigned count, struct long_picture *picture)
{
	static uint8_t bytes[HD_ITEM_LIMIT];
	uint64_t total = 0;

	for (unsigned epoch = 0; epoch < count; epoch++) {
		assert_int_equal(hd_epoch_begin(fixture->journal), 0);
		for (uint32_t i = 0; i < 12; i++) {
			size_t size =
				i == 5 ? HD_ITEM_LIMIT : 1 + (i * 777777u + epoch * 31u) % HD_ITEM_LIMIT;

			memset(bytes, (int)(epoch * 16 + i), size);
			assert_int_equal(hd_epoch_large(fixture->journal, i, epoch, bytes, size), 0);
			(void)see_any_large(picture, i, epoch, bytes, size);
			total += size;
		}
		assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	}
	return total;
}

static int replay_long(
	const struct fixture *fixture, struct long_picture *picture, struct hd_replay_report *report)
{
	struct hd_replay sink = {
		.payload = picture, .record = see_no_record, .block = see_any_block, .large = see_any_large};

	*picture = (struct long_picture){0};
	return hd_journal_replay(fixture->fd, THREAD, &sink, report);
}

static void a_journal_of_any_length_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct long_picture written = {0}, seen;
	struct hd_replay_report report;
	uint64_t total = write_long_epochs(fixture, 3, &written);

	assert_true(total > 12u << 20);
	assert_int_equal(replay_long(fixture, &seen, &report), 0);
	assert_int_equal(report.epochs, 3);
	assert_int_equal(report.torn_bytes, 0);
	assert_true(seen.bytes == total && seen.sum == written.sum);
	/* Damage early in the first epoch: the header of the next one is many windows away, and found. */
	flip(fixture, 5000, 1);
	assert_int_equal(replay_long(fixture, &seen, &report), -HD_E_JOURNAL_CORRUPT);
	flip(fixture, 5000, 1);
	/* And so is a cut in the last one's middle. */
	cut_file(fixture, report.size - 3000000);
	assert_int_equal(replay_long(fixture, &seen, &report), 0);
	assert_int_equal(report.epochs, 2);
	assert_true(report.torn_bytes > 1000000);
}

static void a_journal_that_cannot_be_read_is_not_taken_for_a_short_one(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct long_picture seen;

	assert_int_equal(mkdirat(fixture->fd, "journal", 0700), 0);
	assert_int_equal(replay_long(fixture, &seen, &report), -EISDIR);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_journal_of_any_length_comes_back, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_journal_that_cannot_be_read_is_not_taken_for_a_short_one,
			journal_setup, journal_teardown),
	};

	return cmocka_run_group_tests_name("long journals", tests, NULL, NULL);
}
