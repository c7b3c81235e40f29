/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_HOST_PATH_TABLE_H
#define HEDDLE_STORE_INDEX_HOST_PATH_TABLE_H

/*
 * Host path table: paths of base directories by their ids, in memory. What is not on disk yet is never
 * forgotten; what is on disk is kept up to a limit, to spare queries.
 *
 * Ownership   The table owns its copies of the paths.
 * Threads     All calls may run concurrently (a lock of rank HD_RANK_LEAF inside, never held across I/O).
 * Errors      -ENOMEM.
 */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/platform/checksum.h"

struct hd_host_path_table;

struct hd_host_path_key {
	struct hd_hash128 hash; /* of the path */
	uint32_t number;        /* tells paths of one hash apart */
	uint16_t base;
};

/* An empty table. */
int hd_host_path_table_new(struct hd_host_path_table **ret_table);
void hd_host_path_table_free(struct hd_host_path_table *table);

/* 1 with *RET_KEY when PATH of BASE is in the table, whose hash is HASH; 0 when not. */
int hd_host_path_table_find(struct hd_host_path_table *table, uint16_t base, const struct hd_hash128 *hash,
	const char *path, struct hd_host_path_key *ret_key);

/* 1 with fresh memory in *RET_PATH when the table knows KEY; 0 when not. */
int hd_host_path_table_path(
	struct hd_host_path_table *table, const struct hd_host_path_key *key, char **ret_path);

/* Adds PATH under KEY; -EEXIST when the table has the key, whatever its path. */
int hd_host_path_table_add(
	struct hd_host_path_table *table, const struct hd_host_path_key *key, const char *path, bool on_disk);

struct hd_host_path {
	struct hd_host_path_key key;
	const char *path; /* borrowed from the table, until _mark_on_disk */
};

/* All paths that are not on disk, oldest first, as a fresh array; NULL when there are none. */
int hd_host_path_table_pending(
	struct hd_host_path_table *table, struct hd_host_path **ret_paths, size_t *ret_count);

/* The COUNT oldest pending paths, as _pending gave them, are on disk now. */
void hd_host_path_table_mark_on_disk(struct hd_host_path_table *table, size_t count);

#endif
