/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/falloc.h>

#include "overlay/contents/promotion.h"
#include "overlay/overlay_types.h"
#include "tests/unit/overlay/yard.h"

/*
 * What copies, holes and allocations cost: nothing of the base is read, and nothing is kept that nobody wrote. And files
 * without a name.
 */

#define GIB ((uint64_t)1 << 30)
#define TIB ((uint64_t)1 << 40)

static void put(struct hd_overlay *overlay, hd_ino file, const void *data, size_t size, uint64_t offset)
{
	size_t written = 0;

	assert_success(hd_overlay_write(overlay, file, data, size, offset, &written));
	assert_int_equal(written, size);
}

static uint8_t byte_at(struct hd_overlay *overlay, hd_ino file, uint64_t offset)
{
	uint8_t byte = 0xee;
	size_t size = 0;

	assert_success(hd_overlay_read(overlay, file, &byte, 1, offset, &size));
	assert_int_equal(size, 1);
	return byte;
}

static uint64_t hot_bytes(struct hd_overlay *overlay)
{
	struct hd_overlay_counters counters;

	hd_overlay_counters(overlay, &counters);
	return counters.hot_bytes;
}

static void copy_whole(struct hd_overlay *overlay, hd_ino from, hd_ino to, size_t piece)
{
	uint64_t at = 0;
	size_t done = 0;

	do {
		assert_success(hd_overlay_copy_file_range(overlay, from, at, to, at, piece, &done));
		at += done;
	} while (done > 0);
	assert_true(at == attributes_of(overlay, from).size);
	assert_true(attributes_of(overlay, to).size == at);
}

static void copying_a_file_of_the_base_copies_no_byte(void **state)
{
	struct yard *yard = *state;
	uint32_t node = yard_base_add(yard, 0, "big", S_IFREG | 0644, 5 * GIB + 123);
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino from = find(overlay, HD_ROOT_INO, "big"), to = make_file(overlay, HD_ROOT_INO, "copy");
	struct hd_overlay_counters counters;

	copy_whole(overlay, from, to, GIB - 4096);
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.hot_bytes, 0);
	assert_int_equal(counters.unstored_files, 0);
	assert_int_equal(atomic_load(&yard->base->reads), 0);
	/* The two are two files, over what is durable as well. */
	put(overlay, to, "!", 1, 2 * GIB);
	assert_int_equal(byte_at(overlay, from, 2 * GIB), yard_byte(node, 2 * GIB));
	overlay = yard_reopen(yard);
	to = find(overlay, HD_ROOT_INO, "copy");
	assert_int_equal(byte_at(overlay, to, 2 * GIB), '!');
	assert_int_equal(byte_at(overlay, to, 2 * GIB + 1), yard_byte(node, 2 * GIB + 1));
	assert_int_equal(byte_at(overlay, to, 5 * GIB + 122), yard_byte(node, 5 * GIB + 122));
}

static void a_copy_has_what_was_written_over_the_base_too(void **state)
{
	struct yard *yard = *state;
	uint32_t node = yard_base_add(yard, 0, "big", S_IFREG | 0644, GIB);
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino from = find(overlay, HD_ROOT_INO, "big"), to = make_file(overlay, HD_ROOT_INO, "copy");

	put(overlay, from, "changed", 7, 700 << 20);
	assert_success(hd_overlay_fallocate(
		overlay, from, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 100 << 20, 1 << 20));
	copy_whole(overlay, from, to, GIB);
	assert_int_equal(hot_bytes(overlay), 2 * 4096);
	assert_int_equal(byte_at(overlay, to, (700 << 20) + 6), 'd');
	assert_int_equal(byte_at(overlay, to, (700 << 20) + 7), yard_byte(node, (700 << 20) + 7));
	assert_int_equal(byte_at(overlay, to, (100 << 20) + 77), 0);
	assert_int_equal(byte_at(overlay, to, (101 << 20) + 77), yard_byte(node, (101 << 20) + 77));
	assert_int_equal(byte_at(overlay, to, GIB - 1), yard_byte(node, GIB - 1));
}

