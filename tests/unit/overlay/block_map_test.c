/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/block_map.h"
#include "overlay/arena/inode_table.h"
#include "tests/unit/overlay/arena_place.h"

static const struct timespec now = {.tv_sec = 1};

static uint32_t make_inode(struct hd_arena *arena)
{
	struct hd_transaction transaction;
	uint32_t index;

	hd_transaction_begin(arena, &transaction);
	index = hd_inode_new(&transaction, 0100644, &now);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	return index;
}

static void set(struct hd_arena *arena, uint32_t inode, uint64_t block, uint32_t value)
{
	struct hd_transaction transaction;

	hd_transaction_begin(arena, &transaction);
	hd_block_set(&transaction, inode, block, value);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

static uint32_t get(struct hd_arena *arena, uint32_t inode, uint64_t block)
{
	return hd_block_get(arena, hd_record_inode(arena, inode), block);
}

static const struct hd_file_part *part(struct hd_arena *arena, uint32_t inode)
{
	return &hd_record_inode(arena, inode)->part.file;
}

static uint32_t pages(struct hd_arena *arena)
{
	const struct hd_allocator *allocator =
		hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_MAP);

	return allocator->used;
}

/* The first and last block of every height, up to the last block below 8 EiB. */
static const uint64_t edges[] = {0, 7, 8, 1023, 1024, (1u << 20) - 1, 1u << 20, (1u << 30) - 1, 1u << 30,
	((uint64_t)1 << 40) - 1, (uint64_t)1 << 40, ((uint64_t)1 << 50) - 1, (uint64_t)1 << 50,
	HD_BLOCK_COUNT_LIMIT - 1};
#define EDGES (sizeof(edges) / sizeof(edges[0]))

static void blocks_at_the_edges_of_all_heights_are_kept_apart(void **state)
{
	struct hd_arena *arena = *state;
	const uint32_t heights[EDGES] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6};
	uint32_t inode = make_inode(arena);

	for (uint32_t i = 0; i < EDGES; i++) {
		assert_int_equal(get(arena, inode, edges[i]), HD_BLOCK_NONE);
		set(arena, inode, edges[i], 100 + i);
		assert_int_equal(part(arena, inode)->height, heights[i]);
		assert_int_equal(part(arena, inode)->mapped, i + 1);
		for (uint32_t j = 0; j <= i; j++)
			assert_int_equal(get(arena, inode, edges[j]), 100 + j);
	}
	assert_int_equal(get(arena, inode, 6), HD_BLOCK_NONE);
	assert_int_equal(get(arena, inode, HD_BLOCK_COUNT_LIMIT - 2), HD_BLOCK_NONE);
}

static void a_first_block_far_out_takes_one_page_per_level(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena);

	set(arena, inode, HD_BLOCK_COUNT_LIMIT - 1, 99);
	assert_int_equal(get(arena, inode, HD_BLOCK_COUNT_LIMIT - 1), 99);
	assert_int_equal(pages(arena), 6);
}

static void the_search_finds_every_mapped_block_in_order(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena), value = 0, found = 0;
	uint64_t block = 0;

	assert_false(hd_block_next(arena, hd_record_inode(arena, inode), 0, &block, &value));
	for (uint32_t i = EDGES; i-- > 0;)
		set(arena, inode, edges[i], i % 3 ? 100 + i : HD_BLOCK_HOLE);
	for (block = 0; hd_block_next(arena, hd_record_inode(arena, inode), block, &block, &value); block++) {
		assert_true(found < EDGES);
		assert_true(block == edges[found]);
		assert_int_equal(value, found % 3 ? 100 + found : HD_BLOCK_HOLE);
		found++;
	}
	assert_int_equal(found, EDGES);
	block = 9;
	assert_true(hd_block_next(arena, hd_record_inode(arena, inode), 9, &block, &value));
	assert_true(block == 1023);
}

static void only_blocks_with_memory_are_counted(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena);

	set(arena, inode, 3, HD_BLOCK_HOLE);
	assert_int_equal(part(arena, inode)->mapped, 0);
	set(arena, inode, 3, HD_BLOCK_LARGE);
	set(arena, inode, 3, 77);
	assert_int_equal(part(arena, inode)->mapped, 1);
	set(arena, inode, 2000, 78);
	set(arena, inode, 3, HD_BLOCK_NONE);
	assert_int_equal(part(arena, inode)->mapped, 1);
	set(arena, inode, 2000, HD_BLOCK_HOLE);
	assert_int_equal(part(arena, inode)->mapped, 0);
}

static void to_unmap_what_was_never_mapped_costs_no_page(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena);

	set(arena, inode, (uint64_t)1 << 45, HD_BLOCK_NONE);
	assert_int_equal(pages(arena), 0);
	set(arena, inode, (uint64_t)1 << 45, 50);
	assert_int_equal(pages(arena), 5);
	set(arena, inode, 12345, HD_BLOCK_NONE);
	assert_int_equal(pages(arena), 5);
}

static void clear(struct hd_arena *arena, uint32_t inode, unsigned *ret_transactions)
{
	struct hd_transaction transaction;
	bool done = false;

	for (*ret_transactions = 0; !done; (*ret_transactions)++) {
		hd_transaction_begin(arena, &transaction);
		done = hd_block_map_clear(&transaction, inode);
		assert_int_equal(hd_transaction_commit(&transaction), 0);
		assert_true(*ret_transactions < 100);
	}
}

static void a_map_of_thousands_of_pages_is_freed_in_several_transactions(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena);
	unsigned transactions;

	for (uint64_t i = 0; i < 5000; i++)
		set(arena, inode, i << 10, 100);
	assert_true(pages(arena) > 5000);
	for (uint64_t i = 0; i < 5000; i++)
		set(arena, inode, i << 10, HD_BLOCK_NONE);
	clear(arena, inode, &transactions);
	assert_true(transactions > 1);
	assert_int_equal(pages(arena), 0);
	assert_int_equal(part(arena, inode)->height, 0);
	assert_int_equal(part(arena, inode)->root, 0);
	/* A page that was used before is empty when it comes back. */
	set(arena, inode, 5000, 42);
	assert_int_equal(get(arena, inode, 5000), 42);
	assert_int_equal(get(arena, inode, 5001), HD_BLOCK_NONE);
	assert_int_equal(get(arena, inode, 4096), HD_BLOCK_NONE);
}

static void clearing_the_blocks_in_the_inode_needs_one_transaction(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t inode = make_inode(arena);
	unsigned transactions;

	set(arena, inode, 0, 16);
	set(arena, inode, 0, HD_BLOCK_NONE);
	clear(arena, inode, &transactions);
	assert_int_equal(transactions, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			blocks_at_the_edges_of_all_heights_are_kept_apart, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			a_first_block_far_out_takes_one_page_per_level, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			the_search_finds_every_mapped_block_in_order, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			only_blocks_with_memory_are_counted, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			to_unmap_what_was_never_mapped_costs_no_page, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(a_map_of_thousands_of_pages_is_freed_in_several_transactions,
			arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			clearing_the_blocks_in_the_inode_needs_one_transaction, arena_setup, arena_teardown),
	};

	return cmocka_run_group_tests_name("block map", tests, NULL, NULL);
}
