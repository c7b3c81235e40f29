/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/journal/journal.h"
#include "overlay/journal/journal_format.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "tests/unit/overlay/journal_place.h"

/* ---- what a replay gives: the last byte of every cell, and how much data ---- */

struct picture {
	uint8_t cells[16];
	unsigned records, blocks, larges;
	int refuse; /* what every item is answered with */
};

static int see_record(void *payload, unsigned table, uint32_t index, const void *data, size_t size)
{
	struct picture *picture = payload;

	if (picture->refuse)
		return picture->refuse;
	assert_int_equal(table, HD_TABLE_CELL);
	assert_int_equal(size, 64);
	assert_true(index < 16);
	picture->cells[index] = *(const uint8_t *)data;
	picture->records++;
	return 0;
}

static int see_block(void *payload, uint32_t block, const void *data, size_t size)
{
	struct picture *picture = payload;

	assert_int_equal(block, 20);
	assert_int_equal(size, 4096);
	assert_int_equal(((const uint8_t *)data)[4095], 0xb1);
	picture->blocks++;
	return 0;
}

static int see_large(void *payload, uint32_t slot, uint64_t offset, const void *data, size_t size)
{
	struct picture *picture = payload;

	assert_int_equal(slot, 3);
	assert_true(offset == (uint64_t)1 << 40);
	assert_int_equal(size, 100);
	assert_int_equal(((const uint8_t *)data)[0], 0x1a);
	picture->larges++;
	return 0;
}

static struct hd_replay replay_into(struct picture *picture)
{
	return (struct hd_replay){
		.payload = picture, .record = see_record, .block = see_block, .large = see_large};
}

static int replay(const struct fixture *fixture, struct picture *picture, struct hd_replay_report *report)
{
	struct hd_replay sink = replay_into(picture);

	*picture = (struct picture){.refuse = picture->refuse};
	return hd_journal_replay(fixture->fd, THREAD, &sink, report);
}

static int put_cell(struct hd_journal *journal, uint32_t index, uint8_t value)
{
	uint8_t bytes[64];

	memset(bytes, value, sizeof(bytes));
	return hd_epoch_record(journal, HD_TABLE_CELL, index, bytes, sizeof(bytes));
}

static int write_epoch(struct hd_journal *journal, uint32_t index, uint8_t value)
{
	int r = hd_epoch_begin(journal);

	if (r == 0)
		r = put_cell(journal, index, value);
	if (r == 0)
		return hd_epoch_commit(journal);
	hd_epoch_abort(journal);
	return r;
}

static void reopen(struct fixture *fixture)
{
	struct picture picture = {0};
	struct hd_replay_report report;

	hd_journal_free(fixture->journal);
	fixture->journal = NULL;
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(
		hd_journal_open(fixture->fd, THREAD, report.size, report.epochs, &fixture->journal), 0);
}

static void no_journal_is_an_empty_one(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report = {.epochs = 9};
	struct picture picture = {0};

	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 0);
	assert_int_equal(report.size, 0);
}

static void epochs_come_back_in_order(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	uint8_t block[4096];
	uint8_t large[100];

	memset(block, 0xb1, sizeof(block));
	memset(large, 0x1a, sizeof(large));
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	assert_int_equal(put_cell(fixture->journal, 1, 11), 0);
	assert_int_equal(hd_epoch_blocks(fixture->journal, 20, block, 1), 0);
	assert_int_equal(hd_epoch_large(fixture->journal, 3, (uint64_t)1 << 40, large, sizeof(large)), 0);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(write_epoch(fixture->journal, 1, 12), 0);
	reopen(fixture);
	assert_int_equal(write_epoch(fixture->journal, 2, 13), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 3);
	assert_int_equal(report.torn_bytes, 0);
	assert_int_equal(report.size, hd_journal_size(fixture->journal));
	assert_int_equal(picture.cells[1], 12);
	assert_int_equal(picture.cells[2], 13);
	assert_int_equal(picture.blocks, 1);
	assert_int_equal(picture.larges, 1);
}

