/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/arena/block_map.h"
#include "overlay/arena/entry_table.h"
#include "overlay/arena/inode_table.h"
#include "overlay/check/check_types.h"
#include "overlay/hot/hot_tier.h"
#include "overlay/platform/cleanup.h"

/*
 * The tables of one thread, as the journal left them: names, inodes and blocks agree with each other. Every index is
 * checked before it is followed, every chain is followed no further than it can be long.
 *
 *     entries      both neighbours know each other; the hash table finds each; its inode lives; the directory's numbers
 *                  are right
 *     inodes       as many names as links; all but the root and the orphans have one
 *     blocks       in use by the bitmap, used by one file once, and their data was in the journal; counted right
 *     contents     are there (check_objects.c)
 *     directories  are what their stored trees say, as far as captures rely on it (check_recorded.c)
 */

#define WHERE_SIZE 384
#define MAP_HEIGHT_LIMIT 6

struct arena_check {
	struct hd_check *check;
	const struct hd_arena *arena;
	const uint8_t *blocks;
	const char *where;
	uint8_t *owned;  /* owned; one bit per hot block that a file was found to use */
	uint32_t *links; /* owned; per inode: entries that name it */
};

struct file_check {
	struct arena_check *arena;
	uint32_t inode;
	uint64_t mapped;
	bool is_live;
};

static bool is_bit_set(const uint8_t *bits, uint64_t bit)
{
	return bits[bit / 8] >> (bit % 8) & 1;
}

static bool is_block_used(const struct hd_arena *arena, uint32_t block)
{
	const struct hd_block_record *record = hd_record_block(arena, block / HD_BLOCKS_PER_RECORD);
	uint32_t bit = block % HD_BLOCKS_PER_RECORD;

	return record->bits[bit / 64] >> (bit % 64) & 1;
}

static void check_block(struct file_check *file, uint32_t block)
{
	struct arena_check *arena = file->arena;

	file->mapped += block == HD_BLOCK_LARGE || block >= HD_BLOCK_FIRST;
	if (block < HD_BLOCK_FIRST) {
		if (block != HD_BLOCK_HOLE && block != HD_BLOCK_LARGE)
			hd_check_problem(arena->check, "%s: inode %u maps a block to %u, which means nothing",
				arena->where, file->inode, block);
		return;
	}
	if (block >= hd_hot_file_size() / HD_BLOCK_SIZE || !is_block_used(arena->arena, block)) {
		hd_check_problem(arena->check, "%s: inode %u maps hot block %u, which is not in use",
			arena->where, file->inode, block);
		return;
	}
	if (is_bit_set(arena->owned, block))
		hd_check_problem(arena->check, "%s: hot block %u belongs to two files, one is inode %u",
			arena->where, block, file->inode);
	arena->owned[block / 8] |= (uint8_t)(1u << (block % 8));
	if (file->is_live && !is_bit_set(arena->blocks, block))
		hd_check_problem(arena->check,
			"%s: the bytes of hot block %u of inode %u are not in the journal", arena->where,
			block, file->inode);
}

static void check_map(struct file_check *file, uint32_t page, uint32_t height)
{
	const struct hd_map_page *map;

	if (page == 0)
		return;
	if (!hd_record_exists(file->arena->arena, HD_TABLE_MAP, page)) {
		hd_check_problem(file->arena->check, "%s: inode %u has a map page %u that is not there",
			file->arena->where, file->inode, page);
		return;
	}
	map = hd_record_map(file->arena->arena, page);
	for (uint32_t i = 0; i < HD_MAP_SLOTS; i++) {
		if (height > 1)
			check_map(file, map->slot[i], height - 1);
		else if (map->slot[i] != HD_BLOCK_NONE)
			check_block(file, map->slot[i]);
	}
}

static void check_file(struct arena_check *arena, uint32_t index, const struct hd_inode *inode)
{
	struct file_check file = {.arena = arena, .inode = index, .is_live = hd_inode_is_kept(inode)};
	const struct hd_file_part *part = &inode->part.file;

	if (part->height > MAP_HEIGHT_LIMIT) {
		hd_check_problem(arena->check, "%s: inode %u has a map of height %u", arena->where, index,
			part->height);
		return;
	}
	for (uint32_t i = 0; part->height == 0 && i < HD_DIRECT_BLOCKS; i++)
		if (part->direct[i] != HD_BLOCK_NONE)
			check_block(&file, part->direct[i]);
	if (part->height > 0)
		check_map(&file, part->root, part->height);
	if (file.mapped != part->mapped)
		hd_check_problem(arena->check, "%s: inode %u maps %" PRIu64 " blocks and says %u",
			arena->where, index, file.mapped, part->mapped);
}

