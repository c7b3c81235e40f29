/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/git/base_git_cache.h"

#include <git2.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"
#include "overlay/platform/lock.h"

/*
 * A blob is loading, then ready or failed. It is in the table while it loads or is cached; a failed one
 * leaves the table at once, so that the next reader tries again. Readers count as users; whoever is last
 * frees a blob that has left the table. Two lists in order of use, one per budget, say what goes first.
 *
 * Small blobs are kept as the object libgit2 made: no copy. Large ones move to a memory file, so that they
 * leave the heap, can be swapped, and are counted as such; the price is that both exist for the time of one
 * copy. Streaming would avoid that, but libgit2 streams loose objects only, and without comparing the bytes
 * with their name, which git_odb_read does.
 *
 * Invariants  1. `users` > 0 or the blob is in the table.  2. A blob's bytes do not change once it is ready.
 *             3. Nothing is loaded, copied, freed or closed under the lock.
 */

#define BUCKETS (1u << 14)
/* What an entry costs beside its bytes, so that a million tiny blobs are not free. */
#define ENTRY_COST 256

enum blob_status { BLOB_LOADING, BLOB_READY, BLOB_FAILED };

struct blob {
	struct blob *next_in_bucket; /* (lock) */
	struct blob *newer, *older;  /* (lock) neighbours in its list */
	git_oid id;
	unsigned users;          /* (lock) */
	bool in_table;           /* (lock) */
	enum blob_status status; /* (lock) */
	int result;              /* of the load; with BLOB_FAILED */
	uint64_t size;
	git_odb_object *object; /* owned: small blobs */
	int fd;                 /* owned: memory file of large ones, else -1 */
};

struct use_list {
	struct blob *newest, *oldest;
	uint64_t bytes;
	uint64_t limit;
};

struct hd_git_cache {
	git_odb *odb; /* borrowed */
	uint64_t large_size;
	struct hd_mutex lock;
	struct hd_condition loaded;    /* some blob is no longer loading */
	struct blob *buckets[BUCKETS]; /* (lock) */
	struct use_list small, large;  /* (lock) */
	uint64_t loads;                /* (lock) */
};

/* Object ids are as good as random: their first bytes are the hash. */
static struct blob **bucket_of(struct hd_git_cache *cache, const git_oid *id)
{
	return &cache->buckets[(id->id[0] | (unsigned)id->id[1] << 8) % BUCKETS];
}

static struct use_list *list_of(struct hd_git_cache *cache, const struct blob *blob)
{
	return blob->fd >= 0 ? &cache->large : &cache->small;
}

static struct blob *find_locked(struct hd_git_cache *cache, const git_oid *id)
{
	struct blob *blob = *bucket_of(cache, id);

	while (blob && !git_oid_equal(&blob->id, id))
		blob = blob->next_in_bucket;
	return blob;
}

static void leave_table_locked(struct hd_git_cache *cache, struct blob *blob)
{
	struct blob **link = bucket_of(cache, &blob->id);

	while (*link != blob)
		link = &(*link)->next_in_bucket;
	*link = blob->next_in_bucket;
	blob->in_table = false;
}

static void list_remove_locked(struct use_list *list, struct blob *blob)
{
	*(blob->newer ? &blob->newer->older : &list->newest) = blob->older;
	*(blob->older ? &blob->older->newer : &list->oldest) = blob->newer;
	blob->newer = blob->older = NULL;
	list->bytes -= blob->size + ENTRY_COST;
}

static void list_add_locked(struct use_list *list, struct blob *blob)
{
	blob->older = list->newest;
	*(list->newest ? &list->newest->newer : &list->oldest) = blob;
	list->newest = blob;
	list->bytes += blob->size + ENTRY_COST;
}

static void blob_free(struct blob *blob)
{
	if (!blob)
		return;
	git_odb_object_free(blob->object);
	hd_cleanup_close(&blob->fd);
	free(blob);
}

/* Takes blobs out of the cache until LIST fits; returns those without users, chained by next_in_bucket. */
static struct blob *evict_locked(struct hd_git_cache *cache, struct use_list *list)
{
	struct blob *unused = NULL;

	while (list->bytes > list->limit && list->oldest != list->newest) {
		struct blob *blob = list->oldest;

		list_remove_locked(list, blob);
		leave_table_locked(cache, blob);
		if (blob->users == 0) {
			blob->next_in_bucket = unused;
			unused = blob;
		}
	}
	return unused;
}

static int move_to_file(struct blob *blob)
{
	HD_AUTO_CLOSE int fd = hd_memory_file_create("heddle-blob", blob->size);
	int r;

	if (fd < 0)
		return hd_fail_in(fd, "memory file for a blob of %llu bytes", (unsigned long long)blob->size);
	r = hd_memory_file_write(fd, git_odb_object_data(blob->object), blob->size, 0);
	if (r < 0)
		return r;
	git_odb_object_free(blob->object);
	blob->object = NULL;
	blob->fd = hd_steal_fd(&fd);
	return 0;
}

static int load(struct hd_git_cache *cache, struct blob *blob)
{
	char hex[GIT_OID_HEXSZ + 1];

	(void)git_oid_tostr(hex, sizeof(hex), &blob->id);
	if (git_odb_read(&blob->object, cache->odb, &blob->id) < 0)
		return hd_git_library_fail(HD_E_BASE_OBJECT, "read blob %s", hex);
	if (git_odb_object_type(blob->object) != GIT_OBJECT_BLOB)
		return hd_fail(HD_E_BASE_OBJECT, "object %s is no blob", hex);
	blob->size = git_odb_object_size(blob->object);
	return blob->size > cache->large_size ? move_to_file(blob) : 0;
}

