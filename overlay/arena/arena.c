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
#include "overlay/platform/memory_file.h"

/*
 * Layout of the memory file: one page of identity, the redo area, the dirty bits, the records' sums, then the
 * tables, each at a fixed place. Fixed places cost address space alone, and spare every relocation: a record's address never
 * changes, in whichever process maps the file.
 *
 * The dirty bits say which durable records differ from the journal. They lie in the arena, because they must
 * outlive the process; the list beside them, which makes a flush cost by changes, is private, and rebuilt by the first
 * flush: a worker that takes over answers before it has looked at every record.
 *
 * For the same reason there is a bit per inode that the next process has to do something about. It follows from the
 * record and is written with it, so that the redo that completes a record completes it too.
 */

static const struct {
	uint32_t size, limit;
	bool durable;
} tables[HD_TABLE_COUNT] = {
#define HD_TABLE_ROW(table, size, limit, durable) [table] = {size, limit, durable},
	HD_TABLES(HD_TABLE_ROW)
#undef HD_TABLE_ROW
};

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
		at += round_to_page((tables[t].limit + 7) / 8);
	}
	layout.flagged = at;
	at += round_to_page(tables[HD_TABLE_INODE].limit / 8 + 8);
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		layout.sums[t] = at;
		at += tables[t].durable ? round_to_page((uint64_t)tables[t].limit * sizeof(uint32_t)) : 0;
	}
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		layout.table[t] = at;
		at += round_to_page((uint64_t)tables[t].size * tables[t].limit);
	}
	layout.end = at;
	return layout;
}

uint64_t hd_arena_size(void)
{
	return compute_layout().end;
}

uint32_t hd_record_size(enum hd_table table)
{
	return tables[table].size;
}

uint32_t hd_record_limit(enum hd_table table)
{
	return tables[table].limit;
}

const char *hd_table_name(enum hd_table table)
{
	static const char *const names[HD_TABLE_COUNT] = {
#define HD_TABLE_NAME(table, size, limit, durable) [table] = #table,
		HD_TABLES(HD_TABLE_NAME)
#undef HD_TABLE_NAME
	};

	return names[table] + strlen("HD_TABLE_");
}

bool hd_table_is_durable(enum hd_table table)
{
	return tables[table].durable;
}

const void *hd_record(const struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	return arena->table[table] + (size_t)tables[table].size * index;
}

void *hd_record_for_writing(struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	return arena->table[table] + (size_t)tables[table].size * index;
}

uint32_t hd_record_high_water(const struct hd_arena *arena, enum hd_table table)
{
	const struct hd_allocator *allocator = hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + table);

	return allocator->high_water ? allocator->high_water : 1;
}

bool hd_record_exists(const struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	return index > 0 && index < hd_record_high_water(arena, table);
}

/* ---- dirty records ---- */

static bool set_dirty_bit(struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	uint8_t *byte = arena->dirty[table] + index / 8;
	uint8_t bit = (uint8_t)(1u << (index % 8));

	if (*byte & bit)
		return false;
	*byte |= bit;
	return true;
}

/* Where the list could not grow, or was not made yet, the bits alone know, and the next flush scans them. */
void hd_arena_mark_dirty(struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	if (!tables[table].durable || !set_dirty_bit(arena, table, index) || arena->list_incomplete)
		return;
	if (HD_ARRAY_RESERVE(arena->dirty_list, arena->dirty_count, arena->dirty_capacity) < 0) {
		arena->list_incomplete = true;
		return;
	}
	arena->dirty_list[arena->dirty_count].table = (uint8_t)table;
	arena->dirty_list[arena->dirty_count].index = index;
	arena->dirty_count++;
}

uint32_t hd_record_scan_limit(const struct hd_arena *arena, enum hd_table table)
{
	switch (table) {
	case HD_TABLE_HEAD:
		return HD_HEAD_COUNT;
	case HD_TABLE_BUCKET: {
		const struct hd_hash_head *hash = hd_record(arena, HD_TABLE_HEAD, HD_HEAD_HASH);

		return ((2u << hash->level) - 1) / HD_BUCKETS_PER_RECORD + 1;
	}
	case HD_TABLE_BLOCK:
		return hd_record_high_water(arena, table) / HD_BLOCKS_PER_RECORD + 1;
	default:
		return hd_record_high_water(arena, table);
	}
}

