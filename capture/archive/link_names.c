/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/archive/link_names.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/checksum.h"

/*
 * Open addressing, never more than half full. A file whose last name came gives its path back; its slot stays, so that
 * more names than were told, which only a damaged state has, become a file of their own.
 */

struct hd_link_name {
	uint64_t group; /* 0: an empty slot */
	uint32_t left;  /* names that are still to come */
	char *path;     /* owned; NULL when all came */
};

#define FIRST_CAPACITY 64u

static struct hd_link_name *find_slot(struct hd_link_name *slots, size_t capacity, uint64_t group)
{
	size_t at = (size_t)hd_checksum64(&group, sizeof(group)) & (capacity - 1);

	while (slots[at].group && slots[at].group != group)
		at = (at + 1) & (capacity - 1);
	return &slots[at];
}

static int grow(struct hd_link_names *names)
{
	size_t capacity = names->capacity ? names->capacity * 2 : FIRST_CAPACITY;
	struct hd_link_name *slots;

	if (names->used * 2 < names->capacity)
		return 0;
	slots = calloc(capacity, sizeof(*slots));
	if (!slots)
		return -ENOMEM;
	for (size_t i = 0; i < names->capacity; i++) {
		if (names->slots[i].group)
			*find_slot(slots, capacity, names->slots[i].group) = names->slots[i];
	}
	free(names->slots);
	names->slots = slots;
	names->capacity = capacity;
	return 0;
}

static int begin(struct hd_link_name *slot, uint64_t group, uint32_t links, const char *path)
{
	char *copy = strdup(path);

	if (!copy)
		return -ENOMEM;
	free(slot->path);
	*slot = (struct hd_link_name){
		.group = group, .left = links > 1 ? links - 1 : UINT32_MAX, .path = copy};
	return 0;
}

int hd_link_names_first(
	struct hd_link_names *names, uint64_t group, uint32_t links, const char *path, const char **ret_first)
{
	struct hd_link_name *slot;
	int r = grow(names);

	if (r < 0)
		return r;
	slot = find_slot(names->slots, names->capacity, group);
	names->used += !slot->group;
	if (!slot->group || slot->left == 0) {
		r = begin(slot, group, links, path);
		if (r == 0)
			*ret_first = NULL;
		return r;
	}
	slot->left--;
	*ret_first = slot->path;
	return 0;
}

void hd_link_names_clear(struct hd_link_names *names)
{
	for (size_t i = 0; i < names->capacity; i++)
		free(names->slots[i].path);
	free(names->slots);
	*names = (struct hd_link_names){0};
}
