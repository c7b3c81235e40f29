/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_CHUNK_LIST_H
#define HEDDLE_STORE_CHUNK_LIST_H

/*
 * Chunk lists: the objects behind CHUNKED contents.
 *
 *     0   4  magic "HDCL"
 *     4   2  version, 1
 *     6   2  zero
 *     8   8  total, bytes of the content; more than HD_CHUNK_SIZE
 *     16  4  size of a chunk, HD_CHUNK_SIZE
 *     20  4  n, number of chunks: total / HD_CHUNK_SIZE, rounded up
 *     24  .  n object ids of 20 bytes
 *
 * All chunks have HD_CHUNK_SIZE bytes but the last. Little-endian, unaligned, nothing behind the last id.
 *
 * Threads     As the object store. Errors: -HD_E_OBJECT_CORRUPT for a malformed list, else the object
 *             store's.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/object_id.h"
#include "overlay/store/object_store.h"

#define HD_CHUNK_LIST_HEADER_SIZE 24

/* The most chunks that a list can count, in bytes of content. */
#define HD_CHUNK_LIST_TOTAL_LIMIT ((uint64_t)UINT32_MAX * HD_CHUNK_SIZE)

/* Number of chunks of TOTAL bytes. */
uint64_t hd_chunk_count(uint64_t total);

/* Appends the header for TOTAL bytes; the ids follow (hd_object_id_to_bytes). */
void hd_chunk_list_put_header(struct hd_buffer *out, uint64_t total);

/* Total bytes of the content; reads and checks the header. */
int hd_chunk_list_total(struct hd_object_store *store, const struct hd_object_id *list, uint64_t *ret_total);

/* The id of chunk INDEX; -ENOENT unless the list has it and it is a full one. */
int hd_chunk_list_full_chunk(struct hd_object_store *store, const struct hd_object_id *list, uint64_t index,
	struct hd_object_id *ret_id);

/* As hd_object_store_read, fetching only the chunks that hold the range. */
int hd_chunk_list_read(struct hd_object_store *store, const struct hd_object_id *list, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);

#endif
