/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_ID_H
#define HEDDLE_STORE_OBJECTS_OBJECT_ID_H

/*
 * Object ids, their forms as content bytes and as file names, and a set of them that may forget.
 *
 * Threads     Pure functions; a set is protected by its owner.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/checksum.h"
#include "overlay/store/objects/content.h"

#define HD_OBJECT_ID_BYTES 20

struct hd_object_id {
	struct hd_hash128 hash;
	uint32_t number; /* 0 but for bytes whose hash was taken by other bytes */
};

_Static_assert(sizeof(struct hd_object_id) == HD_OBJECT_ID_BYTES, "ids are compared as memory: no padding");

/* Same hash and same number. */
bool hd_object_id_equal(const struct hd_object_id *a, const struct hd_object_id *b);

/* The 20 bytes in contents and chunk lists: the hash, then the number, little-endian. */
void hd_object_id_to_bytes(const struct hd_object_id *id, uint8_t bytes[HD_OBJECT_ID_BYTES]);
void hd_object_id_from_bytes(const uint8_t bytes[HD_OBJECT_ID_BYTES], struct hd_object_id *ret_id);

/* KIND: OBJECT or CHUNKED. */
struct hd_content hd_object_id_to_content(const struct hd_object_id *id, enum hd_content_kind kind);

/* Room for "ab/cdef... .4294967295" with its NUL. */
#define HD_OBJECT_PATH_SIZE 48
#define HD_OBJECT_FANOUT_NAME_SIZE 3

/* The file's path below objects/: 2 hex digits, '/', 30 hex digits, and ".<number>" unless the number is 0.
 * Returns PATH. */
const char *hd_object_id_path(const struct hd_object_id *id, char path[HD_OBJECT_PATH_SIZE]);
void hd_object_fanout_name(unsigned fanout, char name[HD_OBJECT_FANOUT_NAME_SIZE]);

/* A set of fixed size: adding an id may push out another one. Asking for a forgotten one answers false. */
struct hd_object_id_set {
	struct hd_object_id_slot *slots; /* owned */
};

/* An empty set; -ENOMEM. */
int hd_object_id_set_init(struct hd_object_id_set *set);
void hd_object_id_set_clear(struct hd_object_id_set *set);
void hd_object_id_set_add(struct hd_object_id_set *set, const struct hd_object_id *id);
void hd_object_id_set_remove(struct hd_object_id_set *set, const struct hd_object_id *id);
bool hd_object_id_set_has(const struct hd_object_id_set *set, const struct hd_object_id *id);

#endif