/* Rebuilds the list from the bits: after another process's death, or when the list could not grow. */
static int rebuild_dirty_list(struct hd_arena *arena)
{
	arena->dirty_count = 0;
	arena->list_incomplete = false;
	for (int t = 0; t < HD_TABLE_COUNT; t++) {
		uint32_t bytes = (hd_record_scan_limit(arena, (enum hd_table)t) + 7) / 8;

		if (!tables[t].durable)
			continue;
		for (uint32_t i = 0; i < bytes; i++) {
			uint8_t bits = arena->dirty[t][i];

			if (!bits)
				continue;
			arena->dirty[t][i] = 0;
			for (uint32_t bit = 0; bit < 8; bit++)
				if (bits & (1u << bit))
					hd_arena_mark_dirty(arena, (enum hd_table)t, i * 8 + bit);
			if (arena->list_incomplete) {
				arena->dirty[t][i] |= bits;
				return -ENOMEM;
			}
		}
	}
	return 0;
}

int hd_arena_take_dirty(struct hd_arena *arena, struct hd_dirty_record **ret_list, size_t *ret_count)
{
	if (arena->list_incomplete) {
		int r = rebuild_dirty_list(arena);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < arena->dirty_count; i++) {
		const struct hd_dirty_record *record = &arena->dirty_list[i];

		arena->dirty[record->table][record->index / 8] &= (uint8_t) ~(1u << (record->index % 8));
	}
	*ret_list = HD_STEAL(arena->dirty_list);
	*ret_count = arena->dirty_count;
	arena->dirty_count = 0;
	arena->dirty_capacity = 0;
	return 0;
}

void hd_arena_dirty_again(struct hd_arena *arena, const struct hd_dirty_record *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hd_arena_mark_dirty(arena, (enum hd_table)list[i].table, list[i].index);
}

size_t hd_arena_dirty_count(const struct hd_arena *arena)
{
	return arena->list_incomplete ? 1 : arena->dirty_count;
}

int hd_arena_restore(struct hd_arena *arena, unsigned table, uint32_t index, const void *data, size_t size)
{
	if (table >= HD_TABLE_COUNT || !tables[table].durable || index >= tables[table].limit ||
		size != tables[table].size)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "a record for table %u, index %u", table, index);
	hd_record_install(arena, (enum hd_table)table, index, data, hd_record_sum(data, size));
	return 0;
}

/* ---- inodes that concern the next process ---- */

static bool concerns_the_next(const struct hd_inode *inode)
{
	return inode->state == HD_INODE_ORPHAN ||
	       (inode->state != HD_INODE_FREE && inode->flags & (HD_INODE_LARGE | HD_INODE_OVERHANG));
}

void hd_arena_flag_inode(struct hd_arena *arena, uint32_t index)
{
	bool wanted = concerns_the_next(hd_record_inode(arena, index));
	uint8_t *byte = arena->flagged + index / 8;
	uint8_t bit = (uint8_t)(1u << (index % 8));

	/* Written only when it changes: pages of zeros stay shared with nobody's memory. */
	if (wanted != ((*byte & bit) != 0))
		*byte ^= bit;
}

uint32_t hd_arena_next_flagged(const struct hd_arena *arena, uint32_t from)
{
	uint32_t limit = hd_record_high_water(arena, HD_TABLE_INODE);

	for (uint32_t index = from; index < limit; index++) {
		if (arena->flagged[index / 8] == 0)
			index |= 7;
		else if (arena->flagged[index / 8] >> (index % 8) & 1)
			return index;
	}
	return 0;
}

void hd_record_install(
	struct hd_arena *arena, enum hd_table table, uint32_t index, const void *bytes, uint32_t sum)
{
	memcpy(hd_record_for_writing(arena, table, index), bytes, tables[table].size);
	if (tables[table].durable)
		arena->sums[table][index] = sum;
	if (table == HD_TABLE_INODE)
		hd_arena_flag_inode(arena, index);
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
		(size_t)tables[HD_TABLE_REFERENCE].size * hd_record_high_water(arena, HD_TABLE_INODE));
}

void hd_arena_clear_state_nodes(struct hd_arena *arena)
{
	struct hd_allocator *allocator = hd_record_for_writing(arena, HD_TABLE_STATE_NODE, 0);
	uint32_t limit = tables[HD_TABLE_STATE_NODE].limit;

	memset(arena->table[HD_TABLE_STATE_NODE], 0,
		(size_t)tables[HD_TABLE_STATE_NODE].size *
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
