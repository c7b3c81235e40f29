/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/entry_table.h"
#include "overlay/arena/inode_table.h"
#include "tests/unit/overlay/arena_place.h"

#define MANY 100000u
#define PER_TRANSACTION 256u

static const struct timespec now = {.tv_sec = 1};

/* Directory 1 and a file, inode 2, that all names mean. */
static void make_inodes(struct hd_arena *arena)
{
	struct hd_transaction transaction;

	hd_transaction_begin(arena, &transaction);
	assert_int_equal(hd_inode_new(&transaction, 0040755, &now), 1);
	assert_int_equal(hd_inode_new(&transaction, 0100644, &now), 2);
	assert_int_equal(hd_inode_new(&transaction, 0040755, &now), 3);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

/* Every seventh name is too long for its record. */
static size_t name_of(uint32_t i, char name[256])
{
	if (i % 7 == 0)
		return (size_t)snprintf(name, 256, "%0*u-long", 60 + (int)(i % 150), i);
	return (size_t)snprintf(name, 256, "name-%u", i);
}

/* A child of its own each: one inode with so many names would make removal slow, as it does in any filesystem. */
static uint32_t add(struct hd_transaction *transaction, uint32_t parent, const char *name, size_t length)
{
	uint32_t child = hd_inode_new(transaction, 0100644, &now);

	return hd_entry_insert(transaction, parent, name, length, child, false);
}

static void add_many(struct hd_arena *arena, uint32_t parent, uint32_t count)
{
	struct hd_transaction transaction;
	char name[256];

	for (uint32_t i = 0; i < count;) {
		hd_transaction_begin(arena, &transaction);
		for (uint32_t end = i + PER_TRANSACTION; i < end && i < count; i++)
			assert_int_not_equal(add(&transaction, parent, name, name_of(i, name)), 0);
		assert_int_equal(hd_transaction_commit(&transaction), 0);
	}
}

static void remove_one(struct hd_arena *arena, uint32_t entry)
{
	struct hd_transaction transaction;

	hd_transaction_begin(arena, &transaction);
	hd_entry_remove(&transaction, entry, false);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

static void a_hundred_thousand_names_are_found_and_removed(void **state)
{
	struct hd_arena *arena = *state;
	const struct hd_hash_head *hash = hd_record(arena, HD_TABLE_HEAD, HD_HEAD_HASH);
	char name[256], seen[256];

	make_inodes(arena);
	add_many(arena, 1, MANY);
	assert_int_equal(hd_record_inode(arena, 1)->part.directory.entries, MANY);
	assert_int_equal((1u << hash->level) + hash->split, MANY);
	for (uint32_t i = 0; i < MANY; i++) {
		size_t length = name_of(i, name);
		uint32_t entry = hd_entry_find(arena, 1, name, length);

		assert_int_not_equal(entry, 0);
		assert_int_equal(hd_entry_name(arena, entry, seen), length);
		assert_string_equal(seen, name);
		assert_int_equal(hd_entry_find(arena, 3, name, length), 0);
	}
	for (uint32_t i = 0; i < MANY; i += 2)
		remove_one(arena, hd_entry_find(arena, 1, name, name_of(i, name)));
	for (uint32_t i = 0; i < MANY; i++)
		assert_int_equal(hd_entry_find(arena, 1, name, name_of(i, name)) != 0, i % 2);
	assert_int_equal(hd_record_inode(arena, 1)->part.directory.entries, MANY / 2);
}

static void a_removed_name_gives_back_all_its_cells(void **state)
{
	struct hd_arena *arena = *state;
	const struct hd_allocator *cells = hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_CELL);
	struct hd_transaction transaction;
	char name[256];
	uint32_t entry;

	make_inodes(arena);
	memset(name, 'x', sizeof(name));
	hd_transaction_begin(arena, &transaction);
	entry = hd_entry_insert(&transaction, 1, name, 255, 2, false);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(cells->used, (255 + HD_CELL_BYTES - 1) / HD_CELL_BYTES);
	assert_int_equal(hd_entry_find(arena, 1, name, 255), entry);
	assert_int_equal(hd_entry_find(arena, 1, name, 254), 0);
	name[254] = 'y';
	assert_int_equal(hd_entry_find(arena, 1, name, 255), 0);
	remove_one(arena, entry);
	assert_int_equal(cells->used, 0);
}

static void names_at_the_edge_of_their_record_are_whole(void **state)
{
	struct hd_arena *arena = *state;
	struct hd_transaction transaction;
	char name[256], seen[256];

	make_inodes(arena);
	memset(name, 'e', sizeof(name));
	for (size_t length = HD_ENTRY_INLINE - 1; length <= HD_ENTRY_INLINE + 1; length++) {
		hd_transaction_begin(arena, &transaction);
		(void)hd_entry_insert(&transaction, 1, name, length, 2, false);
		assert_int_equal(hd_transaction_commit(&transaction), 0);
	}
	for (size_t length = HD_ENTRY_INLINE - 1; length <= HD_ENTRY_INLINE + 1; length++) {
		uint32_t entry = hd_entry_find(arena, 1, name, length);

		assert_int_not_equal(entry, 0);
		assert_int_equal(hd_entry_name(arena, entry, seen), length);
		assert_int_equal(strlen(seen), length);
	}
}

static void a_cookie_goes_on_behind_an_entry_that_is_gone(void **state)
{
	struct hd_arena *arena = *state;
	uint32_t entry;
	uint64_t cookie = 0;
	unsigned seen = 0;
	char name[256];

	make_inodes(arena);
	add_many(arena, 1, 1000);
	/* rm -r: list one, remove it, go on with its cookie. */
	while ((entry = hd_entry_after(arena, 1, cookie)) != 0) {
		cookie = hd_entry_cookie(arena, entry);
		hd_entry_name(arena, entry, name);
		remove_one(arena, entry);
		seen++;
	}
	assert_int_equal(seen, 1000);
	/* What comes later is before every cookie, also in a record that was used before: a listing ends. */
	add_many(arena, 1, 10);
	assert_int_equal(hd_entry_after(arena, 1, cookie), 0);
	entry = hd_entry_after(arena, 1, 0);
	assert_int_not_equal(entry, 0);
	assert_true(hd_entry_cookie(arena, entry) > cookie);
	assert_int_equal(hd_record_entry(arena, entry)->next, 0);
}

static void no_entry_is_listed_twice_or_left_out_while_others_come_and_go(void **state)
{
	struct hd_arena *arena = *state;
	struct hd_transaction transaction;
	uint8_t listed[500] = {0};
	uint64_t cookie = 0;
	uint32_t entry;
	unsigned step = 0;
	char name[256];

	make_inodes(arena);
	add_many(arena, 1, 500);
	while ((entry = hd_entry_after(arena, 1, cookie)) != 0) {
		unsigned number = 0;

		cookie = hd_entry_cookie(arena, entry);
		hd_entry_name(arena, entry, name);
		if (sscanf(name, "name-%u", &number) == 1 || sscanf(name, "%u-long", &number) == 1) {
			assert_true(number < 500);
			assert_int_equal(listed[number]++, 0);
		}
		/* The odd ones before and behind go; some that nobody has asked for come. */
		if (++step < 250) {
			uint32_t victim = hd_entry_find(arena, 1, name, name_of(step * 2 - 1, name));

			remove_one(arena, victim);
			hd_transaction_begin(arena, &transaction);
			(void)add(&transaction, 1, name, (size_t)snprintf(name, sizeof(name), "new%u", step));
			assert_int_equal(hd_transaction_commit(&transaction), 0);
		}
	}
	for (unsigned i = 0; i < 500; i += 2)
		assert_int_equal(listed[i], 1);
}

/* Makes and removes N names of the directory; the record of the last one. */
static uint32_t make_and_remove(struct hd_arena *arena, unsigned n)
{
	struct hd_transaction transaction;
	uint32_t entry = 0;

	for (unsigned i = 0; i < n; i++) {
		hd_transaction_begin(arena, &transaction);
		entry = hd_entry_insert(&transaction, 1, "passing", 7, 2, false);
		assert_int_equal(hd_transaction_commit(&transaction), 0);
		remove_one(arena, entry);
	}
	return entry;
}

/* Where a listing is cut off and the entry is replaced: its record must not be taken, or each time costs a walk. */
static void the_record_of_a_removed_entry_stays_free_for_thousands_of_others(void **state)
{
	struct hd_arena *arena = *state;
	const struct hd_allocator *entries =
		hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY);
	uint32_t entry, next;
	uint64_t cookie;

	make_inodes(arena);
	add_many(arena, 1, 1000);
	entry = hd_entry_find(arena, 1, "name-500", 8);
	next = hd_record_entry(arena, entry)->previous;
	cookie = hd_entry_cookie(arena, entry);
	remove_one(arena, entry);
	for (unsigned i = 0; i < 4000; i++)
		assert_int_not_equal(make_and_remove(arena, 1), entry);
	assert_int_equal(hd_entry_after(arena, 1, cookie), next);
	/* Not for ever: the table does not grow with what comes and goes, and the place is found all the same. */
	make_and_remove(arena, 20000);
	assert_in_range(entries->high_water, 5000, 5200);
	assert_int_equal(entries->used, 999);
	assert_true(hd_record_entry(arena, entry)->sequence != cookie >> 24);
	assert_int_equal(hd_entry_after(arena, 1, cookie), next);
}

