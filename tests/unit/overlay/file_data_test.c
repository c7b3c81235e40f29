/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/falloc.h>

#include "overlay/contents/promotion.h"
#include "tests/unit/overlay/yard.h"

/*
 * Bytes: random changes of two files, one of them of the base, against a copy in memory; across stores into the CAS,
 * reopenings and the switch to a memory file of their own. A failure is repeated with HEDDLE_TEST_SEED.
 */

struct model {
	hd_ino ino;
	const char *name;
	uint8_t *bytes;
	uint64_t size, limit;
};

struct play {
	struct yard *yard;
	struct model models[2];
	uint64_t seed;
	uint8_t *buffer;
	size_t longest; /* of one change */
};

static void check_range(struct play *play, const struct model *model, uint64_t offset, size_t size)
{
	size_t got = 0, expected = offset >= model->size ? 0 : model->size - offset;

	if (expected > size)
		expected = size;
	memset(play->buffer, 0xee, size);
	assert_success(hd_overlay_read(play->yard->overlay, model->ino, play->buffer, size, offset, &got));
	assert_int_equal(got, expected);
	if (memcmp(play->buffer, model->bytes + offset, got) == 0)
		return;
	for (size_t i = 0; i < got; i++)
		if (play->buffer[i] != model->bytes[offset + i])
			fail_msg("%s: byte %llu is %02x, not %02x", model->name,
				(unsigned long long)(offset + i), play->buffer[i], model->bytes[offset + i]);
}

static void check_all(struct play *play)
{
	for (int i = 0; i < 2; i++) {
		const struct model *model = &play->models[i];

		assert_true(attributes_of(play->yard->overlay, model->ino).size == model->size);
		for (uint64_t at = 0; at < model->size; at += 1 << 20)
			check_range(play, model, at, 1 << 20);
	}
}

/* New bytes above the old end are zeros. */
static void grow(struct model *model, uint64_t size)
{
	if (size > model->size) {
		memset(model->bytes + model->size, 0, size - model->size);
		model->size = size;
	}
}

static void choose_range(struct play *play, const struct model *model, uint64_t *offset, size_t *size)
{
	uint64_t kind = draw(&play->seed) % 4;

	*offset = draw(&play->seed) % model->limit;
	*size = 1 + draw(&play->seed) % (kind == 0 ? play->longest : 5000);
	if (kind == 1)
		*offset &= ~(uint64_t)4095;
	if (kind == 2 && *offset > model->size)
		*offset = model->size;
	if (*size > model->limit - *offset)
		*size = model->limit - *offset;
}

static void do_write(struct play *play, struct model *model)
{
	uint64_t offset;
	size_t size, written = 0;

	choose_range(play, model, &offset, &size);
	for (size_t i = 0; i < size; i += 8) {
		uint64_t bytes = draw(&play->seed);

		memcpy(play->buffer + i, &bytes, size - i < 8 ? size - i : 8);
	}
	assert_success(
		hd_overlay_write(play->yard->overlay, model->ino, play->buffer, size, offset, &written));
	assert_int_equal(written, size);
	grow(model, offset + size);
	memcpy(model->bytes + offset, play->buffer, size);
}

static void do_truncate(struct play *play, struct model *model)
{
	struct hd_attributes values = {.size = draw(&play->seed) % model->limit}, seen;

	if (draw(&play->seed) % 3 == 0)
		values.size &= ~(uint64_t)4095;
	if (draw(&play->seed) % 20 == 0)
		values.size = 0;
	assert_success(hd_overlay_setattr(
		play->yard->overlay, &yard_caller, model->ino, HD_SET_SIZE, &values, &seen));
	assert_true(seen.size == values.size);
	grow(model, values.size);
	model->size = values.size;
}

