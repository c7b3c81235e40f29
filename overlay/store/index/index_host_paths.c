/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/host_path_table.h"
#include "overlay/store/index/index_types.h"

/*
 * Host paths. A HOST content names a path of a base directory by the path's hash, because a reference has a fixed
 * size. Naming a path must be cheap, since listing a directory does it for every entry: it is memory work plus, for
 * a path that this process never met, one look-up.
 *
 * What a path id stands for must outlive whatever holds the id. An id in the arena outlives the process, so the paths
 * of a listing are saved before it is given out: written, but not synced, which the death of a process cannot undo.
 * An id in the journal or in a state outlives the machine, so whoever makes one durable persists first.
 *
 * Two paths of one hash get different numbers. Two processes could give one number to two such paths before either
 * saves; the second one to save is refused (-HD_E_STORE_CORRUPT) and its references never become durable.
 */

static void key_to_bytes(const struct hd_host_path_key *key, uint8_t bytes[20])
{
	memcpy(bytes, key->hash.bytes, sizeof(key->hash.bytes));
	for (unsigned i = 0; i < 4; i++)
		bytes[16 + i] = (uint8_t)(key->number >> (8 * i));
}

static struct hd_host_path_key key_from_bytes(uint16_t base, const uint8_t bytes[20])
{
	struct hd_host_path_key key = {.base = base};

	memcpy(key.hash.bytes, bytes, sizeof(key.hash.bytes));
	for (unsigned i = 0; i < 4; i++)
		key.number |= (uint32_t)bytes[16 + i] << (8 * i);
	return key;
}

/* 1 with the path at KEY in the database, 0 when there is none. */
static int read_path_locked(struct hd_index *index, const struct hd_host_path_key *key, char **ret_path)
{
	static const char sql[] = "SELECT path FROM host_path WHERE base = ?1 AND hash = ?2 AND number = ?3";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, key->base);
	(void)sqlite3_bind_blob(statement, 2, key->hash.bytes, sizeof(key->hash.bytes), SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 3, key->number);
	r = hd_index_step_locked(index, statement, "read a path of a base");
	if (r > 0) {
		r = hd_index_column_text_locked(statement, 0, ret_path);
		if (r == 0)
			r = 1;
	}
	hd_index_reset_locked(statement);
	return r;
}

/* What KEY stands for, from memory or from the database; 0 when for nothing yet. */
static int resolve(struct hd_index *index, const struct hd_host_path_key *key, char **ret_path)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	r = hd_host_path_table_path(index->host_paths, key, ret_path);
	if (r != 0)
		return r;
	hd_index_lock(index);
	r = read_path_locked(index, key, &path);
	hd_index_unlock(index);
	if (r <= 0)
		return r;
	r = hd_host_path_table_add(index->host_paths, key, path, true);
	if (r < 0 && r != -EEXIST)
		return r;
	*ret_path = HD_STEAL(path);
	return 1;
}

int hd_index_host_path_id(struct hd_index *index, uint16_t number, const char *path, uint8_t ret_id[20])
{
	struct hd_host_path_key key = {.hash = hd_hash128(path, strlen(path)), .base = number};
	int r;

	r = hd_host_path_table_find(index->host_paths, number, &key.hash, path, &key);
	while (r == 0) {
		HD_AUTO_FREE char *known = NULL;

		r = resolve(index, &key, &known);
		if (r > 0 && strcmp(known, path) != 0) {
			key.number++;
			r = 0;
			continue;
		}
		if (r == 0)
			r = hd_host_path_table_add(index->host_paths, &key, path, false);
		/* Another thread was faster: look again, for its path may be this one. */
		if (r == -EEXIST)
			r = 0;
		else if (r == 0)
			r = 1;
	}
	if (r < 0)
		return r;
	key_to_bytes(&key, ret_id);
	return 0;
}

/* SQLite has no sum over it, and another file of the base would be shown. */
static int check_path(const struct hd_host_path_key *key, char **path)
{
	struct hd_hash128 hash = hd_hash128(*path, strlen(*path));

	if (memcmp(hash.bytes, key->hash.bytes, sizeof(hash.bytes)) == 0)
		return 0;
	free(*path);
	*path = NULL;
	return hd_fail(HD_E_STORE_CORRUPT, "a path of base %u in the index", (unsigned)key->base);
}

int hd_index_host_path(struct hd_index *index, uint16_t number, const uint8_t id[20], char **ret_path)
{
	struct hd_host_path_key key = key_from_bytes(number, id);
	int r;

	r = resolve(index, &key, ret_path);
	if (r == 0)
		return hd_fail(HD_E_BASE_OBJECT, "a path id of base %u stands for no path", number);
	return r < 0 ? r : check_path(&key, ret_path);
}

static int write_path_locked(struct hd_index *index, const struct hd_host_path *path)
{
	static const char sql[] = "INSERT INTO host_path (base, hash, number, path) VALUES (?1, ?2, ?3, ?4)";
	HD_AUTO_FREE char *existing = NULL;
	sqlite3_stmt *statement;
	int r;

	r = read_path_locked(index, &path->key, &existing);
	if (r < 0)
		return r;
	if (r > 0)
		return strcmp(existing, path->path) == 0
			       ? 0
			       : hd_fail(HD_E_STORE_CORRUPT,
					 "two paths of base %u have one id: '%s' and '%s'", path->key.base,
					 existing, path->path);
	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, path->key.base);
	(void)sqlite3_bind_blob(
		statement, 2, path->key.hash.bytes, sizeof(path->key.hash.bytes), SQLITE_STATIC);
	(void)sqlite3_bind_int64(statement, 3, path->key.number);
	hd_index_bind_text_locked(statement, 4, path->path);
	return hd_index_execute_locked(index, statement, "write a path of a base");
}

static int write_paths_locked(struct hd_index *index, const struct hd_host_path *paths, size_t count)
{
	int r;

	r = hd_index_begin_lax_locked(index);
	if (r < 0)
		return r;
	for (size_t i = 0; i < count && r == 0; i++)
		r = write_path_locked(index, &paths[i]);
	return hd_index_end_locked(index, r);
}

static int save_locked(struct hd_index *index)
{
	HD_AUTO_FREE struct hd_host_path *paths = NULL;
	size_t count = 0;
	int r;

	/* The index's lock makes this one at a time: what was pending stays pending until it is marked below. */
	r = hd_host_path_table_pending(index->host_paths, &paths, &count);
	if (r < 0 || count == 0)
		return r;
	r = hd_index_set_synced_locked(index, false);
	if (r == 0)
		r = write_paths_locked(index, paths, count);
	if (r == 0) {
		hd_host_path_table_mark_on_disk(index->host_paths, count);
		index->unsynced_paths = true;
	}
	return hd_index_set_synced_locked(index, true) < 0 && r == 0 ? -HD_E_STORE_CORRUPT : r;
}

int hd_index_save_host_paths(struct hd_index *index)
{
	int r;

	hd_index_lock(index);
	r = save_locked(index);
	hd_index_unlock(index);
	return r;
}

int hd_index_persist_host_paths(struct hd_index *index)
{
	int r;

	hd_index_lock(index);
	r = save_locked(index);
	if (r == 0 && index->unsynced_paths) {
		r = hd_index_sync_locked(index);
		if (r == 0)
			index->unsynced_paths = false;
	}
	hd_index_unlock(index);
	return r;
}

void hd_index_distrust_host_paths(struct hd_index *index)
{
	hd_index_lock(index);
	index->unsynced_paths = true;
	hd_index_unlock(index);
}
