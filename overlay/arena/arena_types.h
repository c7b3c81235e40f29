/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_ARENA_TYPES_H
#define HEDDLE_ARENA_ARENA_TYPES_H

/* What arena*.c and transaction.c share; nobody else includes this. */

#include "overlay/arena/arena.h"

#define HD_ARENA_MAGIC 0x316e6572614c4448u /* "HDLaren1" */
#define HD_REDO_OFFSET 4096u
#define HD_REDO_SIZE (8u << 20)

struct hd_arena_identity {
	uint64_t magic;
	uint32_t layout;  /* HD_ARENA_VERSION and HD_ARENA_LAYOUT */
	uint32_t ready;   /* the tables hold all of an overlay */
	uint64_t begun;   /* transactions that have begun to change the tables */
	uint64_t done;    /* and that are in them; one less while one is under way */
	uint32_t damaged; /* 1: something did not verify, and the tables did; nothing is changed any more */
	uint32_t owner;   /* process that is in a commit, under the namespace lock; 0: none */
	uint32_t distrusted;               /* 1: some record does not verify, it is not known which */
	uint32_t has_operation, operation; /* what the last commit was for, as its thread's activity says */
	uint64_t subject;
	uint32_t pinned; /* 1: some reference may have pins */
};

/* The redo area: a head, then edits one behind the other, each padded to 8 bytes. */
struct hd_redo_head {
	uint32_t valid; /* 1: the edits below are a committed transaction that may not be in the tables yet */
	uint32_t count;
	uint64_t size;     /* bytes of edits */
	uint64_t checksum; /* of the edits' heads, and so of their sums */
};

struct hd_redo_edit {
	uint32_t table;
	uint32_t index;
	uint32_t sum; /* hd_record_sum of the record's bytes, which follow */
	uint32_t padding;
};

/*
 * Where in the redo area a record's copy is; a slot is empty unless its stamp is the running transaction's. A transaction begins
 * with the first few of them, which stay in a CPU's cache and are all the memory that most mounts ever touch, and takes more.
 */
#define HD_EDIT_SLOTS (1u << 16)
#define HD_EDIT_SLOTS_FIRST (1u << 8)
struct hd_edit_slot {
	uint64_t stamp;
	uint32_t table, index;
	uint32_t offset;
};

struct hd_arena {
	uint8_t *address; /* owned mapping */
	uint64_t size;
	struct hd_arena_identity *identity;
	struct hd_redo_head *redo;
	uint8_t *table[HD_TABLE_COUNT];
	uint8_t *dirty[HD_TABLE_COUNT]; /* one bit per record */
	uint8_t *flagged;               /* one bit per inode: hd_arena_next_flagged */
	uint32_t
		*sums[HD_TABLE_COUNT]; /* of durable tables: hd_record_sum of each record; 0: never changed */
	struct hd_edit_slot *edit_slots; /* owned: HD_EDIT_SLOTS */
	uint32_t n_edit_slots;           /* a power of two: those that the running transaction uses */
	uint64_t stamp;
	uint32_t redo_used, edits;
	struct hd_dirty_record *dirty_list; /* owned */
	size_t dirty_count, dirty_capacity;
	bool list_incomplete; /* the bits know more than the list */
	uint64_t transactions;
	uint32_t process;                  /* ours */
	uint32_t generation_seed;          /* added to the generation of each new inode */
	_Alignas(8) uint8_t scratch[4096]; /* what a failed edit writes into */
};

/* ---- arena_records.c ---- */

/* For apply and restore alone: everybody else changes records through a transaction. */
void *hd_record_for_writing(struct hd_arena *arena, enum hd_table table, uint32_t index);
/* Notes that a record differs from the journal. */
void hd_arena_mark_dirty(struct hd_arena *arena, enum hd_table table, uint32_t index);
/* transaction.c's half of hd_arena_recover: -HD_E_ARENA_CORRUPT, with nothing changed, if the area does not verify. */
int hd_redo_recover(struct hd_arena *arena, bool *ret_applied);
/* Whether a transaction may be half in the tables. */
bool hd_redo_was_applying(const struct hd_arena *arena);
/* Drops what is in the redo area. */
void hd_redo_clear(struct hd_arena *arena);

/* Sets a durable record and its sum. */
void hd_record_install(
	struct hd_arena *arena, enum hd_table table, uint32_t index, const void *bytes, uint32_t sum);
/* arena_verify.c: the records of HEAD, or all durable ones that can hold anything, have their sums. */
int hd_arena_verify(const struct hd_arena *arena, bool all);

#endif
