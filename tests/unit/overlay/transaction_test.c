/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "overlay/arena/arena_types.h"
#include "overlay/arena/inode_table.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/threads/activity.h"

struct fixture {
	int fd;
	struct hd_arena *arena;
};

static int setup(void **state)
{
	struct fixture *fixture = calloc(1, sizeof(*fixture));

	assert_non_null(fixture);
	fixture->fd = hd_memory_file_create("test-arena", hd_arena_size());
	assert_true(fixture->fd >= 0);
	assert_int_equal(hd_arena_map(fixture->fd, &fixture->arena), 0);
	*state = fixture;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *fixture = *state;

	hd_arena_unmap(fixture->arena);
	(void)close(fixture->fd);
	free(fixture);
	return 0;
}

/* What another process would see. */
static void map_again(struct fixture *fixture)
{
	hd_arena_unmap(fixture->arena);
	assert_int_equal(hd_arena_map(fixture->fd, &fixture->arena), 0);
}

static uint32_t add_cell(struct hd_transaction *transaction, const char *text)
{
	uint32_t index = hd_allocate(transaction, HD_TABLE_CELL);
	struct hd_cell *cell = hd_edit_cell(transaction, index);

	cell->length = (uint32_t)strlen(text);
	memcpy(cell->bytes, text, strlen(text));
	return index;
}

static void assert_cell(const struct fixture *fixture, uint32_t index, const char *text)
{
	const struct hd_cell *cell = hd_record_cell(fixture->arena, index);

	assert_int_equal(cell->length, strlen(text));
	assert_memory_equal(cell->bytes, text, strlen(text));
}

static void a_commit_shows_all_edits_at_once(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	uint32_t first, second;

	hd_transaction_begin(fixture->arena, &transaction);
	first = add_cell(&transaction, "first");
	second = add_cell(&transaction, "second");
	assert_int_not_equal(first, second);
	assert_int_equal(hd_record_cell(fixture->arena, first)->length, 0);
	assert_int_equal(hd_view_cell(&transaction, first)->length, 5);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_cell(fixture, first, "first");
	assert_cell(fixture, second, "second");
	assert_int_equal(hd_record_high_water(fixture->arena, HD_TABLE_CELL), 3);
	map_again(fixture);
	assert_cell(fixture, second, "second");
}

/* The table of edits grows while a transaction does, and the next one begins with a small one again. */
static void edits_are_found_however_many_there_are(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;

	for (uint32_t count = 1; count <= 3000; count = count * 3 + 1) {
		hd_transaction_begin(fixture->arena, &transaction);
		for (uint32_t i = 1; i <= count; i++)
			hd_edit_inode(&transaction, i * 7)->mode = i + count;
		for (uint32_t i = 1; i <= count; i++) {
			assert_int_equal(hd_view_inode(&transaction, i * 7)->mode, i + count);
			assert_int_equal(hd_edit_inode(&transaction, i * 7)->mode, i + count);
		}
		assert_int_equal(fixture->arena->edits, count);
		assert_int_equal(hd_transaction_commit(&transaction), 0);
		for (uint32_t i = 1; i <= count; i++)
			assert_int_equal(hd_record_inode(fixture->arena, i * 7)->mode, i + count);
	}
}

static void an_abort_leaves_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	uint32_t index;

	hd_transaction_begin(fixture->arena, &transaction);
	index = add_cell(&transaction, "gone");
	hd_transaction_abort(&transaction);
	assert_int_equal(hd_record_cell(fixture->arena, index)->length, 0);
	assert_int_equal(hd_record_high_water(fixture->arena, HD_TABLE_CELL), 1);
	hd_transaction_begin(fixture->arena, &transaction);
	assert_int_equal(hd_view_cell(&transaction, index)->length, 0);
	assert_int_equal(add_cell(&transaction, "next"), index);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

static void a_released_record_is_given_out_again_and_zeroed_but_for_what_is_kept(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	uint32_t a, b;

	hd_transaction_begin(fixture->arena, &transaction);
	a = hd_allocate(&transaction, HD_TABLE_INODE);
	b = hd_allocate(&transaction, HD_TABLE_INODE);
	hd_edit_inode(&transaction, a)->generation = 77;
	hd_edit_inode(&transaction, a)->mode = 0644;
	assert_int_equal(hd_transaction_commit(&transaction), 0);

	hd_transaction_begin(fixture->arena, &transaction);
	hd_release(&transaction, HD_TABLE_INODE, a, sizeof(uint32_t));
	hd_release(&transaction, HD_TABLE_INODE, b, 0);
	assert_int_equal(hd_transaction_commit(&transaction), 0);

	hd_transaction_begin(fixture->arena, &transaction);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), b);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), a);
	assert_int_equal(hd_view_inode(&transaction, a)->generation, 77);
	assert_int_equal(hd_view_inode(&transaction, a)->mode, 0);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), 3);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

