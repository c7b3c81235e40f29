/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_OBJECT_LOG_TYPES_H
#define HEDDLE_STORE_OBJECTS_OBJECT_LOG_TYPES_H

/*
 * The logs of recent objects inside: for object_log*.c and their tests.
 *
 * One thread of the process at a time works on the logs: it has `busy`. It alone reads and writes log files, and it
 * alone changes files and table, which it does with the lock held; everybody may look at them with the lock held.
 * Functions that end in _busy are called by it, without the lock; those that end in _held with hd_object_log_hold.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/lock.h"
#include "overlay/store/objects/object_log.h"

#define HD_LOG_MAGIC 0x54434552444c4448ull /* "HDLDRECT" */
#define HD_LOG_VERSION 1u
#define HD_LOG_RECORD_MAGIC 0x524f4448u /* "HDOR" */
#define HD_LOG_CLOSE_MAGIC 0x434f4448u  /* "HDOC" */
#define HD_LOG_ALIGNMENT 8u
#define HD_LOG_NAME_SIZE 16
#define HD_OBJECT_LOG_LOCK "lock"

/* The first bytes of a log. */
struct hd_log_header {
	uint64_t magic;
	uint32_t version;
	uint32_t zero;
	uint64_t id;  /* random: bytes of another log are no records of this one */
	uint64_t sum; /* XXH3-64 of what is before */
};

/* In front of an object's bytes, at a multiple of 8. */
struct hd_log_record {
	uint32_t magic;
	uint32_t size;
	uint8_t id[HD_OBJECT_ID_BYTES];
	uint32_t zero;
	uint64_t sum; /* XXH3-64 of the log's id, the record's offset and what is before */
};

_Static_assert(sizeof(struct hd_log_header) == 32, "the header has no padding");
_Static_assert(sizeof(struct hd_log_record) == 40, "a record has no padding");

struct hd_log_file {
	unsigned number;
	int fd; /* owned */
	uint64_t id;
	uint64_t end;            /* read up to here */
	bool sound;              /* its header verifies */
	bool torn;               /* there is something between its records that is none */
	bool closed;             /* somebody began the next one */
	bool name_durable;       /* this process has synced the directory since it knows the file */
	bool failed;             /* a sync of it failed: what it has must be given files */
	bool read_only;          /* the disk could not be written when it was opened */
	uint64_t needed, synced; /* what must be, and is, on the disk */
};

struct hd_log_entry {
	struct hd_object_id id;
	uint32_t size;
	uint64_t offset; /* of the bytes */
	unsigned file;   /* number; 0 in an empty slot */
};

struct hd_object_logs {
	int directory_fd;          /* owned */
	int lock_fd;               /* owned; between processes */
	struct hd_mutex lock;      /* rank HD_RANK_LEAF */
	struct hd_condition idle;  /* nobody is busy */
	bool busy;                 /* (lock) */
	bool listed;               /* (busy) the directory was read */
	struct hd_log_file *files; /* (lock to read, busy and lock to change) owned, ascending numbers */
	size_t n_files, files_capacity;
	struct hd_log_entry *table; /* as files; owned, open addressing, a power of two */
	size_t n_slots, n_entries;
};

static inline uint64_t hd_log_extent(uint64_t size)
{
	return (sizeof(struct hd_log_record) + size + HD_LOG_ALIGNMENT - 1) &
	       ~(uint64_t)(HD_LOG_ALIGNMENT - 1);
}

/* ---- object_log_table.c ---- */
void hd_log_enter(struct hd_object_logs *logs);
void hd_log_leave(struct hd_object_logs *logs);
/* With the lock held. */
struct hd_log_entry *hd_log_find_locked(struct hd_object_logs *logs, const struct hd_object_id *id);
struct hd_log_file *hd_log_file_locked(struct hd_object_logs *logs, unsigned number);
/* FILE, whose descriptor is the logs' from now on and closed on failure, becomes the last one. */
int hd_log_add_file_busy(struct hd_object_logs *logs, struct hd_log_file *file);
int hd_log_insert_busy(struct hd_object_logs *logs, const struct hd_log_entry *entry);
/* Forgets all entries: they are to be read anew. */
void hd_log_clear_table_busy(struct hd_object_logs *logs);

/* ---- object_log_scan.c ---- */
/* Takes in what was appended since, by whomever. HELD: with the lock between processes, so that nobody is appending and
 * what does not verify is torn for good. */
int hd_log_refresh_busy(struct hd_object_logs *logs, bool held);
void hd_log_set_end_busy(
	struct hd_object_logs *logs, struct hd_log_file *file, uint64_t end, bool closed, bool torn);
void hd_log_seal(struct hd_log_record *record, uint64_t log_id, uint64_t offset);

/* ---- object_log_append.c ---- */
/* Closes the last log, if there is one, and begins another. */
int hd_log_begin_held(struct hd_object_logs *logs);

/* ---- object_log_settle.c ---- */
/* The entries of one log, in fresh memory. */
int hd_log_copy_entries(
	struct hd_object_logs *logs, unsigned number, struct hd_log_entry **ret_entries, size_t *ret_count);
/* Gives all objects of the log NUMBER, which is not the last, durable files, and removes it; under another name it is
 * kept if anything in it did not verify. AGAIN: a sync of it failed, so that whatever is there is not to be trusted. */
int hd_log_empty(struct hd_object_store *store, unsigned number, bool again);

#endif
