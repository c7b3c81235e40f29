/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/block_map.h"

#include <string.h>

/*
 * A tree of height h holds 1024^h blocks; height 0 is the inode's own eight slots. Growth puts a new root
 * above the old one (or moves the eight slots into the first page); it never shrinks but by
 * hd_block_map_clear, because a file that was large once is likely to be so again.
 *
 * Map pages come from the arena's allocator, whose free list uses the first four bytes: a fresh page is
 * zeroed here.
 */

#define HEIGHT_LIMIT 6
/* Records that must still fit while pages are freed: the page, its parents, the allocator. */
#define CLEAR_ROOM 16u

static uint64_t capacity(uint32_t height)
{
	return height ? (uint64_t)1 << (height * HD_MAP_BITS) : HD_DIRECT_BLOCKS;
}

static uint32_t slot_at(uint64_t block, uint32_t level)
{
	return (uint32_t)(block >> (level * HD_MAP_BITS)) & (HD_MAP_SLOTS - 1);
}

uint32_t hd_block_get(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t block)
{
	const struct hd_file_part *file = &inode->part.file;
	uint32_t page = file->root;

	if (block >= capacity(file->height))
		return HD_BLOCK_NONE;
	if (file->height == 0)
		return file->direct[block];
	for (uint32_t level = file->height; level-- > 0;) {
		if (page == 0)
			return HD_BLOCK_NONE;
		page = hd_record_map(arena, page)->slot[slot_at(block, level)];
	}
	return page;
}

/* Walks the tree iteratively: in each page looks for the next slot in use, and skips what empty slots stand for. */
static bool next_in_tree(const struct hd_arena *arena, const struct hd_file_part *file, uint64_t from,
	uint64_t end, uint64_t *ret_block, uint32_t *ret_value)
{
	uint64_t block = from;

	if (end > capacity(file->height))
		end = capacity(file->height);
	while (block < end) {
		uint32_t page = file->root, level = file->height, slot = 0;

		while (level-- > 0) {
			const struct hd_map_page *map = hd_record_map(arena, page);
			uint32_t first = slot_at(block, level), above = (level + 1) * HD_MAP_BITS;

			slot = first;
			while (slot < HD_MAP_SLOTS && map->slot[slot] == 0)
				slot++;
			if (slot != first)
				block = (block >> above << above) + ((uint64_t)slot << (level * HD_MAP_BITS));
			if (slot == HD_MAP_SLOTS)
				break;
			page = map->slot[slot];
		}
		if (slot == HD_MAP_SLOTS || block >= end)
			continue;
		*ret_block = block;
		*ret_value = page;
		return true;
	}
	return false;
}

bool hd_block_next_before(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t from,
	uint64_t end, uint64_t *ret_block, uint32_t *ret_value)
{
	const struct hd_file_part *file = &inode->part.file;

	if (file->height > 0)
		return file->root != 0 && next_in_tree(arena, file, from, end, ret_block, ret_value);
	for (uint64_t block = from; block < end && block < HD_DIRECT_BLOCKS; block++) {
		if (file->direct[block] == HD_BLOCK_NONE)
			continue;
		*ret_block = block;
		*ret_value = file->direct[block];
		return true;
	}
	return false;
}

bool hd_block_next(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t from,
	uint64_t *ret_block, uint32_t *ret_value)
{
	return hd_block_next_before(arena, inode, from, HD_BLOCK_COUNT_LIMIT, ret_block, ret_value);
}

static uint32_t new_page(struct hd_transaction *transaction)
{
	uint32_t index = hd_allocate(transaction, HD_TABLE_MAP);

	if (index)
		memset(hd_edit_map(transaction, index), 0, sizeof(struct hd_map_page));
	return index;
}

static bool is_empty(const struct hd_file_part *file)
{
	static const uint32_t none[HD_DIRECT_BLOCKS];

	return file->height ? file->root == 0 : memcmp(file->direct, none, sizeof(none)) == 0;
}

static void grow(struct hd_transaction *transaction, struct hd_file_part *file, uint64_t block)
{
	while (block >= capacity(file->height) && file->height < HEIGHT_LIMIT) {
		uint32_t index = 0;

		/* A root with nothing below it needs no page yet. */
		if (!is_empty(file)) {
			struct hd_map_page *page;

			index = new_page(transaction);
			if (index == 0)
				return;
			page = hd_edit_map(transaction, index);
			if (file->height == 0)
				memcpy(page->slot, file->direct, sizeof(file->direct));
			else
				page->slot[0] = file->root;
		}
		memset(file->direct, 0, sizeof(file->direct));
		file->root = index;
		file->height++;
	}
}

static bool holds_memory(uint32_t value)
{
	return value != HD_BLOCK_NONE && value != HD_BLOCK_HOLE;
}

static void set_slot(struct hd_file_part *file, uint32_t *slot, uint32_t value)
{
	file->mapped += holds_memory(value);
	file->mapped -= holds_memory(*slot);
	*slot = value;
}

void hd_block_set(struct hd_transaction *transaction, uint32_t index, uint64_t block, uint32_t value)
{
	struct hd_file_part *file = &hd_edit_inode(transaction, index)->part.file;
	uint32_t *link = &file->root;

	if (value == HD_BLOCK_NONE && block >= capacity(file->height))
		return;
	grow(transaction, file, block);
	if (transaction->status < 0)
		return;
	if (file->height == 0) {
		set_slot(file, &file->direct[block], value);
		return;
	}
	for (uint32_t level = file->height; level-- > 0;) {
		if (*link == 0) {
			uint32_t page = value == HD_BLOCK_NONE ? 0 : new_page(transaction);

			if (page == 0)
				return;
			*link = page;
		}
		link = &hd_edit_map(transaction, *link)->slot[slot_at(block, level)];
	}
	set_slot(file, link, value);
}

/* False when the transaction has no room for more; what is freed by then is unlinked. */
static bool free_subtree(struct hd_transaction *transaction, uint32_t page, uint32_t level)
{
	if (transaction->status < 0 || hd_transaction_room(transaction) < CLEAR_ROOM)
		return false;
	for (uint32_t i = 0; level > 0 && i < HD_MAP_SLOTS; i++) {
		uint32_t child = hd_view_map(transaction, page)->slot[i];

		if (child == 0)
			continue;
		if (!free_subtree(transaction, child, level - 1))
			return false;
		hd_edit_map(transaction, page)->slot[i] = 0;
	}
	hd_release(transaction, HD_TABLE_MAP, page, 0);
	return true;
}

bool hd_block_map_clear(struct hd_transaction *transaction, uint32_t index)
{
	struct hd_file_part *file = &hd_edit_inode(transaction, index)->part.file;

	if (file->root != 0 && !free_subtree(transaction, file->root, file->height - 1))
		return false;
	memset(file->direct, 0, sizeof(file->direct));
	file->root = 0;
	file->height = 0;
	file->mapped = 0;
	return true;
}