/* Dies between "valid" and the end of the copying: the second record's page cannot be written. */
static void die_in_the_middle(int fd)
{
	struct hd_activity activity = {0};
	struct hd_transaction transaction;
	struct hd_arena *arena;
	uint32_t cell, inode;

	if (hd_arena_map(fd, &arena) < 0)
		_exit(2);
	hd_activity_work(&activity);
	hd_activity_enter(&activity, 12, 5, 0);
	hd_transaction_begin(arena, &transaction);
	cell = add_cell(&transaction, "whole");
	inode = hd_allocate(&transaction, HD_TABLE_INODE);
	hd_edit_inode(&transaction, inode)->mode = 0600;
	/* A table that is not there any more: apply() is killed when it gets to it. */
	hd_memory_file_unmap(arena->table[HD_TABLE_INODE], 4096);
	if (cell != 1 || inode != 1)
		_exit(3);
	(void)hd_transaction_commit(&transaction);
	_exit(4);
}

static void a_transaction_cut_off_by_death_is_completed_by_the_next_process(void **state)
{
	struct fixture *fixture = *state;
	struct hd_dirty_record *dirty = NULL;
	size_t count = 0;
	struct hd_arena_recovery recovery;
	pid_t child = fork();
	int status;

	if (child == 0) {
		(void)signal(SIGSEGV, SIG_DFL);
		die_in_the_middle(fixture->fd);
	}
	assert_true(child > 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	/* Killed by the fault (a sanitizer turns it into an exit of its own), not by its own checks. */
	assert_false(WIFEXITED(status) && WEXITSTATUS(status) >= 2 && WEXITSTATUS(status) <= 4);

	assert_int_equal(fixture->arena->redo->valid, 1);
	assert_int_equal(hd_record_inode(fixture->arena, 1)->mode, 0);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_true(recovery.redo_applied);
	assert_false(recovery.damaged);
	/* Who died with the lock, and in what. */
	assert_true(recovery.owner_died && recovery.has_operation);
	assert_int_equal(recovery.owner, child);
	assert_int_equal(recovery.operation, 12);
	assert_int_equal(recovery.subject, 5);
	assert_int_equal(hd_record_inode(fixture->arena, 1)->mode, 0600);
	assert_cell(fixture, 1, "whole");
	assert_int_equal(fixture->arena->redo->valid, 0);
	/* Also the flush must hear of it: HEAD twice, the cell, the inode. */
	assert_int_equal(hd_arena_take_dirty(fixture->arena, &dirty, &count), 0);
	assert_int_equal(count, 4);
	free(dirty);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_false(recovery.redo_applied || recovery.owner_died);
}

static uint32_t put_cell(struct fixture *fixture, const char *text)
{
	struct hd_transaction transaction;
	uint32_t index;

	hd_transaction_begin(fixture->arena, &transaction);
	index = add_cell(&transaction, text);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	return index;
}

/* A stray write while no transaction is under way: the tables are whole, and nothing is changed from then on. */
static void a_redo_area_that_does_not_verify_over_sound_tables_is_damage(void **state)
{
	struct fixture *fixture = *state;
	struct hd_arena_recovery recovery;
	uint32_t index = put_cell(fixture, "old");

	/* The area still holds that transaction: as if it had died there, but with a byte changed. */
	fixture->arena->redo->valid = 1;
	((uint8_t *)(fixture->arena->redo + 1))[40] ^= 1;
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_false(recovery.redo_applied);
	assert_true(recovery.damaged);
	assert_non_null(strstr(recovery.flaw, "redo area"));
	assert_cell(fixture, index, "old");
	assert_int_equal(fixture->arena->redo->valid, 0);
	/* It stays known. */
	map_again(fixture);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_true(recovery.damaged);
}

static void each_field_of_the_redo_area_is_verified(void **state)
{
	struct fixture *fixture = *state;
	struct hd_redo_head *redo = fixture->arena->redo;
	struct hd_redo_head sound;
	struct hd_arena_recovery recovery;

	(void)put_cell(fixture, "old");
	sound = *redo;
	for (unsigned field = 0; field < 5; field++) {
		*redo = sound;
		redo->valid = field == 0 ? 2 : 1;
		redo->count += field == 1;
		redo->count -= field == 2;
		redo->size = field == 3 ? UINT64_MAX : redo->size;
		redo->checksum ^= field == 4;
		fixture->arena->identity->damaged = 0;
		assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
		assert_true(recovery.damaged);
	}
	*redo = sound;
	redo->valid = 1;
	fixture->arena->identity->damaged = 0;
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_false(recovery.damaged);
	assert_true(recovery.redo_applied);
}

static void a_redo_area_that_does_not_verify_and_was_half_applied_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_arena_recovery recovery;

	(void)put_cell(fixture, "old");
	fixture->arena->redo->valid = 1;
	fixture->arena->redo->checksum ^= 1;
	fixture->arena->identity->begun++;
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), -HD_E_ARENA_CORRUPT);
	/* As often as somebody looks: nothing was changed. */
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), -HD_E_ARENA_CORRUPT);
	fixture->arena->redo->valid = 0;
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), -HD_E_ARENA_CORRUPT);
	assert_non_null(strstr(recovery.flaw, "empty in the middle"));
}

