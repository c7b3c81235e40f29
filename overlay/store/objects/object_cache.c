/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/objects/object_cache.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/*
 * Least recently used goes first. The kernel caches the object files as well; this cache spares open, fstat,
 * pread and close, the hash and, with many small reads, most of the time.
 *
 * Invariants
 *  1. An object in a bucket is in the list of use and has one reference of the cache.
 *  2. used is the charge of all objects in the list; it exceeds limit only while something is being evicted.
 */

#define BUCKETS 4096u
/* What an object costs besides its bytes: bounds the number of tiny ones. */
#define OVERHEAD 128

static size_t bucket_of(const struct hd_object_id *id)
{
	uint32_t word;

	memcpy(&word, id->hash.bytes, sizeof(word));
	return (word ^ id->number) % BUCKETS;
}

static size_t charge_of(const struct hd_cached_object *object)
{
	return object->size + OVERHEAD;
}

int hd_object_cache_init(struct hd_object_cache *cache, size_t limit)
{
	memset(cache, 0, sizeof(*cache));
	cache->limit = limit;
	cache->buckets = calloc(BUCKETS, sizeof(struct hd_cached_object *));
	if (!cache->buckets)
		return -ENOMEM;
	if (hd_object_id_set_init(&cache->verified) < 0) {
		free(cache->buckets);
		cache->buckets = NULL;
		return -ENOMEM;
	}
	hd_mutex_init(&cache->lock, HD_RANK_LEAF);
	return 0;
}

void hd_object_cache_clear(struct hd_object_cache *cache)
{
	if (!cache->buckets)
		return;
	while (cache->oldest) {
		struct hd_cached_object *object = cache->oldest;

		cache->oldest = object->newer;
		free(object);
	}
	free(cache->buckets);
	hd_object_id_set_clear(&cache->verified);
	hd_mutex_destroy(&cache->lock);
	memset(cache, 0, sizeof(*cache));
}

static void list_add_locked(struct hd_object_cache *cache, struct hd_cached_object *object)
{
	object->older = cache->newest;
	object->newer = NULL;
	if (cache->newest)
		cache->newest->newer = object;
	else
		cache->oldest = object;
	cache->newest = object;
}

static void list_remove_locked(struct hd_object_cache *cache, struct hd_cached_object *object)
{
	if (object->newer)
		object->newer->older = object->older;
	else
		cache->newest = object->older;
	if (object->older)
		object->older->newer = object->newer;
	else
		cache->oldest = object->newer;
}

static struct hd_cached_object *find_locked(struct hd_object_cache *cache, const struct hd_object_id *id)
{
	struct hd_cached_object *object = cache->buckets[bucket_of(id)];

	while (object && !hd_object_id_equal(&object->id, id))
		object = object->next_in_bucket;
	return object;
}

static void release_locked(struct hd_cached_object *object)
{
	if (--object->references == 0)
		free(object);
}

static void evict_locked(struct hd_object_cache *cache, struct hd_cached_object *object)
{
	struct hd_cached_object **link = &cache->buckets[bucket_of(&object->id)];

	while (*link != object)
		link = &(*link)->next_in_bucket;
	*link = object->next_in_bucket;
	list_remove_locked(cache, object);
	cache->used -= charge_of(object);
	release_locked(object);
}

struct hd_cached_object *hd_object_cache_find(struct hd_object_cache *cache, const struct hd_object_id *id)
{
	struct hd_cached_object *object;

	hd_mutex_lock(&cache->lock);
	object = find_locked(cache, id);
	if (object) {
		object->references++;
		list_remove_locked(cache, object);
		list_add_locked(cache, object);
	}
	hd_mutex_unlock(&cache->lock);
	return object;
}

struct hd_cached_object *hd_cached_object_new(const struct hd_object_id *id, size_t size)
{
	struct hd_cached_object *object = malloc(sizeof(*object) + size);

	if (!object)
		return NULL;
	memset(object, 0, sizeof(*object));
	object->id = *id;
	object->size = size;
	object->references = 1;
	return object;
}

void hd_object_cache_insert(struct hd_object_cache *cache, struct hd_cached_object *object)
{
	size_t bucket = bucket_of(&object->id);

	hd_mutex_lock(&cache->lock);
	hd_object_id_set_add(&cache->verified, &object->id);
	if (charge_of(object) <= cache->limit && !find_locked(cache, &object->id)) {
		while (cache->used + charge_of(object) > cache->limit)
			evict_locked(cache, cache->oldest);
		object->references++;
		object->next_in_bucket = cache->buckets[bucket];
		cache->buckets[bucket] = object;
		list_add_locked(cache, object);
		cache->used += charge_of(object);
	}
	hd_mutex_unlock(&cache->lock);
}

void hd_object_cache_release(struct hd_object_cache *cache, struct hd_cached_object *object)
{
	hd_mutex_lock(&cache->lock);
	release_locked(object);
	hd_mutex_unlock(&cache->lock);
}

bool hd_object_cache_is_verified(struct hd_object_cache *cache, const struct hd_object_id *id)
{
	bool verified;

	hd_mutex_lock(&cache->lock);
	verified = hd_object_id_set_has(&cache->verified, id);
	hd_mutex_unlock(&cache->lock);
	return verified;
}

void hd_object_cache_mark_verified(struct hd_object_cache *cache, const struct hd_object_id *id)
{
	hd_mutex_lock(&cache->lock);
	hd_object_id_set_add(&cache->verified, id);
	hd_mutex_unlock(&cache->lock);
}
