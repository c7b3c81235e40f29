/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_id.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/hex.h"

/*
 * The set is a table in which every id has one place: no chains, no eviction order, bounded for ever. What it
 * answers is only ever used to skip work that is harmless to do twice.
 */

#define SET_SLOTS 65536u

struct hd_object_id_slot {
	struct hd_object_id id;
	bool used;
};

bool hd_object_id_equal(const struct hd_object_id *a, const struct hd_object_id *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

void hd_object_id_to_bytes(const struct hd_object_id *id, uint8_t bytes[HD_OBJECT_ID_BYTES])
{
	memcpy(bytes, id->hash.bytes, sizeof(id->hash.bytes));
	for (unsigned i = 0; i < 4; i++)
		bytes[sizeof(id->hash.bytes) + i] = (uint8_t)(id->number >> (8 * i));
}

void hd_object_id_from_bytes(const uint8_t bytes[HD_OBJECT_ID_BYTES], struct hd_object_id *ret_id)
{
	memcpy(ret_id->hash.bytes, bytes, sizeof(ret_id->hash.bytes));
	ret_id->number = 0;
	for (unsigned i = 0; i < 4; i++)
		ret_id->number |= (uint32_t)bytes[sizeof(ret_id->hash.bytes) + i] << (8 * i);
}

struct hd_content hd_object_id_to_content(const struct hd_object_id *id, enum hd_content_kind kind)
{
	struct hd_content content = {.kind = (uint8_t)kind, .length = HD_OBJECT_ID_BYTES};

	hd_object_id_to_bytes(id, content.bytes);
	return content;
}

const char *hd_object_id_path(const struct hd_object_id *id, char path[HD_OBJECT_PATH_SIZE])
{
	const size_t fanout = 2, digits = 2 * sizeof(id->hash.bytes);

	/* A capture makes thousands: the digits by themselves, and the fanout's moved to before the slash. */
	hd_hex_format(id->hash.bytes, sizeof(id->hash.bytes), path + 1);
	memmove(path, path + 1, fanout);
	path[fanout] = '/';
	if (id->number)
		(void)snprintf(path + 1 + digits, HD_OBJECT_PATH_SIZE - 1 - digits, ".%u", id->number);
	return path;
}

void hd_object_fanout_name(unsigned fanout, char name[HD_OBJECT_FANOUT_NAME_SIZE])
{
	(void)snprintf(name, HD_OBJECT_FANOUT_NAME_SIZE, "%02x", fanout & 0xff);
}

int hd_object_id_set_init(struct hd_object_id_set *set)
{
	set->slots = calloc(SET_SLOTS, sizeof(*set->slots));
	return set->slots ? 0 : -ENOMEM;
}

void hd_object_id_set_clear(struct hd_object_id_set *set)
{
	free(set->slots);
	set->slots = NULL;
}

static struct hd_object_id_slot *slot_of(const struct hd_object_id_set *set, const struct hd_object_id *id)
{
	uint32_t word;

	memcpy(&word, id->hash.bytes + 4, sizeof(word));
	return &set->slots[(word ^ id->number) % SET_SLOTS];
}

void hd_object_id_set_add(struct hd_object_id_set *set, const struct hd_object_id *id)
{
	*slot_of(set, id) = (struct hd_object_id_slot){.id = *id, .used = true};
}

void hd_object_id_set_remove(struct hd_object_id_set *set, const struct hd_object_id *id)
{
	if (hd_object_id_set_has(set, id))
		slot_of(set, id)->used = false;
}

bool hd_object_id_set_has(const struct hd_object_id_set *set, const struct hd_object_id *id)
{
	const struct hd_object_id_slot *slot = slot_of(set, id);

	return slot->used && hd_object_id_equal(&slot->id, id);
}