static void do_punch(struct play *play, struct model *model, int mode)
{
	uint64_t offset, end;
	size_t size;

	choose_range(play, model, &offset, &size);
	assert_success(hd_overlay_fallocate(play->yard->overlay, model->ino, mode, offset, size));
	end = offset + size;
	if (mode == FALLOC_FL_ZERO_RANGE || mode == 0)
		grow(model, end);
	if (end > model->size)
		end = model->size;
	if (mode != 0 && offset < end)
		memset(model->bytes + offset, 0, end - offset);
}

static void do_copy(struct play *play, struct model *from, struct model *to)
{
	uint64_t from_offset, to_offset;
	size_t size, other, done = 0, expected;

	choose_range(play, from, &from_offset, &size);
	choose_range(play, to, &to_offset, &other);
	/* At the same place bytes of the content are shared, not copied. */
	if (draw(&play->seed) % 2)
		to_offset = from_offset = draw(&play->seed) % 3 ? 0 : from_offset % to->limit;
	if (size > to->limit - to_offset)
		size = to->limit - to_offset;
	expected = from_offset >= from->size ? 0 : from->size - from_offset;
	if (expected > size)
		expected = size;
	assert_success(hd_overlay_copy_file_range(
		play->yard->overlay, from->ino, from_offset, to->ino, to_offset, size, &done));
	assert_int_equal(done, expected);
	if (done > 0) {
		grow(to, to_offset + done);
		memcpy(to->bytes + to_offset, from->bytes + from_offset, done);
	}
}

/* What SEEK_DATA and SEEK_HOLE jump over must be zeros. */
static void check_seek(struct play *play, const struct model *model)
{
	uint64_t from = draw(&play->seed) % model->limit, to = 0;
	int r = hd_overlay_lseek(play->yard->overlay, model->ino, from, SEEK_DATA, &to);

	if (from >= model->size) {
		assert_int_equal(r, -ENXIO);
		assert_int_equal(
			hd_overlay_lseek(play->yard->overlay, model->ino, from, SEEK_HOLE, &to), -ENXIO);
		return;
	}
	if (r == -ENXIO)
		to = model->size;
	else
		assert_success(r);
	assert_in_range(to, from, model->size);
	for (uint64_t i = from; i < to; i++)
		if (model->bytes[i])
			fail_msg("SEEK_DATA jumps over byte %llu", (unsigned long long)i);
	assert_success(hd_overlay_lseek(play->yard->overlay, model->ino, from, SEEK_HOLE, &to));
	assert_in_range(to, from, model->size);
}

static void find_again(struct play *play)
{
	for (int i = 0; i < 2; i++)
		play->models[i].ino = find(play->yard->overlay, HD_ROOT_INO, play->models[i].name);
}

static void do_one(struct play *play)
{
	unsigned which = draw(&play->seed) & 1;
	struct model *model = &play->models[which];
	unsigned kind = draw(&play->seed) % 100;
	uint64_t offset;
	size_t size;

	if (kind < 45) {
		do_write(play, model);
	} else if (kind < 55) {
		do_truncate(play, model);
	} else if (kind < 62) {
		do_punch(play, model, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE);
	} else if (kind < 68) {
		do_punch(play, model,
			FALLOC_FL_ZERO_RANGE | (draw(&play->seed) & 1 ? FALLOC_FL_KEEP_SIZE : 0));
	} else if (kind < 70) {
		do_punch(play, model, 0);
	} else if (kind < 76) {
		do_copy(play, model, &play->models[1 - which]);
	} else if (kind < 80) {
		check_seek(play, model);
	} else {
		choose_range(play, model, &offset, &size);
		check_range(play, model, offset, size);
	}
}

/* Every so often all is stored, or made durable, or closed and opened. */
static void disturb(struct play *play, unsigned i)
{
	if (i % 97 == 0)
		assert_success(hd_settle_all(play->yard->overlay, draw(&play->seed) & 1));
	if (i % 389 == 0)
		assert_success(hd_overlay_sync(play->yard->overlay));
	if (i % 997 == 0) {
		check_all(play);
		(void)yard_reopen(play->yard);
		find_again(play);
		check_all(play);
	}
}