/* Bytes that the target keeps are never covered by the content that it takes over. */
static void a_copy_keeps_what_lies_around_it(void **state)
{
	struct yard *yard = *state;
	uint32_t node = yard_base_add(yard, 0, "a", S_IFREG | 0644, 40000);
	uint32_t other = yard_base_add(yard, 0, "b", S_IFREG | 0644, 60000);
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino from = find(overlay, HD_ROOT_INO, "a"), to = find(overlay, HD_ROOT_INO, "b");
	hd_ino made = make_file(overlay, HD_ROOT_INO, "c");
	size_t done = 0;

	assert_success(hd_overlay_copy_file_range(overlay, from, 0, to, 0, 40000, &done));
	assert_int_equal(done, 40000);
	assert_int_equal(byte_at(overlay, to, 39999), yard_byte(node, 39999));
	assert_int_equal(byte_at(overlay, to, 40000), yard_byte(other, 40000));
	assert_int_equal(byte_at(overlay, to, 59999), yard_byte(other, 59999));
	put(overlay, made, "tail", 4, 39990);
	assert_success(hd_overlay_copy_file_range(overlay, from, 0, made, 0, 5000, &done));
	assert_int_equal(byte_at(overlay, made, 4999), yard_byte(node, 4999));
	assert_int_equal(byte_at(overlay, made, 5000), 0);
	assert_int_equal(byte_at(overlay, made, 39990), 't');
	/* What comes right behind goes on with the content; what leaves a gap does not. */
	assert_success(hd_overlay_copy_file_range(overlay, from, 5000, made, 5000, 3000, &done));
	assert_success(hd_overlay_copy_file_range(overlay, from, 9000, made, 9000, 3000, &done));
	assert_int_equal(byte_at(overlay, made, 7999), yard_byte(node, 7999));
	assert_int_equal(byte_at(overlay, made, 8000), 0);
	assert_int_equal(byte_at(overlay, made, 8999), 0);
	assert_int_equal(byte_at(overlay, made, 9000), yard_byte(node, 9000));
	assert_int_equal(byte_at(overlay, made, 12000), 0);
}

static hd_ino make_sparse(struct hd_overlay *overlay)
{
	hd_ino file = make_file(overlay, HD_ROOT_INO, "sparse");

	put(overlay, file, "begin", 5, 0);
	put(overlay, file, "middle", 6, TIB / 2);
	put(overlay, file, "end", 3, TIB - 3);
	return file;
}

static void holes_are_copied_as_holes(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino from = make_sparse(overlay), to = make_file(overlay, HD_ROOT_INO, "copy");
	hd_ino old = make_file(overlay, HD_ROOT_INO, "old");
	uint64_t where = 0;
	size_t done = 0;

	copy_whole(overlay, from, to, GIB * 64);
	assert_int_equal(hot_bytes(overlay), 6 * 4096);
	assert_success(hd_overlay_lseek(overlay, to, 4096, SEEK_DATA, &where));
	assert_true(where == TIB / 2);
	assert_int_equal(byte_at(overlay, to, TIB - 3), 'e');
	/* A hole over data: it is gone. */
	put(overlay, old, "data", 4, 20000);
	assert_success(hd_overlay_copy_file_range(overlay, from, 8192, old, 8192, 100000, &done));
	assert_int_equal(done, 100000);
	assert_int_equal(byte_at(overlay, old, 20000), 0);
	assert_int_equal(hot_bytes(overlay), 6 * 4096);
}

/* The content of a stored file is a hole itself: what a hole over it costs goes by its data. */
static void a_hole_over_a_stored_hole_costs_nothing(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = make_sparse(overlay);
	struct hd_overlay_counters before, after;
	uint64_t where = 0;

	assert_success(hd_settle_all(overlay, true));
	assert_int_equal(hot_bytes(overlay), 0);
	hd_overlay_counters(overlay, &before);
	assert_success(hd_overlay_fallocate(
		overlay, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096, TIB - 4096 - 2));
	hd_overlay_counters(overlay, &after);
	assert_true(after.transactions - before.transactions < 20);
	assert_int_equal(byte_at(overlay, file, 0), 'b');
	assert_int_equal(byte_at(overlay, file, TIB / 2), 0);
	assert_int_equal(byte_at(overlay, file, TIB - 3), 0);
	assert_int_equal(byte_at(overlay, file, TIB - 2), 'n');
	assert_success(hd_overlay_lseek(overlay, file, 4096, SEEK_DATA, &where));
	assert_true(where == TIB - 4096);
}

static void a_hole_in_a_large_file_gives_its_memory_back(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "large");
	static uint8_t bytes[8 << 20];
	struct stat memory;

	memset(bytes, 'x', sizeof(bytes));
	put(overlay, file, bytes, sizeof(bytes), 0);
	assert_int_equal(fstat(hd_hot_large_fd(overlay->hot, 1), &memory), 0);
	assert_true(memory.st_blocks * 512 >= 8 << 20);
	assert_success(hd_overlay_fallocate(
		overlay, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 1000, 6 << 20));
	assert_int_equal(fstat(hd_hot_large_fd(overlay->hot, 1), &memory), 0);
	assert_true(memory.st_blocks * 512 < 3 << 20);
	assert_int_equal(byte_at(overlay, file, 999), 'x');
	assert_int_equal(byte_at(overlay, file, 1000), 0);
	assert_int_equal(byte_at(overlay, file, (6 << 20) + 999), 0);
	assert_int_equal(byte_at(overlay, file, (6 << 20) + 1000), 'x');
}

