/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_CHUNK_LIST_H
#define HEDDLE_STORE_OBJECTS_CHUNK_LIST_H

/*
 * Chunk lists: the objects behind CHUNKED contents.
 *
 *     0   4  magic "HDCL"
 *     4   2  version, 2
 *     6   2  zero
 *     8   8  total, bytes of the content; more than HD_CHUNK_SIZE
 *     16  4  size of a chunk, HD_CHUNK_SIZE
 *     20  4  n, number of runs
 *     24  .  n runs of 28 bytes: 8, the number of chunks up to the run's end; 20, the object id of each of its chunks,
 *            or zeros for chunks of zeros
 *
 * All chunks have HD_CHUNK_SIZE bytes but the last. Neighbouring chunks with the same id are one run, and a whole chunk
 * of zeros is never an object, so equal bytes have equal lists, and a list is as long as what differs: a sparse file
 * costs by its data. Little-endian, unaligned, nothing behind the last run.
 *
 * Threads     As the object store. Errors: -HD_E_OBJECT_CORRUPT for a malformed list, else the object
 *             store's.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/objects/object_id.h"
#include "overlay/store/objects/object_store.h"

#define HD_CHUNK_LIST_HEADER_SIZE 24
#define HD_CHUNK_RUN_SIZE 28
#define HD_CHUNK_LIST_TOTAL_LIMIT ((uint64_t)INT64_MAX)

/* Chunks [first, end), each of which is ID, or zeros. */
struct hd_chunk_run {
	uint64_t first, end;
	struct hd_object_id id;
	bool is_hole;
};

/* Number of chunks of TOTAL bytes. */
uint64_t hd_chunk_count(uint64_t total);

/* Appends the header of a list for TOTAL bytes, and then a run up to END; ID NULL for zeros. */
void hd_chunk_list_put_header(struct hd_buffer *out, uint64_t total, uint32_t runs);
void hd_chunk_list_put_run(struct hd_buffer *out, uint64_t end, const uint8_t *id);

/* Total bytes of the content; reads and checks the header. */
int hd_chunk_list_total(struct hd_object_store *store, const struct hd_object_id *list, uint64_t *ret_total);

/* The run that has chunk INDEX; -ENOENT unless the list has it. */
int hd_chunk_list_run(struct hd_object_store *store, const struct hd_object_id *list, uint64_t index,
	struct hd_chunk_run *ret_run, uint64_t *ret_total);

/* As hd_object_store_read, fetching only the chunks that hold the range. */
int hd_chunk_list_read(struct hd_object_store *store, const struct hd_object_id *list, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);

/* Calls EMIT (may be NULL) with every run of a list that was loaded already, and checks all of it. A nonzero result of
 * EMIT ends it and is returned. */
typedef int (*hd_chunk_run_emit)(const struct hd_chunk_run *run, void *payload);
int hd_chunk_list_decode(
	const void *data, size_t size, hd_chunk_run_emit emit, void *payload, uint64_t *ret_total);

#endif
