/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/link_groups.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/arena/inode_table.h"
#include "overlay/platform/checksum.h"

/* Open addressing with a load of at most one half. A stale pair is harmless: find checks the inode's own
 * group. */

struct pair {
	uint64_t group;
	uint32_t inode;
};

struct hd_link_groups {
	const struct hd_arena *arena; /* borrowed */
	bool collected;
	struct pair *pairs; /* owned */
	size_t capacity, count;
};

static struct pair *find_place(struct pair *pairs, size_t capacity, uint64_t group)
{
	size_t at = (size_t)(group * 0x9E3779B97F4A7C15u >> 20) & (capacity - 1);

	while (pairs[at].group != 0 && pairs[at].group != group)
		at = (at + 1) & (capacity - 1);
	return &pairs[at];
}

static bool grow(struct hd_link_groups *groups)
{
	size_t capacity = groups->capacity ? groups->capacity * 2 : 64;
	struct pair *pairs = calloc(capacity, sizeof(*pairs));

	if (!pairs)
		return false;
	for (size_t i = 0; i < groups->capacity; i++)
		if (groups->pairs[i].group)
			*find_place(pairs, capacity, groups->pairs[i].group) = groups->pairs[i];
	free(groups->pairs);
	groups->pairs = pairs;
	groups->capacity = capacity;
	return true;
}

static void put(struct hd_link_groups *groups, uint64_t group, uint32_t inode)
{
	struct pair *place;

	if ((groups->count + 1) * 2 > groups->capacity && !grow(groups))
		return;
	place = find_place(groups->pairs, groups->capacity, group);
	groups->count += place->group == 0;
	*place = (struct pair){.group = group, .inode = inode};
}

/* Not before somebody asks: it costs by all inodes, and programs wait for a worker that takes over. */
static void collect(struct hd_link_groups *groups)
{
	uint32_t limit = hd_record_high_water(groups->arena, HD_TABLE_INODE);

	if (groups->collected)
		return;
	groups->collected = true;
	for (uint32_t i = 1; i < limit; i++) {
		const struct hd_inode *inode = hd_record_inode(groups->arena, i);

		if (hd_inode_is_kept(inode) && inode->link_group)
			put(groups, inode->link_group, i);
	}
}

void hd_link_group_add(struct hd_link_groups *groups, uint64_t group, uint32_t inode)
{
	collect(groups);
	put(groups, group, inode);
}

uint32_t hd_link_group_find(
	struct hd_link_groups *groups, const struct hd_transaction *transaction, uint64_t group)
{
	const struct pair *place;
	const struct hd_inode *inode;

	collect(groups);
	if (groups->capacity == 0)
		return 0;
	place = find_place(groups->pairs, groups->capacity, group);
	if (place->group == 0)
		return 0;
	inode = hd_view_inode(transaction, place->inode);
	return hd_inode_is_kept(inode) && inode->link_group == group ? place->inode : 0;
}

uint32_t hd_link_groups_next(struct hd_link_groups *groups, const struct hd_arena *arena, size_t *cursor)
{
	collect(groups);
	while (*cursor < groups->capacity) {
		const struct pair *pair = &groups->pairs[(*cursor)++];
		const struct hd_inode *inode = hd_record_inode(arena, pair->inode);

		if (pair->group && inode->link_group == pair->group && inode->unseen_links &&
			hd_inode_is_kept(inode))
			return pair->inode;
	}
	return 0;
}

bool hd_link_groups_are_awaited(struct hd_link_groups *groups, const struct hd_arena *arena)
{
	uint64_t captured = hd_record_thread(arena)->captured;
	size_t cursor = 0;
	uint32_t index;

	while ((index = hd_link_groups_next(groups, arena, &cursor)))
		if (hd_record_inode(arena, index)->tree_change > captured)
			return true;
	return false;
}

int hd_link_groups_new(const struct hd_arena *arena, struct hd_link_groups **ret_groups)
{
	struct hd_link_groups *groups = calloc(1, sizeof(*groups));

	if (!groups)
		return -ENOMEM;
	groups->arena = arena;
	*ret_groups = groups;
	return 0;
}

void hd_link_groups_free(struct hd_link_groups *groups)
{
	if (!groups)
		return;
	free(groups->pairs);
	free(groups);
}

uint64_t hd_link_group_draw(const char *thread, const struct hd_inode *inode, uint32_t index)
{
	uint64_t key[4] = {hd_checksum64(thread, strlen(thread)), (uint64_t)inode->generation << 32 | index,
		(uint64_t)inode->birth_time.s, inode->birth_time.ns};

	return hd_checksum64(key, sizeof(key)) | 1;
}
