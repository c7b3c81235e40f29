/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_STORE_H
#define HEDDLE_STORE_OBJECTS_OBJECT_STORE_H

/*
 * Object store: immutable byte strings named by their content, one file each, objects/<2 hex>/<rest>; small ones are
 * in a log (object_log.h) before they have one.
 *
 * An object id is the XXH3-128 of the bytes and a number. XXH3 is no cryptographic hash, so a put whose id
 * exists compares the bytes; if they differ, the next number is tried: a collision costs a second copy, never
 * a wrong file. Bytes are verified against the id the first time this process reads an object.
 *
 * Calling sequence
 *     hd_object_store_open → any number of put/get/writer → hd_object_store_sync → hd_object_store_free
 *
 * Ownership   The caller of open owns the store. Data returned by get is owned by the caller.
 * Threads     All calls may run concurrently; also in several processes on one store. No lock is held
 *             during I/O.
 * Durability  An object survives a power cut only after hd_object_store_sync returned 0.
 * Errors      -HD_E_OBJECT_MISSING, -HD_E_OBJECT_CORRUPT, or -errno of the host (ENOSPC, EIO, ...).
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/store/objects/content.h"

/* Content above this is stored as a list of chunks of this size, so that a small change costs one chunk. */
#define HD_CHUNK_SIZE (1u << 20)

struct hd_object_store;

/* Opens the objects/ directory below STORE_FD (borrowed during the call), making it if it is missing. */
int hd_object_store_open(int store_fd, struct hd_object_store **ret_store);
void hd_object_store_free(struct hd_object_store *store);

/* Stores SIZE bytes as one object of kind OBJECT. Bytes that exist already cost a hash and a comparison. */
int hd_object_store_put(
	struct hd_object_store *store, const void *data, size_t size, struct hd_content *ret_content);

/*
 * Batch: many small objects at once, which one thread puts: a megabyte of them is one lock and one write. Nobody can read them
 * before hd_object_batch_flush has returned 0; what they are called is known at once.
 *
 *     hd_object_batch_new → hd_object_batch_put ... → hd_object_batch_flush → hd_object_batch_free
 *
 * -EEXIST of put or flush: there are other bytes under a name that was given, which is told by their hash being the same; what
 * refers to them must be put again, without a batch.
 */
struct hd_object_batch;
int hd_object_batch_new(struct hd_object_store *store, struct hd_object_batch **ret_batch);
int hd_object_batch_put(
	struct hd_object_batch *batch, const void *data, size_t size, struct hd_content *ret_content);
int hd_object_batch_flush(struct hd_object_batch *batch);
/* NULL is fine. What was not flushed is forgotten. */
void hd_object_batch_free(struct hd_object_batch *batch);

/* All bytes of an OBJECT; refuses objects larger than LIMIT with -HD_E_OBJECT_CORRUPT. */
int hd_object_store_get(struct hd_object_store *store, const struct hd_content *content, size_t limit,
	void **ret_data, size_t *ret_size);

/* Up to SIZE bytes at OFFSET of an OBJECT or CHUNKED content; *RET_SIZE is short only at the content's end.
 */
int hd_object_store_read(struct hd_object_store *store, const struct hd_content *content, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);

/* Total bytes of the content. */
int hd_object_store_size(struct hd_object_store *store, const struct hd_content *content, uint64_t *ret_size);

/* Makes every object put so far by this process durable: one fdatasync each when few, one syncfs when many.
 */
int hd_object_store_sync(struct hd_object_store *store);

/*
 * In the background: gives the objects of logs that are longer than SIZE bytes files, so that the logs stay short. Takes as
 * long as the disk needs for that; nobody has to wait for it.
 */
#define HD_OBJECT_LOG_LONG ((uint64_t)32 << 20)
int hd_object_store_settle(struct hd_object_store *store, uint64_t size);
/* There is something to do for that, with HD_OBJECT_LOG_LONG, as far as this process knows. */
bool hd_object_store_is_unsettled(struct hd_object_store *store);

/*
 * Says that somebody else, who is dead, may have put objects that are not durable and that this process is going to
 * refer to: the next sync covers the whole filesystem.
 */
void hd_object_store_distrust(struct hd_object_store *store);

/*
 * Writer: stores a file's content piece by piece without holding it in memory.
 *
 *     hd_content_writer_new(total) → _append, _append_zeros or _reuse for consecutive chunks → _finish or _free
 *
 * TOTAL decides the form: up to HD_CHUNK_SIZE one OBJECT (an empty file is NONE), above it a CHUNKED list.
 * Equal bytes always get equal references. All pieces are HD_CHUNK_SIZE bytes but the last.
 */
struct hd_content_writer;
int hd_content_writer_new(
	struct hd_object_store *store, uint64_t total, struct hd_content_writer **ret_writer);
/* Chunks go to BATCH, borrowed, which somebody flushes before the content is referred to. For content that is one object. */
void hd_content_writer_use_batch(struct hd_content_writer *writer, struct hd_object_batch *batch);
int hd_content_writer_append(struct hd_content_writer *writer, const void *data, size_t size);
/* Appends COUNT full chunks of zeros, however many, at the cost of one. */
int hd_content_writer_append_zeros(struct hd_content_writer *writer, uint64_t count);
/* Appends SIZE zeros, at the cost of two chunks at the most. */
int hd_content_writer_append_hole(struct hd_content_writer *writer, uint64_t size);
/* Takes up to LIMIT alike chunks from INDEX on of CHUNKED content OLD over by their id, without reading them; *RET_COUNT
 * says how many. -ENOENT if OLD has no full chunk there. */
int hd_content_writer_reuse(struct hd_content_writer *writer, const struct hd_content *old, uint64_t index,
	uint64_t limit, uint64_t *ret_count);
/* Bytes so far in blocks of HD_EXTENT_UNIT that are not all zeros; what was reused counts in full. */
uint64_t hd_content_writer_data_bytes(const struct hd_content_writer *writer);
/* -EINVAL if the pieces do not add up to TOTAL. Frees the writer in every case. */
int hd_content_writer_finish(struct hd_content_writer *writer, struct hd_content *ret_content);
void hd_content_writer_free(struct hd_content_writer *writer);

#endif