static void an_epoch_cut_off_anywhere_never_happened(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	uint64_t before, after;
	char path[80];

	snprintf(path, sizeof(path), "%s/journal", fixture->path);
	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	before = hd_journal_size(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 12), 0);
	after = hd_journal_size(fixture->journal);
	for (uint64_t size = after; size-- > before;) {
		assert_int_equal(truncate(path, (off_t)size), 0);
		assert_int_equal(replay(fixture, &picture, &report), 0);
		assert_int_equal(picture.cells[1], 11);
		assert_int_equal(report.epochs, 1);
		/* The header alone is what there is between two epochs. */
		assert_int_equal(report.torn_bytes,
			size - before == sizeof(struct hd_epoch_header) ? 0 : size - before);
		assert_int_equal(report.size, before);
	}
	/* The torn end is cut off, and what comes next is found. */
	reopen(fixture);
	assert_int_equal(write_epoch(fixture->journal, 1, 13), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(picture.cells[1], 13);
	assert_int_equal(report.epochs, 2);
}

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

/* What was on disk once, and is not what it was, is an error; a crash cannot do that. */
static void check_every_byte(
	const struct fixture *fixture, uint8_t value, uint64_t from, uint64_t to, int expected)
{
	struct hd_replay_report report = {0};
	struct picture *picture = &(struct picture){0};

	for (uint64_t at = from; at < to; at++) {
		flip(fixture, at, 0x10);
		assert_int_equal(replay(fixture, picture, &report), expected);
		assert_int_equal(picture->cells[1], value);
		flip(fixture, at, 0x10);
	}
}

static void a_changed_byte_of_an_epoch_that_was_on_disk_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	uint64_t before, between, after;

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	before = hd_journal_size(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 12), 0);
	between = hd_journal_size(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	after = hd_journal_size(fixture->journal);
	check_every_byte(fixture, 11, before, between, -HD_E_JOURNAL_CORRUPT);
	assert_non_null(strstr(hd_error_message(-HD_E_JOURNAL_CORRUPT), "epochs 1 to 1 are whole"));
	/* The last one: the header behind it says that it was on disk. */
	check_every_byte(fixture, 12, between, after, -HD_E_JOURNAL_CORRUPT);
}

static void cut_file(const struct fixture *fixture, uint64_t size)
{
	int fd = openat(fixture->fd, "journal", O_RDWR | O_CLOEXEC);

	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, (off_t)size), 0);
	(void)close(fd);
}

/* Sectors of the last epoch that a power cut left out; nothing says that it was ever on disk. */
static void a_changed_byte_of_an_epoch_that_was_not_on_disk_is_torn(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	uint64_t before, after;

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	before = hd_journal_size(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 12), 0);
	after = hd_journal_size(fixture->journal);
	cut_file(fixture, after);
	check_every_byte(fixture, 11, before, after, 0);
	flip(fixture, before, 0x10);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 1);
	assert_int_equal(report.torn_bytes, after - before);
}

/* A store that is copied into its own mount: headers of epochs are bytes of files then. */
static void bytes_of_files_that_look_like_a_journal_are_none(void **state)
{
	struct fixture *fixture = *state, *other = NULL;
	struct hd_replay_report report;
	struct picture picture = {0};
	uint8_t bytes[4096] = {0};
	uint64_t before;
	int fd;

	assert_int_equal(journal_setup((void **)&other), 0);
	for (uint8_t i = 0; i < 5; i++)
		assert_int_equal(write_epoch(other->journal, 1, i), 0);
	fd = openat(other->fd, "journal", O_RDONLY | O_CLOEXEC);
	assert_true(pread(fd, bytes, sizeof(bytes), 0) > 0);
	(void)close(fd);
	(void)journal_teardown((void **)&other);

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	before = hd_journal_size(fixture->journal);
	assert_int_equal(hd_epoch_begin(fixture->journal), 0);
	assert_int_equal(hd_epoch_blocks(fixture->journal, 20, bytes, 1), 0);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	cut_file(fixture, hd_journal_size(fixture->journal) - 1);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.size, before);
	assert_int_equal(report.lost_epoch, 0);
}