static uint64_t blocks(struct hd_overlay *overlay, hd_ino file)
{
	return attributes_of(overlay, file).blocks / 8;
}

static void what_was_allocated_shows_until_it_is_given_back(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	struct hd_attributes values = {.size = 10000}, seen;

	put(overlay, file, "x", 1, 9999);
	assert_success(hd_overlay_fallocate(overlay, file, FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
	assert_int_equal(blocks(overlay, file), 256);
	assert_int_equal(attributes_of(overlay, file).size, 10000);
	assert_success(hd_overlay_fallocate(overlay, file, FALLOC_FL_KEEP_SIZE, 1 << 20, 4096));
	assert_int_equal(blocks(overlay, file), 257);
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &seen));
	assert_int_equal(blocks(overlay, file), 3);
	assert_success(hd_overlay_fallocate(overlay, file, 0, 12288, 8193));
	assert_int_equal(attributes_of(overlay, file).size, 20481);
	assert_int_equal(blocks(overlay, file), 6);
	assert_success(
		hd_overlay_fallocate(overlay, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20));
	assert_int_equal(blocks(overlay, file), 0);
	assert_success(hd_overlay_fallocate(overlay, file, FALLOC_FL_ZERO_RANGE, 4096, 8192));
	assert_int_equal(blocks(overlay, file), 2);
}

static void more_than_the_disk_has_is_refused_before_anything_changes(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	struct hd_attributes before, after;

	put(overlay, file, "data", 4, 0);
	before = attributes_of(overlay, file);
	assert_int_equal(hd_overlay_fallocate(overlay, file, 0, 0, (uint64_t)1 << 62), -ENOSPC);
	assert_int_equal(
		hd_overlay_fallocate(overlay, file, FALLOC_FL_ZERO_RANGE, 0, (uint64_t)1 << 62), -ENOSPC);
	assert_int_equal(
		hd_overlay_fallocate(overlay, file, FALLOC_FL_KEEP_SIZE, 0, (uint64_t)1 << 62), -ENOSPC);
	after = attributes_of(overlay, file);
	assert_memory_equal(&before, &after, sizeof(before));
	assert_int_equal(byte_at(overlay, file, 0), 'd');
}

/* A flush passes by what nobody can find; when it gets a name it must not. */
static void a_file_that_gets_its_name_late_has_its_bytes_from_before(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay *overlay = yard_open(yard);
	struct hd_attributes made, other;

	assert_success(hd_overlay_create_unnamed(overlay, &yard_caller, HD_ROOT_INO, 0600, true, &made));
	assert_success(hd_overlay_create_unnamed(overlay, &yard_caller, HD_ROOT_INO, 0600, false, &other));
	assert_int_equal(made.nlink, 0);
	put(overlay, made.ino, "bytes", 5, 10000);
	put(overlay, other.ino, "bytes", 5, 10000);
	assert_success(hd_overlay_sync(overlay));
	assert_int_equal(hd_overlay_link(overlay, other.ino, HD_ROOT_INO, "other", &other), -ENOENT);
	assert_success(hd_overlay_link(overlay, made.ino, HD_ROOT_INO, "late", &made));
	assert_int_equal(made.nlink, 1);
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "late"));
	assert_int_equal(hd_overlay_link(overlay, made.ino, HD_ROOT_INO, "again", &other), -ENOENT);
	assert_success(hd_overlay_create_unnamed(overlay, &yard_caller, HD_ROOT_INO, 0600, true, &made));
	put(overlay, made.ino, "bytes", 5, 10000);
	assert_success(hd_overlay_sync(overlay));
	assert_success(hd_overlay_link(overlay, made.ino, HD_ROOT_INO, "late", &made));
	overlay = yard_reopen(yard);
	assert_int_equal(byte_at(overlay, find(overlay, HD_ROOT_INO, "late"), 10004), 's');
	assert_int_equal(hot_bytes(overlay), 4096);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(copying_a_file_of_the_base_copies_no_byte),
		TEST(a_copy_has_what_was_written_over_the_base_too),
		TEST(a_copy_keeps_what_lies_around_it),
		TEST(holes_are_copied_as_holes),
		TEST(a_hole_over_a_stored_hole_costs_nothing),
		TEST(a_hole_in_a_large_file_gives_its_memory_back),
		TEST(what_was_allocated_shows_until_it_is_given_back),
		TEST(a_file_that_gets_its_name_late_has_its_bytes_from_before),
		TEST(more_than_the_disk_has_is_refused_before_anything_changes),
	};

	return cmocka_run_group_tests_name("file space", tests, NULL, NULL);
}
