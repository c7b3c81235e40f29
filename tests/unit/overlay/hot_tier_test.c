/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/hot/hot_tier.h"
#include "overlay/platform/cleanup.h"
#include "tests/unit/overlay/arena_place.h"

/* Which blocks are handed out, and when they come back. */

struct place {
	struct hd_arena *arena;
	struct hd_hot_tier *tier;
	int fd;
};

static int setup(void **state)
{
	struct place *place = calloc(1, sizeof(*place));

	assert_non_null(place);
	assert_int_equal(arena_setup((void **)&place->arena), 0);
	place->fd = hd_memory_file_create("test-hot", hd_hot_file_size());
	assert_true(place->fd >= 0);
	assert_int_equal(
		hd_hot_tier_new(place->fd, place->arena, (uint64_t)1 << 40, NULL, NULL, &place->tier), 0);
	*state = place;
	return 0;
}

static int teardown(void **state)
{
	struct place *place = *state;

	hd_hot_tier_free(place->tier);
	(void)close(place->fd);
	(void)arena_teardown((void **)&place->arena);
	free(place);
	return 0;
}

static void commit_use(struct place *place, uint32_t first, uint32_t count, bool use)
{
	struct hd_transaction transaction;

	hd_transaction_begin(place->arena, &transaction);
	for (uint32_t i = 0; i < count; i++) {
		if (use)
			hd_hot_use(&transaction, first + i);
		else
			hd_hot_free(place->tier, &transaction, first + i);
	}
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	hd_hot_committed(place->tier, true);
}

static uint32_t reserve(struct place *place, uint32_t wanted, uint32_t expected)
{
	uint32_t first = 0, count = 0;

	assert_int_equal(hd_hot_reserve(place->tier, wanted, &first, &count), 0);
	assert_int_equal(count, expected);
	return first;
}

static void a_run_that_came_back_is_given_out_as_a_run(void **state)
{
	struct place *place = *state;
	uint32_t first = reserve(place, 256, 256);

	assert_int_equal(first, HD_BLOCK_FIRST);
	for (int i = 0; i < 1000; i++) {
		commit_use(place, first, 256, true);
		commit_use(place, first, 256, false);
		assert_int_equal(reserve(place, 256, 256), first);
	}
	hd_hot_unreserve(place->tier, first, 256);
	/* While a flush reads them they do not come back, and then in the other order. */
	first = reserve(place, 200, 200);
	commit_use(place, first, 200, true);
	hd_hot_hold(place->tier);
	commit_use(place, first, 200, false);
	assert_int_not_equal(reserve(place, 20, 20), first);
	hd_hot_unhold(place->tier);
	assert_int_equal(reserve(place, 200, 200), first);
}

static void single_blocks_fill_the_gaps(void **state)
{
	struct place *place = *state;
	uint32_t first = reserve(place, 100, 100);

	commit_use(place, first, 100, true);
	for (uint32_t i = 0; i < 100; i += 2)
		commit_use(place, first + i, 1, false);
	for (uint32_t i = 0; i < 50; i++) {
		uint32_t block = reserve(place, 1, 1);

		assert_in_range(block, first, first + 99);
		assert_int_equal((block - first) % 2, 0);
	}
	assert_true(reserve(place, 1, 1) >= first + 100);
}

/* Scattered blocks are used again at the latest when there are very many of them. */
static void the_used_part_of_the_file_does_not_grow_for_ever(void **state)
{
	struct place *place = *state;
	uint32_t highest = 0;

	for (int round = 0; round < 40; round++) {
		for (int i = 0; i < 100; i++) {
			uint32_t first, count;

			for (uint32_t left = 256; left > 0; left -= count) {
				assert_int_equal(hd_hot_reserve(place->tier, left, &first, &count), 0);
				assert_in_range(count, 1, left);
				if (first + count > highest)
					highest = first + count;
				commit_use(place, first, count, true);
				/* Every other block at once, the rest behind it: never a run. */
				for (uint32_t b = 0; b < count; b += 2)
					commit_use(place, first + b, 1, false);
				for (uint32_t b = 1; b < count; b += 2)
					commit_use(place, first + b, 1, false);
			}
		}
	}
	assert_true(highest < 40000);
	assert_int_equal(hd_hot_usage(place->tier).bytes, 0);
}

static void what_a_failed_transaction_freed_stays_in_use(void **state)
{
	struct place *place = *state;
	struct hd_transaction transaction;
	uint32_t first = reserve(place, 1, 1);

	commit_use(place, first, 1, true);
	hd_transaction_begin(place->arena, &transaction);
	hd_hot_free(place->tier, &transaction, first);
	hd_transaction_abort(&transaction);
	hd_hot_committed(place->tier, false);
	assert_int_not_equal(reserve(place, 1, 1), first);
	assert_int_equal(hd_hot_usage(place->tier).bytes, 2 * 4096);
}

/* A tier that begins with the blocks of another: those in use are counted, and the others are given out before any more. */
static void the_next_process_finds_what_is_free(void **state)
{
	static const uint32_t freed[] = {HD_BLOCK_FIRST, 63, 64, 127, 128, 200, 511, 512, 640, 999};
	struct place *place = *state;
	bool found[1000] = {false};
	uint32_t count = 1000 - HD_BLOCK_FIRST;

	assert_int_equal(reserve(place, count, count), HD_BLOCK_FIRST);
	commit_use(place, HD_BLOCK_FIRST, count, true);
	for (size_t i = 0; i < HD_ARRAY_SIZE(freed); i++)
		commit_use(place, freed[i], 1, false);
	hd_hot_tier_free(place->tier);
	assert_int_equal(
		hd_hot_tier_new(place->fd, place->arena, (uint64_t)1 << 40, NULL, NULL, &place->tier), 0);
	assert_int_equal(hd_hot_usage(place->tier).bytes, (count - HD_ARRAY_SIZE(freed)) * 4096);
	for (size_t i = 0; i < HD_ARRAY_SIZE(freed); i++) {
		uint32_t block = reserve(place, 1, 1);

		assert_in_range(block, HD_BLOCK_FIRST, 999);
		assert_false(found[block]);
		found[block] = true;
	}
	for (size_t i = 0; i < HD_ARRAY_SIZE(freed); i++)
		assert_true(found[freed[i]]);
	assert_int_equal(reserve(place, 1, 1), 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_run_that_came_back_is_given_out_as_a_run, setup, teardown),
		cmocka_unit_test_setup_teardown(single_blocks_fill_the_gaps, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_used_part_of_the_file_does_not_grow_for_ever, setup, teardown),
		cmocka_unit_test_setup_teardown(
			what_a_failed_transaction_freed_stays_in_use, setup, teardown),
		cmocka_unit_test_setup_teardown(the_next_process_finds_what_is_free, setup, teardown),
	};

	return cmocka_run_group_tests_name("hot tier", tests, NULL, NULL);
}