/* An older program knows the beginning of the list of free records alone. */
static void free_records_are_not_lost_after_an_older_program(void **state)
{
	struct hd_arena *arena = *state;
	const struct hd_allocator *entries =
		hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY);
	struct hd_transaction transaction;
	uint32_t first, entry;

	make_inodes(arena);
	make_and_remove(arena, 10000);
	entry = hd_record_entry(arena, entries->last_free)->child;
	assert_int_equal(entry, 1); /* a trace of directory 1 */
	/* What it left as the end is none. */
	first = entries->first_free;
	hd_transaction_begin(arena, &transaction);
	((struct hd_allocator *)hd_edit(&transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY))
		->last_free = first;
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	entry = make_and_remove(arena, 1);
	assert_int_equal(entry, first);
	assert_int_equal(entries->first_free, entry);
	assert_int_not_equal(hd_record_entry(arena, entry)->link_previous, 0);
	/* And there is none at all. */
	hd_transaction_begin(arena, &transaction);
	((struct hd_allocator *)hd_edit(&transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_ENTRY))
		->last_free = 0;
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	first = make_and_remove(arena, 5000);
	assert_int_equal(entries->first_free, first);
	assert_int_equal(entries->used, 0);
	assert_in_range(entries->high_water, 4096, 4100);
}