/* True when ENTRY, of directory PARENT, can be followed. */
static bool check_entry(struct arena_check *arena, uint32_t parent, uint32_t entry, uint32_t previous)
{
	const struct hd_entry *record;
	char name[256];
	size_t length;

	if (!hd_record_exists(arena->arena, HD_TABLE_ENTRY, entry)) {
		hd_check_problem(arena->check, "%s: directory %u has an entry %u that is not there",
			arena->where, parent, entry);
		return false;
	}
	record = hd_record(arena->arena, HD_TABLE_ENTRY, entry);
	if (record->parent != parent || record->previous != previous) {
		hd_check_problem(arena->check, "%s: entry %u of directory %u does not know its place",
			arena->where, entry, parent);
		return false;
	}
	length = hd_entry_name(arena->arena, entry, name);
	if (hd_entry_find(arena->arena, parent, name, length) != entry)
		hd_check_problem(arena->check, "%s: '%s' of directory %u cannot be looked up", arena->where,
			name, parent);
	if (!hd_record_exists(arena->arena, HD_TABLE_INODE, record->child) ||
		hd_record_inode(arena->arena, record->child)->state != HD_INODE_LIVE) {
		hd_check_problem(arena->check, "%s: '%s' of directory %u names inode %u, which does not live",
			arena->where, name, parent, record->child);
		return true;
	}
	arena->links[record->child]++;
	return true;
}

static void check_directory(struct arena_check *arena, uint32_t index, const struct hd_inode *inode)
{
	const struct hd_directory_part *part = &inode->part.directory;
	uint32_t limit = hd_record_high_water(arena->arena, HD_TABLE_ENTRY);
	uint32_t count = 0, subdirectories = 0, previous = 0, entry = part->first;

	while (entry && count < limit && check_entry(arena, index, entry, previous)) {
		const struct hd_entry *record = hd_record(arena->arena, HD_TABLE_ENTRY, entry);

		if (hd_record_exists(arena->arena, HD_TABLE_INODE, record->child))
			subdirectories += hd_inode_is_directory(hd_record_inode(arena->arena, record->child));
		count++;
		previous = entry;
		entry = record->next;
	}
	if (entry || previous != part->last || count != part->entries)
		hd_check_problem(arena->check, "%s: directory %u has %u entries and says %u", arena->where,
			index, count, part->entries);
	else if (subdirectories != part->subdirectories && !(inode->flags & HD_INODE_UNLOADED))
		hd_check_problem(arena->check, "%s: directory %u has %u subdirectories and says %u",
			arena->where, index, subdirectories, part->subdirectories);
}

static int check_inode(struct arena_check *arena, uint32_t index)
{
	const struct hd_inode *inode = hd_record_inode(arena->arena, index);
	char where[WHERE_SIZE];
	int r;

	if (inode->state == HD_INODE_FREE)
		return 0;
	arena->check->report.inodes++;
	(void)snprintf(where, sizeof(where), "%s: inode %u", arena->where, index);
	r = hd_check_content(arena->check, &inode->content, where);
	if (hd_inode_is_file(inode))
		check_file(arena, index, inode);
	if (r < 0 || !hd_inode_is_directory(inode))
		return r;
	check_directory(arena, index, inode);
	r = hd_check_content(arena->check, &inode->part.directory.attributes, where);
	if (r == 0)
		r = hd_check_recorded(arena->check, arena->arena, index, where);
	if (r == 0 && inode->flags & HD_INODE_UNLOADED)
		r = hd_check_add_directory(arena->check, &inode->content, &inode->part.directory.attributes);
	return r;
}

static void check_links(struct arena_check *arena, uint32_t index)
{
	const struct hd_inode *inode = hd_record_inode(arena->arena, index);
	uint32_t expected =
		hd_inode_is_directory(inode) ? 1 : inode->nlink - inode->unseen_links - inode->outside_links;

	if (inode->state == HD_INODE_FREE)
		return;
	if (index == hd_ino_index(HD_ROOT_INO) || inode->state == HD_INODE_ORPHAN)
		expected = 0;
	if (arena->links[index] != expected)
		hd_check_problem(arena->check, "%s: inode %u has %u names and says %u", arena->where, index,
			arena->links[index], expected);
}

/* Nothing else bounds what the records' indices may be. */
static bool check_allocators(struct arena_check *arena)
{
	/* Those that have an allocator. */
	for (int t = HD_TABLE_INODE; HD_HEAD_ALLOCATOR + t < HD_HEAD_THREAD; t++) {
		uint32_t limit = hd_record_limit((enum hd_table)t);

		if (t == HD_TABLE_BLOCK)
			limit *= HD_BLOCKS_PER_RECORD;
		if (hd_record_high_water(arena->arena, (enum hd_table)t) <= limit)
			continue;
		hd_check_problem(
			arena->check, "%s: table %d says that it is larger than it can be", arena->where, t);
		return false;
	}
	return true;
}

int hd_check_arena(
	struct hd_check *check, const struct hd_arena *arena, const uint8_t *blocks, const char *where)
{
	struct arena_check context = {.check = check, .arena = arena, .blocks = blocks, .where = where};
	uint32_t limit = hd_record_high_water(arena, HD_TABLE_INODE);
	int r = 0;

	if (!check_allocators(&context))
		return 0;
	if (!hd_record_thread(arena)->initialized) {
		hd_check_problem(check, "%s: its journal does not begin with a root", where);
		return 0;
	}
	context.owned = calloc(1, hd_hot_file_size() / HD_BLOCK_SIZE / 8 + 1);
	context.links = calloc(limit, sizeof(*context.links));
	if (!context.owned || !context.links)
		r = -ENOMEM;
	for (uint32_t i = 1; r == 0 && i < limit; i++)
		r = check_inode(&context, i);
	for (uint32_t i = 1; r == 0 && i < limit; i++)
		check_links(&context, i);
	free(context.owned);
	free(context.links);
	return r;
}
