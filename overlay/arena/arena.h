/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_ARENA_H
#define HEDDLE_ARENA_ARENA_H

/*
 * Arena: the mapped memory file that holds the overlay's tables, and the one way to change them.
 *
 * A change is a transaction. It edits copies of records in the redo area of the arena itself, and its commit
 * first declares the redo valid, then copies the records into the tables, then clears the redo. A process
 * that dies anywhere in between leaves either no valid redo (nothing happened) or a whole one, which the next
 * process applies.
 *
 * Calling sequence
 *     hd_arena_map → [hd_arena_recover, after a death; later hd_arena_audit] → hd_transaction_begin → hd_edit ... →
 *     hd_transaction_commit → hd_arena_unmap
 *
 * Threads     The caller serialises: transactions need the namespace lock for writing, reads of records
 *             need it for reading (hd_overlay.lock).
 * Ownership   The arena owns the mapping; the descriptor is borrowed. Pointers from hd_record and hd_edit
 *             are valid until the transaction ends, those of hd_record also until the lock is released.
 * Durability  A committed change survives this process. The journal (flush.h) makes it survive the
 *             machine.
 * Errors      hd_edit and the allocators latch the first failure in the transaction and return a scratch
 *             record, so that a sequence of edits is checked once, at the commit: -HD_E_ARENA_FULL,
 *             -HD_E_TRANSACTION_FULL.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/arena/arena_format.h"

struct hd_arena;

/* Bytes of an arena's memory file: address space, not memory. */
uint64_t hd_arena_size(void);

/* Maps FD (hd_arena_size() bytes). A fresh file of zeros becomes an empty arena. */
int hd_arena_map(int fd, struct hd_arena **ret_arena);
void hd_arena_unmap(struct hd_arena *arena);

/* What was found in the memory of a process that died. */
struct hd_arena_recovery {
	bool redo_applied; /* a transaction that it was in was completed */
	bool damaged; /* the tables verify, and something else did not: nothing is to be changed any more */
	bool owner_died;    /* it died in a commit, which is to say with the namespace lock */
	uint32_t owner;     /* its process */
	bool has_operation; /* of the last commit: */
	uint32_t operation; /*    what for (hd_activity's kind) */
	uint64_t subject;   /*    the inode it was about */
	char flaw[160];     /* what does not verify; "" */
};

/*
 * Completes or drops the transaction that the last process was in, and verifies what is in the tables: ALL of it when asked
 * to, or when there is reason to doubt it, else what says how far they go; the rest is hd_arena_audit's. Fills *RET whatever
 * it returns; -HD_E_ARENA_CORRUPT: what the tables hold is not to be believed, and was not touched.
 */
int hd_arena_recover(struct hd_arena *arena, bool all, struct hd_arena_recovery *ret);

/* Verifies the next few records after *AT, which begins as zeros: 1 while there are more, -HD_E_ARENA_CORRUPT says which
 * does not verify. Needs the lock for reading. */
struct hd_arena_audit {
	unsigned table;
	uint32_t index;
};
int hd_arena_audit(const struct hd_arena *arena, struct hd_arena_audit *at);
/* Something does not verify: hd_arena_recover looks at all of it. */
void hd_arena_distrust(struct hd_arena *arena);

/* Of a record's bytes; never 0. */
uint32_t hd_record_sum(const void *bytes, size_t size);
/* The one that is kept beside a durable record; 0: no transaction ever set it. */
uint32_t hd_record_kept_sum(const struct hd_arena *arena, enum hd_table table, uint32_t index);
/* Whether BYTES are those of a record with that sum. */
bool hd_record_is_sound(enum hd_table table, const void *bytes, uint32_t sum);

/*
 * Ids of inodes that are made from now on are none that another process gave to others: for tables that go back to an
 * earlier time while the kernel still holds ids of a later one.
 */
void hd_arena_seed_generations(struct hd_arena *arena, uint32_t seed);
uint32_t hd_arena_generation_seed(const struct hd_arena *arena);

/*
 * Whether the tables hold all of an overlay. Who dies while it fills them from the journal leaves a part, which must not
 * be taken for the whole: a flush would write it over the journal.
 */
void hd_arena_mark_ready(struct hd_arena *arena);
bool hd_arena_is_ready(const struct hd_arena *arena);

/* Forgets all kernel references: nobody holds anything after a fresh mount. */
void hd_arena_clear_references(struct hd_arena *arena);
/* Forgets what the kernel held of trees of states. */
void hd_arena_clear_state_nodes(struct hd_arena *arena);
/* Whoever pins an inode says so first. */
void hd_arena_note_pins(struct hd_arena *arena);
/* Forgets the pins alone: the snapshots that held them died with their process. Looks for them if there can be any. */
void hd_arena_clear_pins(struct hd_arena *arena);

/*
 * The next inode from FROM on that the process which finds these tables has to do something about, or 0: an orphan, a
 * truncation that is not done, or a file in a memory file of its own. Costs by those and not by all inodes.
 */
uint32_t hd_arena_next_flagged(const struct hd_arena *arena, uint32_t from);

/* "INODE" */
const char *hd_table_name(enum hd_table table);
/* Whether the journal keeps TABLE. */
bool hd_table_is_durable(enum hd_table table);

/* The record for reading. INDEX must be below the table's limit; see hd_record_exists for untrusted ones. */
const void *hd_record(const struct hd_arena *arena, enum hd_table table, uint32_t index);
bool hd_record_exists(const struct hd_arena *arena, enum hd_table table, uint32_t index);
uint32_t hd_record_size(enum hd_table table);
uint32_t hd_record_limit(enum hd_table table);
/* One above the highest index ever used in a table that has an allocator. */
uint32_t hd_record_high_water(const struct hd_arena *arena, enum hd_table table);