static void a_record_that_no_transaction_made_so_is_refused(void **state)
{
	static const enum hd_table seen[] = {HD_TABLE_HEAD, HD_TABLE_INODE, HD_TABLE_ENTRY, HD_TABLE_BUCKET,
		HD_TABLE_CELL, HD_TABLE_MAP, HD_TABLE_BLOCK};
	struct fixture *fixture = *state;
	struct hd_arena_recovery recovery;
	struct hd_transaction transaction;

	hd_transaction_begin(fixture->arena, &transaction);
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++)
		if (seen[i] != HD_TABLE_HEAD && seen[i] != HD_TABLE_BUCKET)
			(void)hd_allocate(&transaction, seen[i]);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(hd_arena_recover(fixture->arena, true, &recovery), 0);
	for (size_t i = 0; i < sizeof(seen) / sizeof(seen[0]); i++) {
		uint32_t last = hd_record_size(seen[i]) - 1;
		uint8_t *byte = hd_record_for_writing(fixture->arena, seen[i], 0);

		byte[last] ^= 4;
		assert_int_equal(hd_arena_recover(fixture->arena, true, &recovery), -HD_E_ARENA_CORRUPT);
		assert_non_null(strstr(recovery.flaw, hd_table_name(seen[i])));
		byte[last] ^= 4;
		assert_int_equal(hd_arena_recover(fixture->arena, true, &recovery), 0);
	}
}

/* Not every take-over looks at everything: who finds it later says so, and the next one does. */
static void a_record_that_is_distrusted_makes_the_next_process_look_at_all(void **state)
{
	struct fixture *fixture = *state;
	struct hd_arena_recovery recovery;
	struct hd_arena_audit audit = {0};
	uint32_t index = put_cell(fixture, "sound");

	while (hd_arena_audit(fixture->arena, &audit) > 0)
		;
	assert_int_equal(hd_arena_audit(fixture->arena, &audit), 0);
	((uint8_t *)hd_record_for_writing(fixture->arena, HD_TABLE_CELL, index))[20] ^= 1;
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	audit = (struct hd_arena_audit){0};
	while (hd_arena_audit(fixture->arena, &audit) > 0)
		;
	assert_int_equal(hd_arena_audit(fixture->arena, &audit), -HD_E_ARENA_CORRUPT);
	hd_arena_distrust(fixture->arena);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), -HD_E_ARENA_CORRUPT);
	assert_non_null(strstr(recovery.flaw, "record 1 of table CELL"));
}

/* Pins are a process' own, opens are the kernel's. */
static void the_next_process_forgets_pins_and_nothing_else(void **state)
{
	struct fixture *fixture = *state;
	const struct timespec now = {.tv_sec = 1};
	uint32_t inodes[100];

	for (int round = 0; round < 2; round++) {
		struct hd_transaction transaction;

		hd_arena_note_pins(fixture->arena);
		hd_transaction_begin(fixture->arena, &transaction);
		for (int i = 0; i < 100; i++) {
			inodes[i] = hd_inode_new(&transaction, S_IFREG | 0644, &now);
			hd_edit_reference(&transaction, inodes[i])->pins = (uint32_t)i % 3;
			hd_edit_reference(&transaction, inodes[i])->opens = 1;
		}
		assert_int_equal(hd_transaction_commit(&transaction), 0);
		map_again(fixture);
		hd_arena_clear_pins(fixture->arena);
		for (int i = 0; i < 100; i++) {
			const struct hd_reference *held =
				hd_record(fixture->arena, HD_TABLE_REFERENCE, inodes[i]);

			assert_int_equal(held->pins, 0);
			assert_int_equal(held->opens, 1);
		}
	}
}