static void play_over_a_base(
	struct yard *yard, uint64_t base_size, uint64_t limit, size_t longest, unsigned operations)
{
	struct play play = {.yard = yard, .seed = yard_seed(), .longest = longest};
	uint32_t node = yard_base_add(yard, 0, "based", S_IFREG | 0644, base_size);

	play.buffer = malloc(limit > 1 << 20 ? limit : 1 << 20);
	assert_non_null(play.buffer);
	(void)yard_open(yard);
	(void)make_file(yard->overlay, HD_ROOT_INO, "made");
	play.models[0].name = "made";
	play.models[1].name = "based";
	for (int i = 0; i < 2; i++) {
		play.models[i].bytes = calloc(1, limit);
		assert_non_null(play.models[i].bytes);
		play.models[i].limit = limit;
	}
	play.models[1].size = base_size;
	for (uint64_t i = 0; i < base_size; i++)
		play.models[1].bytes[i] = yard_byte(node, i);
	find_again(&play);
	for (unsigned i = 1; i <= operations; i++) {
		do_one(&play);
		disturb(&play, i);
	}
	check_all(&play);
	for (int i = 0; i < 2; i++)
		free(play.models[i].bytes);
	free(play.buffer);
}

static void small_files_hold_what_was_written_last(void **state)
{
	play_over_a_base(*state, 30000, 70000, 20000, YARD_IS_SLOW ? 2500 : 12000);
}

static void files_that_grow_large_and_shrink_hold_what_was_written_last(void **state)
{
	play_over_a_base(*state, (5 << 20) + 123, 9 << 20, 3 << 20, YARD_IS_SLOW ? 250 : 1200);
}

/* ---- particular cases ---- */

static void one_byte_in_a_large_file_of_the_base_costs_one_block(void **state)
{
	struct yard *yard = *state;
	uint32_t node = yard_base_add(yard, 0, "big", S_IFREG | 0644, (uint64_t)1 << 30);
	struct hd_overlay *overlay = yard_open(yard);
	hd_ino file = find(overlay, HD_ROOT_INO, "big");
	struct hd_overlay_counters counters;
	uint8_t bytes[3];
	size_t size;

	assert_success(hd_overlay_write(overlay, file, "!", 1, (500u << 20) + 17, &size));
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.hot_bytes, 4096);
	assert_int_equal(atomic_load(&yard->base->reads), 1);
	assert_int_equal(atomic_load(&yard->base->read_sum), 4096);
	assert_success(hd_overlay_read(overlay, file, bytes, 3, (500u << 20) + 16, &size));
	assert_int_equal(bytes[0], yard_byte(node, (500u << 20) + 16));
	assert_int_equal(bytes[1], '!');
	assert_int_equal(bytes[2], yard_byte(node, (500u << 20) + 18));
	assert_int_equal(atomic_load(&yard->base->reads), 1);
	/* Whole blocks need nothing of the base. */
	{
		static const uint8_t block[8192];

		assert_success(hd_overlay_write(overlay, file, block, sizeof(block), 4096, &size));
		assert_int_equal(atomic_load(&yard->base->reads), 1);
	}
	/* Nor does closing store the rest of it: the blocks are in the journal. */
	overlay = yard_reopen(yard);
	assert_int_equal(atomic_load(&yard->base->reads), 1);
	file = find(overlay, HD_ROOT_INO, "big");
	assert_success(hd_overlay_read(overlay, file, bytes, 3, (500u << 20) + 16, &size));
	assert_int_equal(bytes[1], '!');
	assert_int_equal(bytes[2], yard_byte(node, (500u << 20) + 18));
}

