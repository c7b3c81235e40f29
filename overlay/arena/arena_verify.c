/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/arena/arena_types.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"

/*
 * Whether the tables are what transactions made of them.
 *
 * What a killed process stored is not lost, so a death alone damages nothing. What damages is a stray write of a process
 * with a bug, or memory that rots. Each durable record has a sum beside it, in another part of the file; both are set by
 * the transaction. They are looked at before a record goes to disk, and after a death: then programs wait, so the worker
 * that takes over looks at all of them while it serves already, unless there is reason to doubt them.
 *
 * A sum of 0 is that of a record that no transaction ever set: it is all zeros.
 */

/* Some 50 us, for which writers wait. */
#define AUDIT_RECORDS 512u

uint32_t hd_record_sum(const void *bytes, size_t size)
{
	uint32_t sum = (uint32_t)hd_checksum64(bytes, size);

	return sum ? sum : 1;
}

static bool is_zero(const uint8_t *bytes, size_t size)
{
	return bytes[0] == 0 && memcmp(bytes, bytes + 1, size - 1) == 0;
}

bool hd_record_is_sound(enum hd_table table, const void *bytes, uint32_t sum)
{
	uint32_t size = hd_record_size(table);

	return sum ? sum == hd_record_sum(bytes, size) : is_zero(bytes, size);
}

uint32_t hd_record_kept_sum(const struct hd_arena *arena, enum hd_table table, uint32_t index)
{
	return arena->sums[table][index];
}

static int verify_range(const struct hd_arena *arena, enum hd_table table, uint32_t from, uint32_t limit)
{
	for (uint32_t i = from; i < limit; i++)
		if (!hd_record_is_sound(table, hd_record(arena, table, i), arena->sums[table][i]))
			return hd_fail(HD_E_ARENA_CORRUPT, "record %u of table %s does not verify", i,
				hd_table_name(table));
	return 0;
}

/* What HEAD says may be wrong while it is not verified. */
static uint32_t limit_of(const struct hd_arena *arena, enum hd_table table)
{
	uint32_t limit = hd_record_scan_limit(arena, table);

	return limit < hd_record_limit(table) ? limit : hd_record_limit(table);
}

int hd_arena_verify(const struct hd_arena *arena, bool all)
{
	int r = 0;

	/* HEAD comes first: it says how far the others go. */
	for (int t = 0; r == 0 && t < (all ? HD_TABLE_COUNT : HD_TABLE_HEAD + 1); t++)
		if (hd_table_is_durable((enum hd_table)t))
			r = verify_range(arena, (enum hd_table)t, 0, limit_of(arena, (enum hd_table)t));
	return r;
}

int hd_arena_audit(const struct hd_arena *arena, struct hd_arena_audit *at)
{
	enum hd_table table = (enum hd_table)at->table;
	uint32_t limit, end;
	int r;

	if (at->table >= HD_TABLE_COUNT)
		return 0;
	limit = hd_table_is_durable(table) ? limit_of(arena, table) : 0;
	end = limit - at->index < AUDIT_RECORDS || limit < at->index ? limit : at->index + AUDIT_RECORDS;
	r = verify_range(arena, table, at->index, end);
	if (r < 0)
		return r;
	at->index = end;
	if (end >= limit)
		*at = (struct hd_arena_audit){.table = at->table + 1};
	return at->table < HD_TABLE_COUNT;
}

void hd_arena_distrust(struct hd_arena *arena)
{
	__atomic_store_n(&arena->identity->distrusted, 1, __ATOMIC_RELEASE);
}
