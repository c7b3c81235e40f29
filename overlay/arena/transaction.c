/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/arena.h"
#include "overlay/arena/arena_types.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/platform/threads/activity.h"

/*
 * Transactions: physical redo in the arena itself.
 *
 *     state of the redo area     who is here                         what a successor does
 *     valid = 0                  edits are being made                nothing: the tables were not touched
 *     valid = 1                  commit copies edits to the tables   copies all of them again (idempotent)
 *
 * The edits are built in place, so a commit costs one checksum and one copy per record. The checksums are not
 * for crashes (stores of a killed process are not lost) but for stray writes: a redo that does not verify is
 * refused. Each record's goes with it into the tables (arena_verify.c).
 *
 * The counts in the identity tell whether a redo that does not verify was already half in the tables. The order is
 * valid = 1, begun, apply, done, valid = 0: unequal counts without a valid redo do not happen by a death.
 *
 * Invariant: edits and tables never share bytes; a table's record changes only in apply().
 */

_Static_assert(sizeof(struct hd_redo_head) % 8 == 0 && sizeof(struct hd_redo_edit) % 8 == 0,
	"edits are aligned to 8");

#define EDITS_ROOM (HD_REDO_SIZE - sizeof(struct hd_redo_head))

static uint8_t *edits_of(struct hd_arena *arena)
{
	return (uint8_t *)(arena->redo + 1);
}

static uint32_t padded(uint32_t size)
{
	return (size + 7u) & ~7u;
}

static struct hd_edit_slot *find_slot(const struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	uint32_t at = (index * 0x9E3779B1u + (uint32_t)table * 0x85EBCA77u) & (arena->n_edit_slots - 1);

	for (;;) {
		struct hd_edit_slot *slot = &arena->edit_slots[at];

		if (slot->stamp != arena->stamp || (slot->table == (uint32_t)table && slot->index == index))
			return slot;
		at = (at + 1) & (arena->n_edit_slots - 1);
	}
}

static void fill_slot(struct hd_arena *arena, const struct hd_redo_edit *edit, uint32_t at)
{
	struct hd_edit_slot *slot = find_slot(arena, (enum hd_table)edit->table, edit->index);

	*slot = (struct hd_edit_slot){.stamp = arena->stamp,
		.table = edit->table,
		.index = edit->index,
		.offset = at + (uint32_t)sizeof(*edit)};
}

/* Finds the slots of all edits that there are, in as many as it takes to leave half of them empty. */
static void fill_slots(struct hd_arena *arena)
{
	uint32_t at = 0;

	while (arena->edits >= arena->n_edit_slots / 2 && arena->n_edit_slots < HD_EDIT_SLOTS)
		arena->n_edit_slots *= 4;
	arena->stamp++;
	while (at < arena->redo_used) {
		const struct hd_redo_edit *edit = (const void *)(edits_of(arena) + at);

		fill_slot(arena, edit, at);
		at += (uint32_t)sizeof(*edit) + padded(hd_record_size((enum hd_table)edit->table));
	}
}

void hd_transaction_begin(struct hd_arena *arena, struct hd_transaction *ret_transaction)
{
	arena->stamp++;
	arena->redo_used = 0;
	arena->edits = 0;
	arena->n_edit_slots = HD_EDIT_SLOTS_FIRST;
	ret_transaction->arena = arena;
	ret_transaction->status = 0;
}

uint32_t hd_transaction_room(const struct hd_transaction *transaction)
{
	uint32_t by_slots = HD_EDIT_SLOTS / 2 - transaction->arena->edits;
	uint32_t by_bytes = (uint32_t)(EDITS_ROOM - transaction->arena->redo_used) /
			    (4096u + (uint32_t)sizeof(struct hd_redo_edit));

	return by_slots < by_bytes ? by_slots : by_bytes;
}

static void *scratch(struct hd_transaction *transaction, int status)
{
	if (transaction->status == 0)
		transaction->status = status;
	memset(transaction->arena->scratch, 0, sizeof(transaction->arena->scratch));
	return transaction->arena->scratch;
}

void *hd_edit(struct hd_transaction *transaction, enum hd_table table, uint32_t index)
{
	struct hd_arena *arena = transaction->arena;
	struct hd_edit_slot *slot = find_slot(arena, table, index);
	uint32_t size = hd_record_size(table);
	struct hd_redo_edit *edit;

	if (slot->stamp == arena->stamp)
		return edits_of(arena) + slot->offset;
	if (index >= hd_record_limit(table))
		return scratch(transaction, -HD_E_ARENA_CORRUPT);
	if (arena->redo_used + sizeof(*edit) + padded(size) > EDITS_ROOM || arena->edits >= HD_EDIT_SLOTS / 2)
		return scratch(transaction, -HD_E_TRANSACTION_FULL);
	if (arena->edits >= arena->n_edit_slots / 2)
		fill_slots(arena);
	edit = (struct hd_redo_edit *)(void *)(edits_of(arena) + arena->redo_used);
	edit->table = (uint32_t)table;
	edit->index = index;
	memcpy(edit + 1, hd_record(arena, table, index), size);
	fill_slot(arena, edit, arena->redo_used);
	arena->redo_used += (uint32_t)sizeof(*edit) + padded(size);
	arena->edits++;
	return edit + 1;
}