static void release(struct hd_git_cache *cache, struct blob *blob)
{
	bool last;

	hd_mutex_lock(&cache->lock);
	last = --blob->users == 0 && !blob->in_table;
	hd_mutex_unlock(&cache->lock);
	if (last)
		blob_free(blob);
}

/* Loads BLOB, which this thread has put into the table, and tells those who wait for it. */
static int load_and_publish(struct hd_git_cache *cache, struct blob *blob)
{
	int r = load(cache, blob);
	struct blob *unused = NULL;

	hd_mutex_lock(&cache->lock);
	cache->loads++;
	blob->result = r;
	blob->status = r < 0 ? BLOB_FAILED : BLOB_READY;
	if (r < 0) {
		leave_table_locked(cache, blob);
	} else {
		list_add_locked(list_of(cache, blob), blob);
		unused = evict_locked(cache, list_of(cache, blob));
	}
	hd_condition_broadcast(&cache->loaded);
	hd_mutex_unlock(&cache->lock);
	while (unused) {
		struct blob *next = unused->next_in_bucket;

		blob_free(unused);
		unused = next;
	}
	return r;
}

static int wait_until_loaded_locked(struct hd_git_cache *cache, struct blob *blob)
{
	while (blob->status == BLOB_LOADING)
		hd_condition_wait(&cache->loaded, &cache->lock);
	if (blob->status == BLOB_FAILED)
		return blob->result;
	if (blob->in_table) {
		list_remove_locked(list_of(cache, blob), blob);
		list_add_locked(list_of(cache, blob), blob);
	}
	return 0;
}

/* The blob, counted as used by this thread, loaded if need be. */
static int acquire(struct hd_git_cache *cache, const git_oid *id, struct blob **ret_blob)
{
	struct blob *fresh = NULL;
	struct blob *blob;
	int r;

	hd_mutex_lock(&cache->lock);
	blob = find_locked(cache, id);
	if (!blob) {
		fresh = blob = calloc(1, sizeof(*blob));
		if (!blob) {
			hd_mutex_unlock(&cache->lock);
			return -ENOMEM;
		}
		blob->id = *id;
		blob->fd = -1;
		blob->in_table = true;
		blob->next_in_bucket = *bucket_of(cache, id);
		*bucket_of(cache, id) = blob;
	}
	blob->users++;
	r = fresh ? 0 : wait_until_loaded_locked(cache, blob);
	hd_mutex_unlock(&cache->lock);
	if (fresh)
		r = load_and_publish(cache, blob);
	else if (r < 0)
		r = hd_fail(r, "the blob could not be loaded for another reader");
	if (r < 0) {
		release(cache, blob);
		return r;
	}
	*ret_blob = blob;
	return 0;
}

static int copy_out(const struct blob *blob, void *buffer, size_t size, uint64_t offset, size_t *ret_size)
{
	int r = 0;

	if (offset >= blob->size)
		size = 0;
	else if (size > blob->size - offset)
		size = (size_t)(blob->size - offset);
	if (size > 0 && blob->fd >= 0)
		r = hd_memory_file_read(blob->fd, buffer, size, offset);
	else if (size > 0)
		memcpy(buffer, (const uint8_t *)git_odb_object_data(blob->object) + offset, size);
	if (r < 0)
		return r;
	*ret_size = size;
	return 0;
}

int hd_git_cache_read(struct hd_git_cache *cache, const uint8_t *id, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size)
{
	struct blob *blob;
	git_oid oid;
	int r;

	if (git_oid_fromraw(&oid, id) < 0)
		return -EINVAL;
	r = acquire(cache, &oid, &blob);
	if (r < 0)
		return r;
	r = copy_out(blob, buffer, size, offset, ret_size);
	release(cache, blob);
	return r;
}

void hd_git_cache_usage(struct hd_git_cache *cache, struct hd_git_cache_usage *ret_usage)
{
	hd_mutex_lock(&cache->lock);
	ret_usage->memory_bytes = cache->small.bytes;
	ret_usage->file_bytes = cache->large.bytes;
	ret_usage->loads = cache->loads;
	hd_mutex_unlock(&cache->lock);
}

int hd_git_cache_new(
	struct git_odb *odb, const struct hd_git_cache_limits *limits, struct hd_git_cache **ret_cache)
{
	struct hd_git_cache *cache = calloc(1, sizeof(*cache));

	if (!cache)
		return -ENOMEM;
	cache->odb = odb;
	cache->large_size = limits->large_size;
	cache->small.limit = limits->memory_bytes;
	cache->large.limit = limits->file_bytes;
	hd_mutex_init(&cache->lock, HD_RANK_BASE);
	hd_condition_init(&cache->loaded);
	*ret_cache = cache;
	return 0;
}

void hd_git_cache_free(struct hd_git_cache *cache)
{
	if (!cache)
		return;
	for (unsigned i = 0; i < BUCKETS; i++) {
		while (cache->buckets[i]) {
			struct blob *blob = cache->buckets[i];

			cache->buckets[i] = blob->next_in_bucket;
			blob_free(blob);
		}
	}
	hd_condition_destroy(&cache->loaded);
	hd_mutex_destroy(&cache->lock);
	free(cache);
}