static void a_journal_that_is_shorter_than_it_was_or_gone_is_an_error(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	uint64_t before, after;

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	before = hd_journal_size(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 12), 0);
	after = hd_journal_size(fixture->journal);
	hd_journal_seal(fixture->journal);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	for (uint64_t size = after; size-- > before;) {
		cut_file(fixture, size);
		assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_CORRUPT);
	}
	assert_int_equal(unlinkat(fixture->fd, "journal", 0), 0);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_CORRUPT);
	assert_non_null(strstr(hd_error_message(-HD_E_JOURNAL_CORRUPT), "gone"));
}

/* Reading a directory is refused whoever asks, as reading a bad block is. */
static void an_end_that_cannot_be_read_is_an_error_and_not_none(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	hd_journal_seal(fixture->journal);
	assert_int_equal(unlinkat(fixture->fd, "journal.end", 0), 0);
	assert_int_equal(mkdirat(fixture->fd, "journal.end", 0700), 0);
	assert_int_equal(replay(fixture, &picture, &report), -EISDIR);
	assert_int_equal(unlinkat(fixture->fd, "journal", 0), 0);
	assert_int_equal(replay(fixture, &picture, &report), -EISDIR);
	assert_false(hd_journal_was_closed(fixture->fd, 1));
	assert_int_equal(unlinkat(fixture->fd, "journal.end", AT_REMOVEDIR), 0);
	assert_true(hd_journal_was_closed(fixture->fd, 1));
}

/* It says how long one journal was, at least: neither what came later nor another journal is measured by it. */
static void what_a_journal_was_at_its_end_binds_no_later_one(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	for (uint8_t i = 0; i < 3; i++)
		assert_int_equal(write_epoch(fixture->journal, 1, i), 0);
	hd_journal_seal(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 1, 50), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 4);
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	assert_int_equal(put_cell(fixture->journal, 1, 200), 0);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 1);
}

static void a_journal_of_another_thread_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	struct hd_replay sink = replay_into(&picture);

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	assert_int_equal(hd_journal_replay(fixture->fd, THREAD + 1, &sink, &report), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(picture.records, 0);
}

static void a_damaged_checkpoint_is_an_error_and_no_empty_journal(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	flip(fixture, sizeof(struct hd_journal_header) + 30, 1);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(picture.records, 0);
}

static void set_header(const struct fixture *fixture, uint32_t version, uint32_t arena_version)
{
	struct hd_journal_header header = {.magic = HD_JOURNAL_MAGIC,
		.version = version,
		.arena_version = arena_version,
		.thread = THREAD,
		.id = 5};
	int fd = openat(fixture->fd, "journal", O_RDWR | O_CLOEXEC);

	if (version == 1)
		header.thread = 0, header.id = 0;
	else
		header.checksum = (uint32_t)hd_checksum64(&header, sizeof(header));
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, &header, sizeof(header), 0), sizeof(header));
	(void)close(fd);
}

static void another_version_is_said_to_be_one(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	set_header(fixture, HD_JOURNAL_VERSION_FORKED + 1, HD_ARENA_VERSION);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_VERSION);
	assert_non_null(strstr(hd_error_message(-HD_E_JOURNAL_VERSION), "format"));
	set_header(fixture, HD_JOURNAL_VERSION, HD_ARENA_VERSION + 1);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_VERSION);
	set_header(fixture, 1, HD_ARENA_VERSION);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_VERSION);
	/* A flipped bit makes no version. */
	set_header(fixture, HD_JOURNAL_VERSION, HD_ARENA_VERSION);
	for (uint64_t at = 0; at < sizeof(struct hd_journal_header); at++) {
		flip(fixture, at, 4);
		assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_CORRUPT);
		flip(fixture, at, 4);
	}
}

static void what_the_sink_refuses_fails_the_replay(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {.refuse = -HD_E_JOURNAL_CORRUPT};

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	assert_int_equal(replay(fixture, &picture, &report), -HD_E_JOURNAL_CORRUPT);
}

static void limit_file_size(rlim_t limit)
{
	struct rlimit limits;

	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &limits), 0);
	limits.rlim_cur = limit < limits.rlim_max ? limit : limits.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &limits), 0);
}

