/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_STORE_TYPES_H
#define HEDDLE_STORE_OBJECTS_OBJECT_STORE_TYPES_H

/*
 * The object store inside: for overlay/store/objects/ and its tests only.
 *
 * Threads     Fields say which lock protects them; the others are set by open and never change. Functions
 *             may run concurrently unless they end in _locked.
 */

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/lock.h"
#include "overlay/store/objects/object_cache.h"
#include "overlay/store/objects/object_id.h"
#include "overlay/store/objects/object_log.h"
#include "overlay/store/objects/object_store.h"

#define HD_OBJECTS_DIRECTORY "objects"
#define HD_OBJECT_FANOUT 256

/* Objects up to this size are cached whole. */
#define HD_OBJECT_CACHED_LIMIT (1u << 20)
#define HD_OBJECT_CACHE_BYTES (64u << 20)

/* Up to so many unsynced objects are synced one by one, more by one syncfs. */
#define HD_OBJECT_SYNC_SINGLY 64
/* Larger objects have a file from the beginning; so has every one when a log has grown to this. */
#define HD_OBJECT_LOG_LIMIT ((size_t)128 << 10)
#define HD_OBJECT_LOG_FULL ((uint64_t)128 << 20)
#define HD_OBJECT_LOG_FULL_COUNT ((size_t)100000)
/* A log with more objects than this is long. */
#define HD_OBJECT_LOG_LONG_COUNT ((size_t)20000)
/* A put beyond so many unsynced objects syncs them first. */
#define HD_OBJECT_UNSYNCED_LIMIT 65536

struct hd_unsynced_object {
	struct hd_object_id id;
	/*
	 * A sync of it failed. The kernel then drops the dirty pages and reports the error once: a second
	 * fdatasync would succeed with the bytes gone. So the object is written anew instead.
	 */
	bool rewrite;
};

struct hd_object_sync {
	struct hd_mutex lock;         /* rank HD_RANK_LEAF */
	struct hd_condition finished; /* a sync ended */
	struct hd_unsynced_object
		*unsynced; /* (lock) owned array; only the running sync removes, from the front */
	size_t n_unsynced; /* (lock) */
	size_t capacity;   /* (lock) */
	uint64_t listed;   /* (lock) how many were ever listed */
	uint64_t durable;  /* (lock) so many of them are on disk, in the order of their listing */
	bool running;      /* (lock) */
	bool distrusted;   /* (lock) there may be others that are not listed */
	struct hd_object_id_set known_durable; /* (lock) */
	bool fanout_durable[HD_OBJECT_FANOUT]; /* of the running sync: names in objects/ that are on disk */
};

struct hd_object_store {
	int objects_fd;                             /* owned */
	_Atomic bool fanout_made[HD_OBJECT_FANOUT]; /* this process has seen or made the subdirectory */
	struct hd_object_logs *logs;                /* owned */
	struct hd_object_cache cache;
	struct hd_object_sync sync;
	/* A seam for tests: changes a hash so that different bytes collide. NULL outside of tests. */
	void (*adjust_hash)(struct hd_hash128 *hash);
};

/* ---- object_store.c ---- */

/* A seam for tests: the size up to which objects go to a log. */
extern size_t hd_object_log_limit;

/* ---- object_verify.c ---- */

/* The name of bytes: number 0. */
struct hd_object_id hd_object_id_compute(const struct hd_object_store *store, const void *data, size_t size);

/* 0 when the bytes at PLACE hash to ID; -HD_E_OBJECT_CORRUPT, bare, when not. Reads all of them. */
int hd_object_check_place(
	struct hd_object_store *store, const struct hd_object_id *id, const struct hd_object_place *place);

/* The same for bytes in memory. */
int hd_object_check_bytes(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size);

/* ---- object_find.c ---- */

/* Finds an object in a log or opens its file; -HD_E_OBJECT_MISSING or -HD_E_OBJECT_CORRUPT, bare. The caller closes. */
int hd_object_find(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_object_place *ret_place);

/* ---- object_put.c ---- */