static void a_transaction_that_is_too_large_changes_nothing(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	uint32_t room;

	hd_transaction_begin(fixture->arena, &transaction);
	room = hd_transaction_room(&transaction);
	assert_in_range(room, 1024, 1u << 15);
	for (uint32_t i = 1; i <= room; i++)
		hd_edit_map(&transaction, i)->slot[0] = 9;
	assert_int_equal(transaction.status, 0);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(hd_record_map(fixture->arena, room)->slot[0], 9);

	hd_transaction_begin(fixture->arena, &transaction);
	for (uint32_t i = 1; i <= room + 2; i++)
		hd_edit_map(&transaction, i)->slot[0] = 11;
	assert_int_equal(transaction.status, -HD_E_TRANSACTION_FULL);
	assert_int_equal(hd_transaction_commit(&transaction), -HD_E_TRANSACTION_FULL);
	for (uint32_t i = 1; i <= room; i++)
		assert_int_equal(hd_record_map(fixture->arena, i)->slot[0], 9);

	/* Small records are limited by their number. */
	hd_transaction_begin(fixture->arena, &transaction);
	for (uint32_t i = 1; i <= HD_EDIT_SLOTS / 2 + 1; i++)
		hd_edit_reference(&transaction, i)->opens = 1;
	assert_int_equal(hd_transaction_commit(&transaction), -HD_E_TRANSACTION_FULL);
	assert_int_equal(hd_record_reference(fixture->arena, 1)->opens, 0);
}

static void a_full_table_is_an_error_and_room_comes_back(void **state)
{
	struct fixture *fixture = *state;
	struct hd_allocator *allocator =
		hd_record_for_writing(fixture->arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_INODE);
	struct hd_transaction transaction;

	allocator->high_water = hd_record_limit(HD_TABLE_INODE) - 1;
	hd_transaction_begin(fixture->arena, &transaction);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), hd_record_limit(HD_TABLE_INODE) - 1);
	assert_int_equal(hd_transaction_commit(&transaction), 0);

	hd_transaction_begin(fixture->arena, &transaction);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), 0);
	assert_int_equal(hd_transaction_commit(&transaction), -HD_E_ARENA_FULL);

	hd_transaction_begin(fixture->arena, &transaction);
	hd_release(&transaction, HD_TABLE_INODE, 12345, 0);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	hd_transaction_begin(fixture->arena, &transaction);
	assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), 12345);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

static void the_list_of_changes_survives_a_failed_flush_and_another_process(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	struct hd_dirty_record *list = NULL;
	size_t count = 0;
	struct hd_arena_recovery recovery;

	hd_transaction_begin(fixture->arena, &transaction);
	(void)add_cell(&transaction, "x");
	hd_edit_reference(&transaction, 1)->opens = 1; /* never on disk */
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	assert_int_equal(hd_arena_take_dirty(fixture->arena, &list, &count), 0);
	assert_int_equal(count, 2);
	assert_int_equal(hd_arena_dirty_count(fixture->arena), 0);
	hd_arena_dirty_again(fixture->arena, list, count);
	hd_arena_dirty_again(fixture->arena, list, count);
	free(list);
	assert_int_equal(hd_arena_dirty_count(fixture->arena), 2);

	map_again(fixture);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_true(hd_arena_dirty_count(fixture->arena) > 0);
	assert_int_equal(hd_arena_take_dirty(fixture->arena, &list, &count), 0);
	assert_int_equal(count, 2);
	free(list);
	assert_int_equal(hd_arena_dirty_count(fixture->arena), 0);
}

static void edit_state(struct fixture *fixture, uint32_t index, uint8_t inode_state, uint8_t flags)
{
	struct hd_transaction transaction;

	hd_transaction_begin(fixture->arena, &transaction);
	hd_edit_inode(&transaction, index)->state = inode_state;
	hd_edit_inode(&transaction, index)->flags = flags;
	assert_int_equal(hd_transaction_commit(&transaction), 0);
}