const void *hd_view(const struct hd_transaction *transaction, enum hd_table table, uint32_t index)
{
	const struct hd_edit_slot *slot = find_slot(transaction->arena, table, index);

	if (slot->stamp == transaction->arena->stamp)
		return edits_of(transaction->arena) + slot->offset;
	return hd_record(transaction->arena, table, index);
}

/* Seals the edits of the transaction: their sums, and the checksum over their heads. */
static void seal(struct hd_arena *arena)
{
	uint64_t at = 0, checksum = 0;

	for (uint32_t i = 0; i < arena->edits; i++) {
		struct hd_redo_edit *edit = (void *)(edits_of(arena) + at);
		uint32_t size = hd_record_size((enum hd_table)edit->table);

		edit->sum = hd_record_sum(edit + 1, size);
		checksum = hd_checksum64_continue(checksum, edit, sizeof(*edit));
		at += sizeof(*edit) + padded(size);
	}
	arena->redo->count = arena->edits;
	arena->redo->size = arena->redo_used;
	arena->redo->checksum = checksum;
}

/* The edit at *AT, which is moved behind it; NULL if it cannot be one. */
static const struct hd_redo_edit *next_edit(const struct hd_arena *arena, uint64_t *at)
{
	const struct hd_redo_edit *edit = (const void *)((const uint8_t *)(arena->redo + 1) + *at);

	if (*at + sizeof(*edit) > arena->redo->size || edit->table >= HD_TABLE_COUNT ||
		edit->index >= hd_record_limit((enum hd_table)edit->table))
		return NULL;
	*at += sizeof(*edit) + padded(hd_record_size((enum hd_table)edit->table));
	return *at <= arena->redo->size ? edit : NULL;
}

/* True if the redo area is what a commit sealed. */
static bool is_sealed(const struct hd_arena *arena)
{
	uint64_t at = 0, checksum = 0;

	if (arena->redo->valid != 1 || arena->redo->size > EDITS_ROOM)
		return false;
	for (uint32_t i = 0; i < arena->redo->count; i++) {
		const struct hd_redo_edit *edit = next_edit(arena, &at);

		if (!edit || edit->sum != hd_record_sum(edit + 1, hd_record_size((enum hd_table)edit->table)))
			return false;
		checksum = hd_checksum64_continue(checksum, edit, sizeof(*edit));
	}
	return at == arena->redo->size && checksum == arena->redo->checksum;
}

static int apply(struct hd_arena *arena)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < arena->redo->count; i++) {
		const struct hd_redo_edit *edit = next_edit(arena, &at);

		if (!edit)
			return hd_fail(HD_E_ARENA_CORRUPT, "edit %u of the redo area", i);
		hd_record_install(arena, (enum hd_table)edit->table, edit->index, edit + 1, edit->sum);
		if (i == 0)
			HD_KILL_POINT(redo_half);
		hd_arena_mark_dirty(arena, (enum hd_table)edit->table, edit->index);
	}
	return 0;
}

/* For whoever finds that we died here. */
static void sign(struct hd_arena *arena)
{
	struct hd_arena_identity *identity = arena->identity;
	uint32_t kind = 0;
	uint64_t subject = 0;

	identity->has_operation = hd_activity_current(&kind, &subject);
	identity->operation = kind;
	identity->subject = subject;
	__atomic_store_n(&identity->owner, arena->process, __ATOMIC_RELEASE);
}

int hd_transaction_commit(struct hd_transaction *transaction)
{
	struct hd_arena *arena = transaction->arena;
	struct hd_redo_head *redo = arena->redo;
	int r = transaction->status;

	if (r == 0 && arena->edits > 0) {
		sign(arena);
		seal(arena);
		HD_KILL_POINT(redo_built);
		__atomic_store_n(&redo->valid, 1, __ATOMIC_RELEASE);
		HD_KILL_POINT(redo_declared);
		__atomic_store_n(&arena->identity->begun, arena->identity->done + 1, __ATOMIC_RELEASE);
		r = apply(arena);
		HD_KILL_POINT(redo_applied);
		__atomic_store_n(&arena->identity->done, arena->identity->begun, __ATOMIC_RELEASE);
		__atomic_store_n(&redo->valid, 0, __ATOMIC_RELEASE);
		__atomic_store_n(&arena->identity->owner, 0, __ATOMIC_RELEASE);
		HD_KILL_POINT(redo_cleared);
		arena->transactions++;
	}
	hd_transaction_abort(transaction);
	return r;
}

