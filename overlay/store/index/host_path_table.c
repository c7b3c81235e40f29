/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/host_path_table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/lock.h"

/*
 * A chained hash table; the hash of the path is its key already. Pending records hang in a queue besides,
 * oldest first, so that persisting them is a walk along its head while new ones are added at its end.
 *
 * Records on disk are dropped all at once when there are too many: they can be read again, and a list of
 * recent use would cost every look-up a write.
 */

#define FIRST_BUCKETS 256
#define ON_DISK_LIMIT 65536

struct record {
	struct record *next_in_bucket;
	struct record *next_pending;
	struct hd_host_path_key key;
	bool on_disk;
	char path[];
};

struct hd_host_path_table {
	struct hd_mutex lock;
	struct record **buckets;                    /* (lock) owned array */
	size_t n_buckets;                           /* (lock) power of two */
	size_t n_records;                           /* (lock) */
	size_t n_on_disk;                           /* (lock) */
	struct record *pending_head, **pending_end; /* (lock) */
	size_t n_pending;                           /* (lock) */
};

static size_t bucket_of(size_t n_buckets, uint16_t base, const struct hd_hash128 *hash)
{
	uint64_t word;

	memcpy(&word, hash->bytes, sizeof(word));
	return (size_t)(word ^ base) & (n_buckets - 1);
}

static bool same_hash(const struct record *record, uint16_t base, const struct hd_hash128 *hash)
{
	return record->key.base == base && memcmp(&record->key.hash, hash, sizeof(*hash)) == 0;
}

int hd_host_path_table_new(struct hd_host_path_table **ret_table)
{
	struct hd_host_path_table *table = calloc(1, sizeof(*table));

	if (!table)
		return -ENOMEM;
	table->buckets = calloc(FIRST_BUCKETS, sizeof(*table->buckets));
	if (!table->buckets) {
		free(table);
		return -ENOMEM;
	}
	table->n_buckets = FIRST_BUCKETS;
	table->pending_end = &table->pending_head;
	hd_mutex_init(&table->lock, HD_RANK_LEAF);
	*ret_table = table;
	return 0;
}

void hd_host_path_table_free(struct hd_host_path_table *table)
{
	if (!table)
		return;
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct record *record = table->buckets[i];

			table->buckets[i] = record->next_in_bucket;
			free(record);
		}
	}
	free(table->buckets);
	hd_mutex_destroy(&table->lock);
	free(table);
}

int hd_host_path_table_find(struct hd_host_path_table *table, uint16_t base, const struct hd_hash128 *hash,
	const char *path, struct hd_host_path_key *ret_key)
{
	struct record *record;
	int found = 0;

	hd_mutex_lock(&table->lock);
	record = table->buckets[bucket_of(table->n_buckets, base, hash)];
	while (record && !(same_hash(record, base, hash) && strcmp(record->path, path) == 0))
		record = record->next_in_bucket;
	if (record) {
		*ret_key = record->key;
		found = 1;
	}
	hd_mutex_unlock(&table->lock);
	return found;
}

static struct record *find_key_locked(struct hd_host_path_table *table, const struct hd_host_path_key *key)
{
	struct record *record = table->buckets[bucket_of(table->n_buckets, key->base, &key->hash)];

	while (record && !(same_hash(record, key->base, &key->hash) && record->key.number == key->number))
		record = record->next_in_bucket;
	return record;
}

int hd_host_path_table_path(
	struct hd_host_path_table *table, const struct hd_host_path_key *key, char **ret_path)
{
	struct record *record;
	char *path = NULL;
	int r = 0;

	hd_mutex_lock(&table->lock);
	record = find_key_locked(table, key);
	if (record) {
		path = strdup(record->path);
		r = path ? 1 : -ENOMEM;
	}
	hd_mutex_unlock(&table->lock);
	if (r > 0)
		*ret_path = path;
	return r;
}