static void an_epoch_that_failed_can_be_written_again(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	int r;

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	limit_file_size(hd_journal_size(fixture->journal) + 50);
	r = write_epoch(fixture->journal, 1, 12);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(picture.cells[1], 11);
	assert_int_equal(report.torn_bytes, 0);
	assert_int_equal(write_epoch(fixture->journal, 1, 13), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(picture.cells[1], 13);
}

/* The epochs behind the old file's end must keep their numbers: a gap would end the journal there. */
static void a_checkpoint_that_failed_leaves_the_journal_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};
	int r;

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	assert_int_equal(write_epoch(fixture->journal, 2, 12), 0);
	limit_file_size(50);
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	r = put_cell(fixture->journal, 1, 99);
	if (r == 0)
		r = hd_epoch_commit(fixture->journal);
	limit_file_size(RLIM_INFINITY);
	assert_int_equal(r, -EFBIG);
	assert_int_equal(faccessat(fixture->fd, "journal.new", F_OK, 0), -1);

	assert_int_equal(write_epoch(fixture->journal, 3, 13), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 3);
	assert_int_equal(report.torn_bytes, 0);
	assert_int_equal(picture.cells[1], 11);
	assert_int_equal(picture.cells[3], 13);
}

static void a_checkpoint_that_is_given_up_leaves_the_journal_as_it_was(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	assert_int_equal(write_epoch(fixture->journal, 1, 11), 0);
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	assert_int_equal(put_cell(fixture->journal, 1, 99), 0);
	hd_epoch_abort(fixture->journal);
	assert_int_equal(write_epoch(fixture->journal, 2, 12), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 2);
	assert_int_equal(picture.cells[1], 11);
}

static void a_checkpoint_takes_the_place_of_all_before(void **state)
{
	struct fixture *fixture = *state;
	struct hd_replay_report report;
	struct picture picture = {0};

	for (uint8_t i = 0; i < 100; i++)
		assert_int_equal(write_epoch(fixture->journal, 1, i), 0);
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	assert_int_equal(put_cell(fixture->journal, 1, 200), 0);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(write_epoch(fixture->journal, 2, 201), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(report.epochs, 2);
	assert_int_equal(picture.records, 2);
	assert_int_equal(picture.cells[1], 200);
	assert_int_equal(picture.cells[2], 201);
	/* A checkpoint that death left half written is nobody's. */
	assert_int_equal(close(openat(fixture->fd, "journal.new", O_CREAT | O_WRONLY, 0600)), 0);
	reopen(fixture);
	assert_int_equal(hd_journal_begin_checkpoint(fixture->journal), 0);
	assert_int_equal(put_cell(fixture->journal, 5, 5), 0);
	assert_int_equal(hd_epoch_commit(fixture->journal), 0);
	assert_int_equal(replay(fixture, &picture, &report), 0);
	assert_int_equal(picture.records, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(no_journal_is_an_empty_one, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(epochs_come_back_in_order, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			an_epoch_cut_off_anywhere_never_happened, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_changed_byte_of_an_epoch_that_was_on_disk_is_an_error,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_changed_byte_of_an_epoch_that_was_not_on_disk_is_torn,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			bytes_of_files_that_look_like_a_journal_are_none, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_journal_that_is_shorter_than_it_was_or_gone_is_an_error,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			an_end_that_cannot_be_read_is_an_error_and_not_none, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			what_a_journal_was_at_its_end_binds_no_later_one, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			a_journal_of_another_thread_is_refused, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_damaged_checkpoint_is_an_error_and_no_empty_journal,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			another_version_is_said_to_be_one, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			what_the_sink_refuses_fails_the_replay, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			an_epoch_that_failed_can_be_written_again, journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_that_failed_leaves_the_journal_as_it_was,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(a_checkpoint_that_is_given_up_leaves_the_journal_as_it_was,
			journal_setup, journal_teardown),
		cmocka_unit_test_setup_teardown(
			a_checkpoint_takes_the_place_of_all_before, journal_setup, journal_teardown),
	};

	return cmocka_run_group_tests_name("journal", tests, NULL, NULL);
}