/* The blocks lie so far apart that each has a page of the map for itself. */
static void a_file_of_thousands_of_far_blocks_is_whole_and_goes_without_a_trace(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "sparse");
	struct hd_overlay_counters counters;
	size_t size;

	for (uint64_t i = 0; i < 4000; i++)
		assert_success(hd_overlay_write(overlay, file, &i, sizeof(i), i << 33, &size));
	for (uint64_t i = 0; i < 4000; i++) {
		uint64_t seen = UINT64_MAX, where = 0;

		assert_success(hd_overlay_read(overlay, file, &seen, sizeof(seen), i << 33, &size));
		assert_true(seen == i);
		if (i > 0) {
			assert_success(
				hd_overlay_lseek(overlay, file, ((i - 1) << 33) + 4096, SEEK_DATA, &where));
			assert_true(where == i << 33);
		}
	}
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.hot_bytes, 4000 * 4096);
	assert_int_equal(counters.large_files, 1);
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "sparse"));
	assert_success(hd_overlay_release(overlay, file));
	hd_overlay_forget(overlay, file, 1);
	hd_overlay_counters(overlay, &counters);
	assert_int_equal(counters.hot_bytes, 0);
	assert_int_equal(counters.large_files, 0);
	assert_int_equal(counters.orphans, 0);
}

static int refuse(void *payload, uint32_t slot, int fd)
{
	(void)slot;
	*(unsigned *)payload += fd >= 0;
	return -EPIPE;
}

static void a_large_file_whose_memory_nobody_would_hold_stays_in_the_shared_one(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	struct hd_overlay_counters counters;
	unsigned refused = 0;
	hd_ino file;
	size_t size;

	options.hold_large = refuse;
	options.hold_payload = &refused;
	(void)yard_open_with(yard, &options);
	file = make_file(yard->overlay, HD_ROOT_INO, "large");
	for (uint64_t i = 0; i < 3000; i++)
		assert_success(hd_overlay_write(yard->overlay, file, &i, sizeof(i), i << 12, &size));
	hd_overlay_counters(yard->overlay, &counters);
	assert_true(refused > 0);
	assert_int_equal(counters.large_files, 0);
	for (uint64_t i = 0; i < 3000; i++) {
		uint64_t seen = UINT64_MAX;

		assert_success(hd_overlay_read(yard->overlay, file, &seen, sizeof(seen), i << 12, &size));
		assert_true(seen == i);
	}
}

static void the_ends_of_the_address_space_are_guarded(void **state)
{
	struct hd_overlay *overlay = yard_open(*state);
	hd_ino file = make_file(overlay, HD_ROOT_INO, "file");
	struct hd_attributes values = {.size = (uint64_t)INT64_MAX}, seen;
	uint8_t byte = 1;
	uint64_t where;
	size_t size;

	assert_int_equal(hd_overlay_write(overlay, file, "xx", 2, (uint64_t)INT64_MAX, &size), -EFBIG);
	assert_int_equal(hd_overlay_write(overlay, file, "x", 1, UINT64_MAX, &size), -EFBIG);
	assert_int_equal(hd_overlay_fallocate(overlay, file, 0, (uint64_t)INT64_MAX - 1, 5), -EFBIG);
	assert_int_equal(hd_overlay_fallocate(overlay, file, 0, 0, 0), -EINVAL);
	assert_int_equal(hd_overlay_fallocate(overlay, file, FALLOC_FL_COLLAPSE_RANGE, 0, 4096), -EOPNOTSUPP);
	assert_int_equal(hd_overlay_lseek(overlay, file, 0, SEEK_CUR, &where), -EINVAL);
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &seen));
	assert_true(seen.size == (uint64_t)INT64_MAX);
	assert_success(hd_overlay_read(overlay, file, &byte, 1, (uint64_t)INT64_MAX - 1, &size));
	assert_int_equal(size, 1);
	assert_int_equal(byte, 0);
	/* Holes of exbibytes are passed in no time. */
	assert_int_equal(hd_overlay_lseek(overlay, file, 0, SEEK_DATA, &where), -ENXIO);
	assert_success(hd_overlay_write(overlay, file, "x", 1, (uint64_t)7 << 60, &size));
	assert_success(hd_overlay_lseek(overlay, file, 0, SEEK_DATA, &where));
	assert_true(where == (uint64_t)7 << 60);
	assert_success(hd_overlay_fallocate(overlay, file, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 4096,
		((uint64_t)15 << 59) - 4096));
	assert_int_equal(hd_overlay_lseek(overlay, file, 0, SEEK_DATA, &where), -ENXIO);
	assert_success(hd_overlay_unlink(overlay, HD_ROOT_INO, "file"));
	assert_int_equal(hd_overlay_read(overlay, HD_ROOT_INO, &byte, 1, 0, &size), -EISDIR);
}

