/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_map.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/checksum.h"

/*
 * Open addressing with linear probing, at most half full, nothing is ever removed. Keys are hashed although
 * they hold hashes themselves: where in a key they are depends on its kind.
 */

#define FIRST_CAPACITY 64u

static size_t slot_size(const struct hd_export_map *map)
{
	return 1 + map->key_size + sizeof(git_oid);
}

static uint8_t *slot_at(const struct hd_export_map *map, size_t position)
{
	return map->slots + position * slot_size(map);
}

/* The slot that KEY is in, or the free one where it belongs. */
static uint8_t *find_slot(const struct hd_export_map *map, const void *key)
{
	size_t position = (size_t)hd_checksum64(key, map->key_size) & (map->capacity - 1);

	for (;;) {
		uint8_t *slot = slot_at(map, position);

		if (!slot[0] || memcmp(slot + 1, key, map->key_size) == 0)
			return slot;
		position = (position + 1) & (map->capacity - 1);
	}
}

static int grow(struct hd_export_map *map)
{
	struct hd_export_map larger = {.key_size = map->key_size};

	larger.capacity = map->capacity ? 2 * map->capacity : FIRST_CAPACITY;
	larger.slots = calloc(larger.capacity, slot_size(map));
	if (!larger.slots)
		return -ENOMEM;
	for (size_t i = 0; i < map->capacity; i++) {
		const uint8_t *slot = slot_at(map, i);

		if (slot[0])
			memcpy(find_slot(&larger, slot + 1), slot, slot_size(map));
	}
	larger.count = map->count;
	free(map->slots);
	*map = larger;
	return 0;
}

const git_oid *hd_export_map_get(const struct hd_export_map *map, const void *key)
{
	const uint8_t *slot;

	if (map->capacity == 0)
		return NULL;
	slot = find_slot(map, key);
	return slot[0] ? (const git_oid *)(const void *)(slot + 1 + map->key_size) : NULL;
}

int hd_export_map_put(struct hd_export_map *map, const void *key, const git_oid *id)
{
	uint8_t *slot;

	if (2 * (map->count + 1) > map->capacity) {
		int r = grow(map);

		if (r < 0)
			return r;
	}
	slot = find_slot(map, key);
	if (!slot[0])
		map->count++;
	slot[0] = 1;
	memcpy(slot + 1, key, map->key_size);
	memcpy(slot + 1 + map->key_size, id, sizeof(*id));
	return 0;
}

void hd_export_map_clear(struct hd_export_map *map)
{
	free(map->slots);
	*map = (struct hd_export_map){.key_size = map->key_size};
}
