/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_CACHE_H
#define HEDDLE_STORE_OBJECTS_OBJECT_CACHE_H

/*
 * Object cache: verified bytes of recently read objects, bounded in bytes, and which objects were verified.
 *
 *     hd_object_cache_find, or hd_cached_object_new + fill + hd_object_cache_insert → read ->data → _release
 *
 * Ownership   find and new give one reference each; insert adds one for the cache. The last release frees.
 * Threads     All calls may run concurrently: one lock of rank HD_RANK_LEAF, never held while bytes are
 *             copied or read. Two threads may load one object at the same time; the second copy is
 *             dropped. Errors -ENOMEM.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/lock.h"
#include "overlay/store/objects/object_id.h"

struct hd_cached_object {
	struct hd_object_id id;
	size_t size;
	unsigned references;                     /* (the cache's lock) */
	struct hd_cached_object *next_in_bucket; /* (lock) */
	struct hd_cached_object *newer, *older;  /* (lock) order of use */
	uint8_t data[];                          /* constant once inserted */
};

struct hd_object_cache {
	struct hd_mutex lock;
	size_t limit;                             /* bytes; constant */
	size_t used;                              /* (lock) bytes */
	struct hd_cached_object **buckets;        /* (lock) owned array */
	struct hd_cached_object *newest, *oldest; /* (lock) */
	struct hd_object_id_set verified;         /* (lock) */
};

int hd_object_cache_init(struct hd_object_cache *cache, size_t limit);
/* All references must have been released. Fine on a zeroed one. */
void hd_object_cache_clear(struct hd_object_cache *cache);

struct hd_cached_object *hd_object_cache_find(struct hd_object_cache *cache, const struct hd_object_id *id);
struct hd_cached_object *hd_cached_object_new(const struct hd_object_id *id, size_t size);
/* Marks it verified as well. */
void hd_object_cache_insert(struct hd_object_cache *cache, struct hd_cached_object *object);
void hd_object_cache_release(struct hd_object_cache *cache, struct hd_cached_object *object);

/* Whether this process has seen the object match its name. May have been forgotten. */
bool hd_object_cache_is_verified(struct hd_object_cache *cache, const struct hd_object_id *id);
void hd_object_cache_mark_verified(struct hd_object_cache *cache, const struct hd_object_id *id);

#endif