/* One above the highest index of TABLE that can hold anything; for a checkpoint, which writes them all. */
uint32_t hd_record_scan_limit(const struct hd_arena *arena, enum hd_table table);

/* ---- transactions ---- */

struct hd_transaction {
	struct hd_arena *arena;
	int status; /* 0, or the first failure */
};

void hd_transaction_begin(struct hd_arena *arena, struct hd_transaction *ret_transaction);
/* Applies all edits, or none if one failed; returns the status. */
int hd_transaction_commit(struct hd_transaction *transaction);
void hd_transaction_abort(struct hd_transaction *transaction);
/* Records that can still be edited; for long work that must be cut into several transactions. */
uint32_t hd_transaction_room(const struct hd_transaction *transaction);

/*
 * Sets the transaction aside for others that must be done before it, and takes it up again: its edits are where they were,
 * as they were, whatever the others did to the same records. One at a time. -ENOMEM leaves it as it is.
 */
struct hd_transaction_aside {
	void *edits; /* owned */
	uint32_t size, count;
};
int hd_transaction_set_aside(struct hd_transaction *transaction, struct hd_transaction_aside *ret_aside);
void hd_transaction_take_up(struct hd_transaction *transaction, struct hd_transaction_aside *aside);

/* The transaction's copy of a record, for changing. */
void *hd_edit(struct hd_transaction *transaction, enum hd_table table, uint32_t index);
/* The record as the transaction sees it: its copy if it has one, else the table's. */
const void *hd_view(const struct hd_transaction *transaction, enum hd_table table, uint32_t index);

/* Takes a free record, zeroed, and returns its index; 0 when the table is full (latched). */
uint32_t hd_allocate(struct hd_transaction *transaction, enum hd_table table);
/* Puts a record back. Its first four bytes become the list's link; the rest is zeroed, but for KEEP bytes
 * behind them. */
void hd_release(struct hd_transaction *transaction, enum hd_table table, uint32_t index, size_t keep);

/* ---- what changed since the last flush ---- */

struct hd_dirty_record {
	uint8_t table;
	uint32_t index;
};

/* Hands over the list of durable records changed since the last call, and starts a new one. Needs the lock
 * for writing. The caller frees *RET_LIST, or gives it back by hd_arena_dirty_again when the flush failed. */
int hd_arena_take_dirty(struct hd_arena *arena, struct hd_dirty_record **ret_list, size_t *ret_count);
void hd_arena_dirty_again(struct hd_arena *arena, const struct hd_dirty_record *list, size_t count);
/* At least one, when it is not known yet: after hd_arena_recover, until the list is taken. */
size_t hd_arena_dirty_count(const struct hd_arena *arena);

/* For the journal's replay alone: puts a record's bytes into its table. -HD_E_JOURNAL_CORRUPT for a bad
 * place. */
int hd_arena_restore(struct hd_arena *arena, unsigned table, uint32_t index, const void *data, size_t size);

/* Transactions committed by this process. */
uint64_t hd_arena_transactions(const struct hd_arena *arena);

/* ---- typed views ---- */

#define HD_TYPED_RECORD(name, type, table)                                                              \
	static inline const struct type *hd_record_##name(const struct hd_arena *arena, uint32_t index) \
	{                                                                                               \
		return hd_record(arena, table, index);                                                  \
	}                                                                                               \
	static inline struct type *hd_edit_##name(struct hd_transaction *transaction, uint32_t index)   \
	{                                                                                               \
		return hd_edit(transaction, table, index);                                              \
	}                                                                                               \
	static inline const struct type *hd_view_##name(                                                \
		const struct hd_transaction *transaction, uint32_t index)                               \
	{                                                                                               \
		return hd_view(transaction, table, index);                                              \
	}

HD_TYPED_RECORD(inode, hd_inode, HD_TABLE_INODE)
HD_TYPED_RECORD(entry, hd_entry, HD_TABLE_ENTRY)
HD_TYPED_RECORD(cell, hd_cell, HD_TABLE_CELL)
HD_TYPED_RECORD(map, hd_map_page, HD_TABLE_MAP)
HD_TYPED_RECORD(block, hd_block_record, HD_TABLE_BLOCK)
HD_TYPED_RECORD(bucket, hd_bucket_record, HD_TABLE_BUCKET)
HD_TYPED_RECORD(reference, hd_reference, HD_TABLE_REFERENCE)
HD_TYPED_RECORD(result, hd_result, HD_TABLE_RESULT)
HD_TYPED_RECORD(state_node, hd_state_node, HD_TABLE_STATE_NODE)

static inline const struct hd_thread_head *hd_record_thread(const struct hd_arena *arena)
{
	return hd_record(arena, HD_TABLE_HEAD, HD_HEAD_THREAD);
}

static inline struct hd_thread_head *hd_edit_thread(struct hd_transaction *transaction)
{
	return hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_THREAD);
}

static inline const struct hd_thread_head *hd_view_thread(const struct hd_transaction *transaction)
{
	return hd_view(transaction, HD_TABLE_HEAD, HD_HEAD_THREAD);
}

static inline const struct hd_switch_head *hd_record_switch(const struct hd_arena *arena)
{
	return hd_record(arena, HD_TABLE_HEAD, HD_HEAD_SWITCH);
}

static inline struct hd_switch_head *hd_edit_switch(struct hd_transaction *transaction)
{
	return hd_edit(transaction, HD_TABLE_HEAD, HD_HEAD_SWITCH);
}

#endif