/* Orphans, large files and unfinished truncations are found without a look at every inode, also by the next process. */
static void inodes_that_concern_the_next_process_are_flagged(void **state)
{
	struct fixture *fixture = *state;
	struct hd_transaction transaction;
	struct hd_inode record;
	struct hd_arena_recovery recovery;

	hd_transaction_begin(fixture->arena, &transaction);
	for (uint32_t i = 1; i <= 100; i++)
		assert_int_equal(hd_allocate(&transaction, HD_TABLE_INODE), i);
	assert_int_equal(hd_transaction_commit(&transaction), 0);
	edit_state(fixture, 1, HD_INODE_LIVE, HD_INODE_UNSETTLED);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 1), 0);
	edit_state(fixture, 8, HD_INODE_ORPHAN, 0);
	edit_state(fixture, 15, HD_INODE_LIVE, HD_INODE_LARGE);
	edit_state(fixture, 100, HD_INODE_HIDDEN, HD_INODE_OVERHANG | HD_INODE_UNSETTLED);

	map_again(fixture);
	assert_int_equal(hd_arena_recover(fixture->arena, false, &recovery), 0);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 1), 8);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 8), 8);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 9), 15);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 16), 100);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 101), 0);

	edit_state(fixture, 8, HD_INODE_FREE, 0);
	edit_state(fixture, 15, HD_INODE_LIVE, 0);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 1), 100);
	record = *hd_record_inode(fixture->arena, 1);
	record.state = HD_INODE_ORPHAN;
	assert_int_equal(hd_arena_restore(fixture->arena, HD_TABLE_INODE, 1, &record, sizeof(record)), 0);
	assert_int_equal(hd_arena_next_flagged(fixture->arena, 1), 1);
}

static void places_that_do_not_exist_are_not_restored(void **state)
{
	struct fixture *fixture = *state;
	uint8_t bytes[4096] = {0};

	assert_int_equal(hd_arena_restore(fixture->arena, HD_TABLE_CELL, 5, bytes, 64), 0);
	assert_int_equal(
		hd_arena_restore(fixture->arena, HD_TABLE_CELL, 5, bytes, 63), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(
		hd_arena_restore(fixture->arena, HD_TABLE_CELL, 1u << 24, bytes, 64), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(
		hd_arena_restore(fixture->arena, HD_TABLE_REFERENCE, 5, bytes, 16), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(
		hd_arena_restore(fixture->arena, HD_TABLE_COUNT, 5, bytes, 16), -HD_E_JOURNAL_CORRUPT);
	assert_int_equal(hd_arena_restore(fixture->arena, UINT32_MAX, 5, bytes, 16), -HD_E_JOURNAL_CORRUPT);
}

static void memory_that_is_no_arena_is_refused(void **state)
{
	struct fixture *fixture = *state;
	struct hd_arena *arena = NULL;

	fixture->arena->identity->layout++;
	assert_int_equal(hd_arena_map(fixture->fd, &arena), -HD_E_ARENA_CORRUPT);
	fixture->arena->identity->layout--;
	fixture->arena->identity->magic ^= 1;
	assert_int_equal(hd_arena_map(fixture->fd, &arena), -HD_E_ARENA_CORRUPT);
	fixture->arena->identity->magic ^= 1;
	assert_null(arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_commit_shows_all_edits_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(edits_are_found_however_many_there_are, setup, teardown),
		cmocka_unit_test_setup_teardown(an_abort_leaves_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_released_record_is_given_out_again_and_zeroed_but_for_what_is_kept, setup,
			teardown),
		cmocka_unit_test_setup_teardown(
			a_transaction_cut_off_by_death_is_completed_by_the_next_process, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_redo_area_that_does_not_verify_over_sound_tables_is_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(each_field_of_the_redo_area_is_verified, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_redo_area_that_does_not_verify_and_was_half_applied_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_record_that_no_transaction_made_so_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_record_that_is_distrusted_makes_the_next_process_look_at_all, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_next_process_forgets_pins_and_nothing_else, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_transaction_that_is_too_large_changes_nothing, setup, teardown),
		cmocka_unit_test_setup_teardown(
			a_full_table_is_an_error_and_room_comes_back, setup, teardown),
		cmocka_unit_test_setup_teardown(
			the_list_of_changes_survives_a_failed_flush_and_another_process, setup, teardown),
		cmocka_unit_test_setup_teardown(
			inodes_that_concern_the_next_process_are_flagged, setup, teardown),
		cmocka_unit_test_setup_teardown(places_that_do_not_exist_are_not_restored, setup, teardown),
		cmocka_unit_test_setup_teardown(memory_that_is_no_arena_is_refused, setup, teardown),
	};

	return cmocka_run_group_tests_name("transactions", tests, NULL, NULL);
}