static void an_entry_that_names_another_inode_leaves_the_first_ones_list(void **state)
{
	struct hd_arena *arena = *state;
	struct hd_transaction transaction;
	uint32_t a, b, c;

	make_inodes(arena);
	hd_transaction_begin(arena, &transaction);
	a = hd_entry_insert(&transaction, 1, "a", 1, 2, false);
	b = hd_entry_insert(&transaction, 1, "b", 1, 2, false);
	c = hd_entry_insert(&transaction, 1, "c", 1, 2, false);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(hd_record_inode(arena, 2)->first_link, c);
	hd_transaction_begin(arena, &transaction);
	hd_entry_point(&transaction, b, 3);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(hd_record_inode(arena, 2)->first_link, c);
	assert_int_equal(hd_record_entry(arena, c)->link_next, a);
	assert_int_equal(hd_record_entry(arena, a)->link_next, 0);
	assert_int_equal(hd_record_inode(arena, 3)->first_link, b);
	assert_int_equal(hd_record_entry(arena, b)->link_next, 0);
	assert_int_equal(hd_inode_parent(arena, 3), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(
			a_hundred_thousand_names_are_found_and_removed, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			a_removed_name_gives_back_all_its_cells, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			names_at_the_edge_of_their_record_are_whole, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			a_cookie_goes_on_behind_an_entry_that_is_gone, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(no_entry_is_listed_twice_or_left_out_while_others_come_and_go,
			arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(
			the_record_of_a_removed_entry_stays_free_for_thousands_of_others, arena_setup,
			arena_teardown),
		cmocka_unit_test_setup_teardown(
			free_records_are_not_lost_after_an_older_program, arena_setup, arena_teardown),
		cmocka_unit_test_setup_teardown(an_entry_that_names_another_inode_leaves_the_first_ones_list,
			arena_setup, arena_teardown),
	};

	return cmocka_run_group_tests_name("entry table", tests, NULL, NULL);
}