/* What there is for somebody who wants DATA under the name ID, in a log (*RET_LOGGED) or as a file: enum
 * hd_object_comparison, or a negative code. */
int hd_object_look_at(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_logged);

/* ---- object_file.c ---- */

/* Opens an object's file and tells its size: the descriptor, or bare -HD_E_OBJECT_MISSING,
 * -HD_E_OBJECT_CORRUPT for what is no regular file. */
int hd_object_open(struct hd_object_store *store, const struct hd_object_id *id, uint64_t *ret_size);

enum hd_object_comparison { HD_OBJECT_FREE, HD_OBJECT_SAME, HD_OBJECT_OTHER, HD_OBJECT_DAMAGED };

/* What stands at PLACE for somebody who wants DATA there under the name ID: enum hd_object_comparison, or a negative code. */
int hd_object_compare(struct hd_object_store *store, const struct hd_object_id *id,
	const struct hd_object_place *place, const void *data, size_t size);
/* The same for the file of ID. */
int hd_object_compare_file(
	struct hd_object_store *store, const struct hd_object_id *id, const void *data, size_t size);

enum hd_object_write_mode {
	HD_OBJECT_NEW,      /* -EEXIST if it is there, or in a log */
	HD_OBJECT_FROM_LOG, /* -EEXIST if it is there */
	HD_OBJECT_REPLACING /* and synced at once: it must not be worse off than what it replaces */
};

/* Writes the file of ID, which nobody meets before it is whole. */
int hd_object_write_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, enum hd_object_write_mode mode);

/*
 * Replaces an object's file whose bytes are not what the name says, or whose sync failed. The caller's bytes
 * hash to the name. Does nothing but compare when the file has the bytes and FORCE is false. -EEXIST: by now
 * the file is a sound one with other bytes (a collision).
 */
int hd_object_replace(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool force);

/* Gives an object of a log, whose bytes are sound, a file. With AGAIN one that is there is written anew and synced. */
int hd_object_put_file(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool again);

/* ---- object_read.c ---- */

/* Up to SIZE bytes at OFFSET of an object; *RET_TOTAL is its size. Verifies it when this process did not yet.
 */
int hd_object_read(struct hd_object_store *store, const struct hd_object_id *id, void *buffer, size_t size,
	uint64_t offset, size_t *ret_size, uint64_t *ret_total);

/* All bytes of an object in fresh memory, verified, with a NUL behind them. */
int hd_object_load(struct hd_object_store *store, const struct hd_object_id *id, uint64_t limit,
	void **ret_data, size_t *ret_size);

/* The size of an object, which is not verified for it. */
int hd_object_size(struct hd_object_store *store, const struct hd_object_id *id, uint64_t *ret_size);

/* ---- object_sync_list.c ---- */

/* An empty list; -ENOMEM. Clearing one that was never initialised is fine. */
int hd_object_sync_init(struct hd_object_sync *sync);
void hd_object_sync_clear(struct hd_object_sync *sync);

/* Says that an object is on the disk, file and name, unless it is listed. */
void hd_object_sync_note_durable(struct hd_object_store *store, const struct hd_object_id *id);

/* Lists an object; -EAGAIN when too many are listed already, -ENOMEM. FORCE as with hd_object_sync_add. */
int hd_object_sync_list(struct hd_object_sync *sync, const struct hd_object_id *id, bool force);

/* What a sync that begins takes: a copy of the list, which has something. The caller frees it; -ENOMEM. */
int hd_object_sync_copy_locked(
	const struct hd_object_sync *sync, struct hd_unsynced_object **ret_batch, size_t *ret_count);
/* That sync ended with R: on success its BATCH leaves the list, else what it learnt of it is noted. */
void hd_object_sync_settle_locked(
	struct hd_object_sync *sync, const struct hd_unsynced_object *batch, size_t count, int r);

/* ---- object_sync.c ---- */

/*
 * Lists an object that the next hd_object_store_sync must make durable. With FORCE also one that was durable
 * before, because its file is a new one.
 */
int hd_object_sync_add(struct hd_object_store *store, const struct hd_object_id *id, bool force);

#endif