static void what_was_cut_off_never_shows_again(void **state)
{
	struct yard *yard = *state;
	uint8_t bytes[20000];
	struct hd_attributes values = {.size = 5000}, seen;
	struct hd_overlay *overlay;
	hd_ino file;
	size_t size;

	(void)yard_base_add(yard, 0, "based", S_IFREG | 0644, 20000);
	overlay = yard_open(yard);
	file = find(overlay, HD_ROOT_INO, "based");
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &seen));
	values.size = 20000;
	assert_success(hd_overlay_setattr(overlay, &yard_caller, file, HD_SET_SIZE, &values, &seen));
	assert_success(hd_overlay_read(overlay, file, bytes, sizeof(bytes), 0, &size));
	assert_int_equal(size, 20000);
	assert_int_equal(bytes[4999], yard_byte(1, 4999));
	for (int i = 5000; i < 20000; i++)
		assert_int_equal(bytes[i], 0);
	assert_success(hd_overlay_open_file(overlay, file, O_WRONLY | O_TRUNC));
	assert_int_equal(attributes_of(overlay, file).size, 0);
	assert_int_equal(hd_overlay_open_file(overlay, HD_ROOT_INO, O_WRONLY | O_TRUNC), -EISDIR);
}

/* Without threads of its own the overlay makes room where it is needed. */
static void more_than_the_hot_tier_may_hold_can_be_written(void **state)
{
	struct yard *yard = *state;
	struct hd_overlay_options options = yard_options(yard);
	static uint8_t bytes[1 << 20];
	struct hd_overlay_counters counters;
	char name[16];
	size_t size;

	options.hot_limit_bytes = 4 << 20;
	(void)yard_open_with(yard, &options);
	for (int i = 0; i < 20; i++) {
		hd_ino file;

		snprintf(name, sizeof(name), "f%d", i);
		memset(bytes, i + 1, sizeof(bytes));
		file = make_file(yard->overlay, HD_ROOT_INO, name);
		assert_success(hd_overlay_write(yard->overlay, file, bytes, sizeof(bytes), 0, &size));
	}
	hd_overlay_counters(yard->overlay, &counters);
	assert_true(counters.hot_bytes <= (6 << 20));
	for (int i = 0; i < 20; i++) {
		snprintf(name, sizeof(name), "f%d", i);
		assert_success(hd_overlay_read(yard->overlay, find(yard->overlay, HD_ROOT_INO, name), bytes,
			sizeof(bytes), 0, &size));
		assert_int_equal(size, sizeof(bytes));
		assert_int_equal(bytes[0], i + 1);
		assert_int_equal(bytes[sizeof(bytes) - 1], i + 1);
	}
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, yard_setup_over_base, yard_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		TEST(small_files_hold_what_was_written_last),
		TEST(files_that_grow_large_and_shrink_hold_what_was_written_last),
		TEST(one_byte_in_a_large_file_of_the_base_costs_one_block),
		TEST(a_file_of_thousands_of_far_blocks_is_whole_and_goes_without_a_trace),
		TEST(a_large_file_whose_memory_nobody_would_hold_stays_in_the_shared_one),
		TEST(the_ends_of_the_address_space_are_guarded),
		TEST(what_was_cut_off_never_shows_again),
		TEST(more_than_the_hot_tier_may_hold_can_be_written),
	};

	return cmocka_run_group_tests_name("file data", tests, NULL, NULL);
}