void hd_transaction_abort(struct hd_transaction *transaction)
{
	transaction->arena->stamp++;
	transaction->arena->edits = 0;
	transaction->arena->redo_used = 0;
}

int hd_transaction_set_aside(struct hd_transaction *transaction, struct hd_transaction_aside *ret_aside)
{
	struct hd_arena *arena = transaction->arena;
	void *edits = malloc(arena->redo_used + 1u);

	if (!edits)
		return -ENOMEM;
	memcpy(edits, edits_of(arena), arena->redo_used);
	*ret_aside = (struct hd_transaction_aside){edits, arena->redo_used, arena->edits};
	return 0;
}

void hd_transaction_take_up(struct hd_transaction *transaction, struct hd_transaction_aside *aside)
{
	struct hd_arena *arena = transaction->arena;

	memcpy(edits_of(arena), aside->edits, aside->size);
	arena->redo_used = aside->size;
	arena->edits = aside->count;
	fill_slots(arena);
	free(aside->edits);
	aside->edits = NULL;
}

int hd_redo_recover(struct hd_arena *arena, bool *ret_applied)
{
	struct hd_redo_head *redo = arena->redo;
	int r;

	*ret_applied = false;
	if (!__atomic_load_n(&redo->valid, __ATOMIC_ACQUIRE)) {
		if (!hd_redo_was_applying(arena))
			return 0;
		return hd_fail(HD_E_ARENA_CORRUPT, "the redo area is empty in the middle of a transaction");
	}
	if (!is_sealed(arena))
		return hd_fail(HD_E_ARENA_CORRUPT, "the redo area does not verify");
	r = apply(arena);
	if (r < 0)
		return r;
	hd_redo_clear(arena);
	*ret_applied = true;
	return 0;
}

bool hd_redo_was_applying(const struct hd_arena *arena)
{
	return arena->identity->begun != arena->identity->done;
}

void hd_redo_clear(struct hd_arena *arena)
{
	__atomic_store_n(&arena->identity->done, arena->identity->begun, __ATOMIC_RELEASE);
	__atomic_store_n(&arena->redo->valid, 0, __ATOMIC_RELEASE);
}

/*
 * A removed entry is a trace for listings that were cut off at it (entry_table.c), as long as nobody takes its record. So
 * the records of entries are taken in the order in which they were freed, and some thousands stay free.
 */
#define TRACES 4096u

static bool may_take(const struct hd_allocator *seen, enum hd_table table)
{
	return seen->first_free && (table != HD_TABLE_ENTRY || seen->high_water >= hd_record_limit(table) ||
					   seen->high_water - seen->used > TRACES);
}

uint32_t hd_allocate(struct hd_transaction *transaction, enum hd_table table)
{
	const struct hd_allocator *seen = hd_view(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + table);
	uint32_t index = may_take(seen, table) ? seen->first_free : 0;
	struct hd_allocator *allocator;
	uint8_t *record;

	if (index == 0) {
		index = seen->high_water ? seen->high_water : 1;
		if (index >= hd_record_limit(table)) {
			(void)scratch(transaction, -HD_E_ARENA_FULL);
			return 0;
		}
	}
	allocator = hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + table);
	record = hd_edit(transaction, table, index);
	if (allocator->first_free == index)
		memcpy(&allocator->first_free, record, sizeof(allocator->first_free));
	else
		allocator->high_water = index + 1;
	allocator->used++;
	memset(record, 0, sizeof(uint32_t));
	return transaction->status < 0 ? 0 : index;
}

/* The one free record without a next one; an older program may have put others behind what it says, or taken it. */
static bool is_last_free(const struct hd_transaction *transaction, uint32_t index)
{
	return index && hd_view_entry(transaction, index)->parent == 0 &&
	       hd_view_entry(transaction, index)->link_previous == 0;
}

static void put_last(struct hd_transaction *transaction, struct hd_allocator *allocator, uint32_t index)
{
	hd_edit_entry(transaction, index)->link_previous = 0;
	if (allocator->first_free)
		hd_edit_entry(transaction, allocator->last_free)->link_previous = index;
	else
		allocator->first_free = index;
	allocator->last_free = index;
}

void hd_release(struct hd_transaction *transaction, enum hd_table table, uint32_t index, size_t keep)
{
	struct hd_allocator *allocator = hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + table);
	uint8_t *record = hd_edit(transaction, table, index);

	memcpy(record, &allocator->first_free, sizeof(allocator->first_free));
	memset(record + sizeof(uint32_t) + keep, 0, hd_record_size(table) - sizeof(uint32_t) - keep);
	allocator->used--;
	if (table == HD_TABLE_ENTRY &&
		(allocator->first_free == 0 || is_last_free(transaction, allocator->last_free)))
		put_last(transaction, allocator, index);
	else
		allocator->first_free = index;
}
