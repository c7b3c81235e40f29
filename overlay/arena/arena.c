/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/arena.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/arena/arena_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Layout of the memory file: one page of identity, the redo area, the dirty bits, the records' sums, then the
 * tables, each at a fixed place. Fixed places cost address space alone, and spare every relocation: a record's address never
 * changes, in whichever process maps the file.
 */

#define PAGE 4096u
#define IDENTITY_LAYOUT (HD_ARENA_VERSION << 16 | HD_ARENA_LAYOUT)

static uint64_t round_to_page(uint64_t size)
{
	return (size + PAGE - 1) / PAGE * PAGE;
}

struct layout {
	uint64_t dirty[HD_TABLE_COUNT];
	uint64_t flagged;
	uint64_t sums[HD_TABLE_COUNT];
	uint64_t table[HD_TABLE_COUNT];
	uint64_t end;
};

static struct layout compute_layout(void)
{
	struct layout layout;
	uint64_t at = HD_REDO_OFFSET + HD_REDO_SIZE;

	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		layout.dirty[t] = at;
		at += round_to_page((hd_record_limit(t) + 7) / 8);
	}
	layout.flagged = at;
	at += round_to_page(hd_record_limit(HD_TABLE_INODE) / 8 + 8);
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		layout.sums[t] = at;
		at += hd_table_is_durable(t) ? round_to_page((uint64_t)hd_record_limit(t) * sizeof(uint32_t))
					     : 0;
	}
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		layout.table[t] = at;
		at += round_to_page((uint64_t)hd_record_size(t) * hd_record_limit(t));
	}
	layout.end = at;
	return layout;
}

uint64_t hd_arena_size(void)
{
	return compute_layout().end;
}

int hd_arena_restore(struct hd_arena *arena, unsigned table, uint32_t index, const void *data, size_t size)
{
	if (table >= HD_TABLE_COUNT || !hd_table_is_durable(table) || index >= hd_record_limit(table) ||
		size != hd_record_size(table))
		return hd_fail(HD_E_JOURNAL_CORRUPT, "a record for table %u, index %u", table, index);
	hd_record_install(arena, (enum hd_table)table, index, data, hd_record_sum(data, size));
	return 0;
}

/* ---- mapping ---- */

int hd_arena_map(int fd, struct hd_arena **ret_arena)
{
	struct layout layout = compute_layout();
	HD_AUTO_FREE struct hd_arena *arena = calloc(1, sizeof(*arena));
	void *address;
	int r;

	if (!arena)
		return -ENOMEM;
	arena->edit_slots = calloc(HD_EDIT_SLOTS, sizeof(*arena->edit_slots));
	if (!arena->edit_slots)
		return -ENOMEM;
	/* Another size is another layout: a touch behind the end would be the end of this process. */
	r = hd_memory_file_size(fd) == layout.end ? hd_memory_file_map(fd, layout.end, &address)
						  : -HD_E_ARENA_CORRUPT;
	if (r < 0) {
		free(arena->edit_slots);
		return hd_fail_in(r, "map the overlay's tables");
	}
	arena->address = address;
	arena->size = layout.end;
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		arena->dirty[t] = arena->address + layout.dirty[t];
		arena->sums[t] = (uint32_t *)(void *)(arena->address + layout.sums[t]);
		arena->table[t] = arena->address + layout.table[t];
	}
	arena->flagged = arena->address + layout.flagged;
	arena->n_edit_slots = HD_EDIT_SLOTS_FIRST;
	arena->process = (uint32_t)getpid();
	arena->identity = address;
	arena->redo = (struct hd_redo_head *)(void *)(arena->address + HD_REDO_OFFSET);
	if (arena->identity->magic == 0 && arena->identity->begun == 0) {
		arena->identity->magic = HD_ARENA_MAGIC;
		arena->identity->layout = IDENTITY_LAYOUT;
	}
	if (arena->identity->magic != HD_ARENA_MAGIC || arena->identity->layout != IDENTITY_LAYOUT) {
		hd_arena_unmap(HD_STEAL(arena));
		return hd_fail(HD_E_ARENA_CORRUPT, "the memory file is not an arena of this version");
	}
	*ret_arena = HD_STEAL(arena);
	return 0;
}

void hd_arena_unmap(struct hd_arena *arena)
{
	if (!arena)
		return;
	hd_memory_file_unmap(arena->address, arena->size);
	free(arena->dirty_list);
	free(arena->edit_slots);
	free(arena);
}

