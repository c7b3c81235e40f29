/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/hot/hot_tier.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "overlay/contents/hot_tier_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/*
 * Two views of the same fact: the bitmap in the arena says which blocks belong to files and survives this
 * process; the stack of free blocks here says which may be handed out next, and knows about reservations,
 * which must not survive. A block is handed out before it is marked, so its bytes are in place before any map
 * names it.
 *
 * Blocks are taken from the top of the stack (recently freed, pages still there); large requests want consecutive
 * ones, and take untouched space when the top of the stack has none. Not for ever: beyond KEEP_BLOCKS free ones
 * anything is taken, or a mount that writes for months would remember every block it ever used. Their pages are
 * given back to the kernel.
 */

#define KEEP_BLOCKS 16384u /* 64 MiB */
#define RUN_BLOCKS 4u      /* from here on a request wants consecutive blocks */

static uint32_t block_limit(void)
{
	return hd_record_limit(HD_TABLE_BLOCK) * HD_BLOCKS_PER_RECORD;
}

/* Above this no block was ever used; kept, because to look for it would touch every page of the bitmap. */
static uint32_t high_water(const struct hd_allocator *allocator)
{
	return allocator->high_water > HD_BLOCK_FIRST ? allocator->high_water : HD_BLOCK_FIRST;
}

static bool is_used(const struct hd_arena *arena, uint32_t block)
{
	const struct hd_block_record *record = hd_record_block(arena, block / HD_BLOCKS_PER_RECORD);
	uint32_t bit = block % HD_BLOCKS_PER_RECORD;

	return record->bits[bit / 64] >> (bit % 64) & 1;
}

/* 64 of them, from a multiple of 64 on. */
static bool are_used(const struct hd_arena *arena, uint32_t first)
{
	const struct hd_block_record *record = hd_record_block(arena, first / HD_BLOCKS_PER_RECORD);

	return record->bits[first % HD_BLOCKS_PER_RECORD / 64] == UINT64_MAX;
}

static int push_free(struct hd_block_stack *stack, uint32_t block)
{
	if (HD_ARRAY_RESERVE(stack->blocks, stack->count, stack->capacity) < 0)
		return -ENOMEM;
	stack->blocks[stack->count++] = block;
	return 0;
}

static void read_bitmap(struct hd_hot_tier *tier, const struct hd_arena *arena)
{
	uint32_t block = tier->next_untouched =
		high_water(hd_record(arena, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_BLOCK));

	while (block > HD_BLOCK_FIRST) {
		/* Used blocks lie together, and programs wait. */
		if (block % 64 == 0 && block - 64 >= HD_BLOCK_FIRST && are_used(arena, block - 64)) {
			tier->used += 64;
			block -= 64;
		} else if (is_used(arena, --block)) {
			tier->used++;
		} else {
			(void)push_free(
				&tier->free, block); /* a block not remembered is only not used again */
		}
	}
}

int hd_hot_tier_new(int fd, const struct hd_arena *arena, uint64_t limit_bytes,
	int (*hold)(void *payload, uint32_t slot, int fd), void *hold_payload, struct hd_hot_tier **ret_tier)
{
	struct hd_hot_tier *tier = calloc(1, sizeof(*tier));

	if (!tier)
		return -ENOMEM;
	hd_mutex_init(&tier->lock, HD_RANK_LEAF);
	tier->fd = fd;
	tier->limit = limit_bytes / HD_BLOCK_SIZE;
	tier->hold = hold;
	tier->hold_payload = hold_payload;
	read_bitmap(tier, arena);
	*ret_tier = tier;
	return 0;
}

void hd_hot_tier_free(struct hd_hot_tier *tier)
{
	if (!tier)
		return;
	hd_hot_large_close_all(tier);
	hd_mutex_destroy(&tier->lock);
	free(tier->free.blocks);
	free(tier->freed.blocks);
	free(tier->held.blocks);
	free(tier->large);
	free(tier);
}

/* How many blocks at the top of the stack, up to WANTED, are consecutive; STEP as they lie in it, up or down. */
static uint32_t measure_run(const struct hd_block_stack *stack, uint32_t wanted, int step)
{
	const uint32_t *top = &stack->blocks[stack->count - 1];
	uint32_t n = 1;

	while (n < wanted && n < stack->count && *(top - n) + (uint32_t)step * n == *top)
		n++;
	return n;
}

/* Takes blocks off the stack unless a request for a run is better served from untouched space. */
static bool take_free_locked(
	struct hd_hot_tier *tier, uint32_t wanted, uint32_t *ret_first, uint32_t *ret_count)
{
	struct hd_block_stack *stack = &tier->free;
	uint32_t top, up, down;

	if (stack->count == 0)
		return false;
	top = stack->blocks[stack->count - 1];
	up = measure_run(stack, wanted, 1);
	down = measure_run(stack, wanted, -1);
	if (wanted >= RUN_BLOCKS && up < RUN_BLOCKS && down < RUN_BLOCKS && stack->count <= KEEP_BLOCKS &&
		tier->next_untouched < block_limit())
		return false;
	*ret_count = up >= down ? up : down;
	*ret_first = up >= down ? top - (up - 1) : top;
	stack->count -= *ret_count;
	return true;
}