/* A table that cannot grow still works, with longer chains. */
static void grow_locked(struct hd_host_path_table *table)
{
	size_t n_buckets = table->n_buckets * 2;
	struct record **buckets = calloc(n_buckets, sizeof(*buckets));

	if (!buckets)
		return;
	for (size_t i = 0; i < table->n_buckets; i++) {
		while (table->buckets[i]) {
			struct record *record = table->buckets[i];
			size_t bucket = bucket_of(n_buckets, record->key.base, &record->key.hash);

			table->buckets[i] = record->next_in_bucket;
			record->next_in_bucket = buckets[bucket];
			buckets[bucket] = record;
		}
	}
	free(table->buckets);
	table->buckets = buckets;
	table->n_buckets = n_buckets;
}

static void drop_on_disk_locked(struct hd_host_path_table *table)
{
	for (size_t i = 0; i < table->n_buckets; i++) {
		struct record **link = &table->buckets[i];

		while (*link) {
			struct record *record = *link;

			if (record->on_disk) {
				*link = record->next_in_bucket;
				free(record);
			} else {
				link = &record->next_in_bucket;
			}
		}
	}
	table->n_records -= table->n_on_disk;
	table->n_on_disk = 0;
}

static int add_locked(struct hd_host_path_table *table, struct record *record)
{
	size_t bucket;

	if (find_key_locked(table, &record->key))
		return -EEXIST;
	if (table->n_on_disk >= ON_DISK_LIMIT)
		drop_on_disk_locked(table);
	if (table->n_records >= table->n_buckets)
		grow_locked(table);
	bucket = bucket_of(table->n_buckets, record->key.base, &record->key.hash);
	record->next_in_bucket = table->buckets[bucket];
	table->buckets[bucket] = record;
	table->n_records++;
	if (record->on_disk) {
		table->n_on_disk++;
	} else {
		*table->pending_end = record;
		table->pending_end = &record->next_pending;
		table->n_pending++;
	}
	return 0;
}

int hd_host_path_table_add(
	struct hd_host_path_table *table, const struct hd_host_path_key *key, const char *path, bool on_disk)
{
	size_t length = strlen(path);
	struct record *record = calloc(1, sizeof(*record) + length + 1);
	int r;

	if (!record)
		return -ENOMEM;
	record->key = *key;
	record->on_disk = on_disk;
	memcpy(record->path, path, length + 1);
	hd_mutex_lock(&table->lock);
	r = add_locked(table, record);
	hd_mutex_unlock(&table->lock);
	if (r < 0)
		free(record);
	return r;
}

int hd_host_path_table_pending(
	struct hd_host_path_table *table, struct hd_host_path **ret_paths, size_t *ret_count)
{
	struct hd_host_path *paths = NULL;
	size_t count;
	int r = 0;

	hd_mutex_lock(&table->lock);
	count = table->n_pending;
	if (count) {
		paths = calloc(count, sizeof(*paths));
		r = paths ? 0 : -ENOMEM;
	}
	if (paths) {
		struct record *record = table->pending_head;

		for (size_t i = 0; i < count; i++, record = record->next_pending) {
			paths[i].key = record->key;
			paths[i].path = record->path;
		}
	}
	hd_mutex_unlock(&table->lock);
	if (r < 0)
		return r;
	*ret_paths = paths;
	*ret_count = count;
	return 0;
}

void hd_host_path_table_mark_on_disk(struct hd_host_path_table *table, size_t count)
{
	hd_mutex_lock(&table->lock);
	for (size_t i = 0; i < count && table->pending_head; i++) {
		struct record *record = table->pending_head;

		table->pending_head = record->next_pending;
		record->next_pending = NULL;
		record->on_disk = true;
		table->n_on_disk++;
		table->n_pending--;
	}
	if (!table->pending_head)
		table->pending_end = &table->pending_head;
	hd_mutex_unlock(&table->lock);
}
