/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/hot/dirty_data.h"

#include <stdlib.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

void hd_dirty_data_init(struct hd_dirty_data *data)
{
	*data = (struct hd_dirty_data){0};
	hd_mutex_init(&data->lock, HD_RANK_LEAF);
}

void hd_dirty_data_destroy(struct hd_dirty_data *data)
{
	hd_mutex_destroy(&data->lock);
	free(data->ranges);
}

static void note_locked(struct hd_dirty_data *data, const struct hd_dirty_range *range)
{
	struct hd_dirty_range *last = data->count ? &data->ranges[data->count - 1] : NULL;

	if (data->everything)
		return;
	/* Streams and rewrites of one place, the common cases, make one range. */
	if (last && last->ino == range->ino && range->first >= last->first &&
		range->first <= last->first + last->count) {
		uint64_t end = range->first + range->count;

		if (end > last->first + last->count)
			last->count = end - last->first;
		return;
	}
	if (HD_ARRAY_RESERVE(data->ranges, data->count, data->capacity) < 0) {
		data->everything = true;
		return;
	}
	data->ranges[data->count++] = *range;
}

void hd_dirty_data_note(struct hd_dirty_data *data, hd_ino ino, uint64_t first, uint64_t count)
{
	struct hd_dirty_range range = {.ino = ino, .first = first, .count = count};

	hd_mutex_lock(&data->lock);
	note_locked(data, &range);
	hd_mutex_unlock(&data->lock);
}

void hd_dirty_data_note_everything(struct hd_dirty_data *data)
{
	hd_mutex_lock(&data->lock);
	data->everything = true;
	hd_mutex_unlock(&data->lock);
}

bool hd_dirty_data_is_empty(struct hd_dirty_data *data)
{
	bool empty;

	hd_mutex_lock(&data->lock);
	empty = data->count == 0 && !data->everything;
	hd_mutex_unlock(&data->lock);
	return empty;
}

void hd_dirty_data_take(struct hd_dirty_data *data, struct hd_dirty_data *ret)
{
	hd_mutex_lock(&data->lock);
	ret->ranges = HD_STEAL(data->ranges);
	ret->count = data->count;
	ret->capacity = data->capacity;
	ret->everything = data->everything;
	data->count = data->capacity = 0;
	data->everything = false;
	hd_mutex_unlock(&data->lock);
}

void hd_dirty_data_give_back(struct hd_dirty_data *data, struct hd_dirty_data *taken)
{
	hd_mutex_lock(&data->lock);
	data->everything = data->everything || taken->everything;
	for (size_t i = 0; i < taken->count; i++)
		note_locked(data, &taken->ranges[i]);
	hd_mutex_unlock(&data->lock);
}

static int add(struct hd_dirty_blocks *blocks, uint32_t slot, uint64_t block)
{
	if (HD_ARRAY_RESERVE(blocks->blocks, blocks->count, blocks->capacity) < 0)
		return -ENOMEM;
	blocks->blocks[blocks->count++] = (struct hd_dirty_block){.slot = slot, .block = block};
	return 0;
}

static int resolve_range(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t first,
	uint64_t end, struct hd_dirty_blocks *blocks)
{
	uint64_t block = first;
	uint32_t value;
	int r = 0;

	while (r == 0 && hd_block_next_before(arena, inode, block, end, &block, &value)) {
		if (value >= HD_BLOCK_FIRST)
			r = add(blocks, 0, value);
		else if (value == HD_BLOCK_LARGE)
			r = add(blocks, inode->part.file.large_slot, block);
		block++;
	}
	return r;
}

static bool is_live_file(const struct hd_inode *inode)
{
	return inode && hd_inode_is_kept(inode) && hd_inode_is_file(inode);
}

static int resolve_everything(const struct hd_arena *arena, struct hd_dirty_blocks *blocks)
{
	uint32_t limit = hd_record_high_water(arena, HD_TABLE_INODE);
	int r = 0;

	for (uint32_t i = 1; i < limit && r == 0; i++)
		if (is_live_file(hd_record_inode(arena, i)))
			r = resolve_range(arena, hd_record_inode(arena, i), 0, HD_BLOCK_COUNT_LIMIT, blocks);
	return r;
}

static int compare(const void *a, const void *b)
{
	const struct hd_dirty_block *left = a, *right = b;

	if (left->slot != right->slot)
		return left->slot < right->slot ? -1 : 1;
	return left->block < right->block ? -1 : left->block > right->block;
}

static void sort_and_unite(struct hd_dirty_blocks *blocks)
{
	size_t kept = 0;

	if (blocks->count == 0)
		return;
	qsort(blocks->blocks, blocks->count, sizeof(*blocks->blocks), compare);
	for (size_t i = 1; i < blocks->count; i++)
		if (compare(&blocks->blocks[kept], &blocks->blocks[i]) != 0)
			blocks->blocks[++kept] = blocks->blocks[i];
	blocks->count = kept + 1;
}

int hd_dirty_data_resolve(
	const struct hd_dirty_data *taken, const struct hd_arena *arena, struct hd_dirty_blocks *ret_blocks)
{
	int r = 0;

	if (taken->everything)
		r = resolve_everything(arena, ret_blocks);
	for (size_t i = 0; r == 0 && !taken->everything && i < taken->count; i++) {
		const struct hd_dirty_range *range = &taken->ranges[i];
		const struct hd_inode *inode = hd_inode_get(arena, range->ino);

		if (is_live_file(inode))
			r = resolve_range(
				arena, inode, range->first, range->first + range->count, ret_blocks);
	}
	sort_and_unite(ret_blocks);
	return r;
}

void hd_dirty_blocks_clear(struct hd_dirty_blocks *blocks)
{
	free(blocks->blocks);
	*blocks = (struct hd_dirty_blocks){0};
}