void hd_arena_mark_ready(struct hd_arena *arena)
{
	__atomic_store_n(&arena->identity->ready, 1, __ATOMIC_RELEASE);
}

bool hd_arena_is_ready(const struct hd_arena *arena)
{
	return __atomic_load_n(&arena->identity->ready, __ATOMIC_ACQUIRE) != 0;
}

void hd_arena_clear_references(struct hd_arena *arena)
{
	memset(arena->table[HD_TABLE_REFERENCE], 0,
		(size_t)hd_record_size(HD_TABLE_REFERENCE) * hd_record_high_water(arena, HD_TABLE_INODE));
}

void hd_arena_clear_state_nodes(struct hd_arena *arena)
{
	struct hd_allocator *allocator = hd_record_for_writing(arena, HD_TABLE_STATE_NODE, 0);
	uint32_t limit = hd_record_limit(HD_TABLE_STATE_NODE);

	memset(arena->table[HD_TABLE_STATE_NODE], 0,
		(size_t)hd_record_size(HD_TABLE_STATE_NODE) *
			(allocator->high_water < limit ? allocator->high_water : limit));
	memset(allocator, 0, sizeof(*allocator));
}

void hd_arena_note_pins(struct hd_arena *arena)
{
	__atomic_store_n(&arena->identity->pinned, 1, __ATOMIC_RELEASE);
}

void hd_arena_clear_pins(struct hd_arena *arena)
{
	struct hd_reference *references = (void *)arena->table[HD_TABLE_REFERENCE];
	uint32_t limit = hd_record_high_water(arena, HD_TABLE_INODE);

	if (!__atomic_load_n(&arena->identity->pinned, __ATOMIC_ACQUIRE))
		return;
	for (uint32_t i = 1; i < limit; i++)
		if (references[i].pins)
			references[i].pins = 0;
	/* Last: who dies on the way leaves it to the next one. */
	__atomic_store_n(&arena->identity->pinned, 0, __ATOMIC_RELEASE);
}

uint64_t hd_arena_transactions(const struct hd_arena *arena)
{
	return arena->transactions;
}

static void describe_owner(const struct hd_arena *arena, struct hd_arena_recovery *ret)
{
	const struct hd_arena_identity *identity = arena->identity;

	ret->owner_died = identity->owner != 0;
	ret->owner = identity->owner;
	ret->has_operation = identity->has_operation != 0;
	ret->operation = identity->operation;
	ret->subject = identity->subject;
}

/*
 * The table of decisions, by what verifies:
 *
 *     redo area   tables   no transaction was half in them   then
 *     yes         yes      -                                 it is completed, and all goes on
 *     no          yes      yes                               what is in the tables is shown, nothing is changed any more
 *     otherwise                                              -HD_E_ARENA_CORRUPT: the journal has the last whole tables
 */
int hd_arena_recover(struct hd_arena *arena, bool all, struct hd_arena_recovery *ret)
{
	bool applied = false;
	int redo, r;

	*ret = (struct hd_arena_recovery){0};
	describe_owner(arena, ret);
	redo = hd_redo_recover(arena, &applied);
	if (redo < 0)
		(void)snprintf(ret->flaw, sizeof(ret->flaw), "%s", hd_error_message(redo));
	all |= redo < 0 || arena->identity->distrusted != 0;
	r = redo < 0 && hd_redo_was_applying(arena) ? redo : hd_arena_verify(arena, all);
	if (r < 0) {
		(void)snprintf(ret->flaw, sizeof(ret->flaw), "%s", hd_error_message(r));
		return r;
	}
	if (redo < 0)
		hd_redo_clear(arena);
	if (redo < 0)
		arena->identity->damaged = 1;
	arena->identity->owner = 0;
	ret->redo_applied = applied;
	ret->damaged = arena->identity->damaged != 0;
	if (ret->damaged && redo == 0)
		(void)snprintf(
			ret->flaw, sizeof(ret->flaw), "the redo area did not verify, some workers ago");
	arena->list_incomplete = true;
	return 0;
}

void hd_arena_seed_generations(struct hd_arena *arena, uint32_t seed)
{
	arena->generation_seed = seed;
}

uint32_t hd_arena_generation_seed(const struct hd_arena *arena)
{
	return arena->generation_seed;
}