static int reserve_locked(struct hd_hot_tier *tier, uint32_t wanted, uint32_t *ret_first, uint32_t *ret_count)
{
	if (take_free_locked(tier, wanted, ret_first, ret_count))
		return 0;
	if (tier->next_untouched >= block_limit())
		return -HD_E_HOT_TIER_FULL;
	if (wanted > block_limit() - tier->next_untouched)
		wanted = block_limit() - tier->next_untouched;
	*ret_first = tier->next_untouched;
	*ret_count = wanted;
	tier->next_untouched += wanted;
	return 0;
}

int hd_hot_reserve(struct hd_hot_tier *tier, uint32_t wanted, uint32_t *ret_first, uint32_t *ret_count)
{
	int r;

	hd_mutex_lock(&tier->lock);
	r = reserve_locked(tier, wanted, ret_first, ret_count);
	if (r == 0)
		tier->used += *ret_count;
	hd_mutex_unlock(&tier->lock);
	return r;
}

/* Pages of blocks that are not soon used again go back to the kernel. */
static void put_back_locked(struct hd_hot_tier *tier, uint32_t block)
{
	if (tier->free.count >= KEEP_BLOCKS)
		(void)hd_memory_file_discard(tier->fd, (uint64_t)block * HD_BLOCK_SIZE, HD_BLOCK_SIZE);
	(void)push_free(&tier->free, block);
	tier->used--;
}

void hd_hot_unreserve(struct hd_hot_tier *tier, uint32_t first, uint32_t count)
{
	hd_mutex_lock(&tier->lock);
	for (uint32_t i = 0; i < count; i++)
		put_back_locked(tier, first + i);
	hd_mutex_unlock(&tier->lock);
}

static void flip(struct hd_transaction *transaction, uint32_t block, bool used)
{
	struct hd_block_record *record = hd_edit_block(transaction, block / HD_BLOCKS_PER_RECORD);
	uint32_t bit = block % HD_BLOCKS_PER_RECORD;
	uint64_t mask = (uint64_t)1 << (bit % 64);

	if (used)
		record->bits[bit / 64] |= mask;
	else
		record->bits[bit / 64] &= ~mask;
}

void hd_hot_use(struct hd_transaction *transaction, uint32_t block)
{
	const struct hd_allocator *seen =
		hd_view(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_BLOCK);

	if (block >= high_water(seen)) {
		struct hd_allocator *allocator =
			hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_ALLOCATOR + HD_TABLE_BLOCK);

		allocator->high_water = block + 1;
	}
	flip(transaction, block, true);
}

void hd_hot_free(struct hd_hot_tier *tier, struct hd_transaction *transaction, uint32_t block)
{
	flip(transaction, block, false);
	if (push_free(&tier->freed, block) < 0 && transaction->status == 0)
		transaction->status = -ENOMEM;
}

void hd_hot_committed(struct hd_hot_tier *tier, bool success)
{
	if (tier->freed.count == 0)
		return;
	hd_mutex_lock(&tier->lock);
	for (size_t i = 0; success && i < tier->freed.count; i++) {
		if (tier->holds == 0 || push_free(&tier->held, tier->freed.blocks[i]) < 0)
			put_back_locked(tier, tier->freed.blocks[i]);
	}
	tier->freed.count = 0;
	hd_mutex_unlock(&tier->lock);
}

void hd_hot_hold(struct hd_hot_tier *tier)
{
	hd_mutex_lock(&tier->lock);
	tier->holds++;
	hd_mutex_unlock(&tier->lock);
}

void hd_hot_unhold(struct hd_hot_tier *tier)
{
	hd_mutex_lock(&tier->lock);
	if (--tier->holds == 0) {
		while (tier->held.count > 0)
			put_back_locked(tier, tier->held.blocks[--tier->held.count]);
		hd_hot_large_drop_held_locked(tier);
	}
	hd_mutex_unlock(&tier->lock);
}

bool hd_hot_is_held(struct hd_hot_tier *tier)
{
	bool held;

	hd_mutex_lock(&tier->lock);
	held = tier->holds > 0;
	hd_mutex_unlock(&tier->lock);
	return held;
}

int hd_hot_read(struct hd_hot_tier *tier, uint32_t block, uint64_t offset, void *buffer, size_t size)
{
	return hd_memory_file_read(tier->fd, buffer, size, (uint64_t)block * HD_BLOCK_SIZE + offset);
}

int hd_hot_write(struct hd_hot_tier *tier, uint32_t block, uint64_t offset, const void *data, size_t size)
{
	return hd_memory_file_write(tier->fd, data, size, (uint64_t)block * HD_BLOCK_SIZE + offset);
}

struct hd_hot_usage hd_hot_usage(struct hd_hot_tier *tier)
{
	struct hd_hot_usage usage;

	hd_mutex_lock(&tier->lock);
	usage.bytes = (uint64_t)tier->used * HD_BLOCK_SIZE;
	usage.limit = tier->limit * HD_BLOCK_SIZE;
	usage.large_files = tier->large_files;
	hd_mutex_unlock(&tier->lock);
	return usage;
}
