/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/packs/object_list.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"

/* Open addressing with linear probing. Ids are hashes: their first bytes are as good as any others. */

#define FIRST_SLOTS 256u

static uint32_t *find_slot(
	uint32_t *slots, size_t n_slots, const struct hd_pack_entry *entries, const git_oid *id)
{
	size_t position;

	memcpy(&position, id->id, sizeof(position));
	for (position &= n_slots - 1;; position = (position + 1) & (n_slots - 1)) {
		uint32_t place = slots[position];

		if (place == 0 || memcmp(entries[place - 1].id.id, id->id, GIT_OID_RAWSZ) == 0)
			return &slots[position];
	}
}

struct hd_pack_entry *hd_object_list_find(const struct hd_object_list *list, const git_oid *id)
{
	uint32_t place = list->count ? *find_slot(list->slots, list->n_slots, list->entries, id) : 0;

	return place ? &list->entries[place - 1] : NULL;
}

static int grow(struct hd_object_list *list)
{
	size_t n_slots = list->n_slots ? 2 * list->n_slots : FIRST_SLOTS;
	uint32_t *slots = calloc(n_slots, sizeof(*slots));

	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < list->count; i++)
		*find_slot(slots, n_slots, list->entries, &list->entries[i].id) = (uint32_t)(i + 1);
	free(list->slots);
	list->slots = slots;
	list->n_slots = n_slots;
	return 0;
}

int hd_object_list_add(struct hd_object_list *list, const struct hd_pack_entry *entry)
{
	if (list->count == UINT32_MAX)
		return -EFBIG;
	if (2 * (list->count + 1) > list->n_slots && grow(list) < 0)
		return -ENOMEM;
	if (HD_ARRAY_RESERVE(list->entries, list->count, list->capacity) < 0)
		return -ENOMEM;
	list->entries[list->count] = *entry;
	*find_slot(list->slots, list->n_slots, list->entries, &entry->id) = (uint32_t)(list->count + 1);
	list->count++;
	return 0;
}

void hd_object_list_clear(struct hd_object_list *list)
{
	free(list->entries);
	free(list->slots);
	*list = (struct hd_object_list){0};
}
