/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/arena_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * The records of a mapped arena, and what is noted of each beside it: whether the journal has it, and its sum.
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

/* ---- inodes that concern the next process ---- */

static bool concerns_the_next(const struct hd_inode *inode)
{
	return inode->state == HD_INODE_ORPHAN ||
	       (inode->state != HD_INODE_FREE && inode->flags & (HD_INODE_LARGE | HD_INODE_OVERHANG));
}

/* The record of an inode was written: sets or clears its bit. */
static void flag_inode(struct hd_arena *arena, uint32_t index)
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
		flag_inode(arena, index);
}
