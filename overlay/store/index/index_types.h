/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_INDEX_INDEX_TYPES_H
#define HEDDLE_STORE_INDEX_INDEX_TYPES_H

/*
 * The index inside: the connection, its statements and the table of host paths. For overlay/store/index_*.c
 * only.
 *
 * Calling sequence of a query
 *     hd_index_lock → hd_index_query_locked → bind → hd_index_step_locked ... → hd_index_reset_locked →
 *     hd_index_unlock
 *
 * Threads     Functions ending in _locked are called with index->lock held.
 */

#include <sqlite3.h>

#include "overlay/platform/lock.h"
#include "overlay/store/index/index.h"

/* More than there are different statements in index_*.c; a full table only costs the reuse. */
#define HD_INDEX_STATEMENTS 64

/* As many states of which it is known where their histories begin: a worker's, and those that a command goes to and fro between. */
#define HD_INDEX_FIRSTS 8

struct hd_host_path_table;

struct hd_index {
	struct hd_mutex
		lock; /* rank HD_RANK_STORE; protects every field marked (lock) and use of the connection */
	sqlite3 *database; /* owned */
	char *path;        /* owned; of the database */
	struct {
		const char *sql;               /* compared by address: a static constant of the caller */
		sqlite3_stmt *statement;       /* owned */
	} statements[HD_INDEX_STATEMENTS];     /* (lock) */
	struct hd_host_path_table *host_paths; /* owned; has a lock of its own */
	bool is_lax;                           /* (lock) commits may not be synced: "PRAGMA synchronous" */
	bool unsynced_paths;                   /* (lock) saved host paths are not synced yet */
	uint32_t next_reserved, reserved_end;  /* (lock) numbers of threads that nobody else gets */
	struct {
		struct hd_state_id state, first;
	} firsts[HD_INDEX_FIRSTS]; /* (lock) */
	size_t next_first;         /* (lock) whose place is taken next */
};

/* Takes the lock. The caller holds no other: SQLite reads and writes the disk. */
void hd_index_lock(struct hd_index *index);
void hd_index_unlock(struct hd_index *index);

/* A ready statement for SQL, whose address identifies it: prepared once, kept by the index. */
int hd_index_query_locked(struct hd_index *index, const char *sql, sqlite3_stmt **ret_statement);

/* 1 with a row, 0 at the end, or a negative code. */
int hd_index_step_locked(struct hd_index *index, sqlite3_stmt *statement, const char *what);

/* Hears one row; its columns are valid until it returns. 0 to go on, or a negative code, which ends the query. */
typedef int (*hd_index_row)(sqlite3_stmt *row, void *payload);

/* Every row of SQL, which has nothing to bind, to ROW; 0 at the end, or a negative code. WHAT is the attempt. */
int hd_index_each_row_locked(
	struct hd_index *index, const char *sql, const char *what, hd_index_row row, void *payload);

/* One step that returns no row, then the reset. */
int hd_index_execute_locked(struct hd_index *index, sqlite3_stmt *statement, const char *what);

/* Makes the statement ready for its next use; bound and returned memory becomes invalid. NULL is fine. */
void hd_index_reset_locked(sqlite3_stmt *statement);

/* Whether commits from now on are synced; they are unless said otherwise. */
int hd_index_set_synced_locked(struct hd_index *index, bool synced);
/* Makes every commit so far durable, by a synced one that changes nothing: the log is synced up to its end. */
int hd_index_sync_locked(struct hd_index *index);

/* A write transaction: takes SQLite's write lock at once, so that what is read in it cannot change before the
 * commit. */
int hd_index_begin_locked(struct hd_index *index);
/* One whose commit need not be synced: see hd_index_set_synced_locked. */
int hd_index_begin_lax_locked(struct hd_index *index);
/* Commits when R is not negative, else rolls back; returns R, or why the commit failed. */
int hd_index_end_locked(struct hd_index *index, int r);

/* A column as fresh text; -HD_E_STORE_CORRUPT when it is NULL. */
int hd_index_column_text_locked(sqlite3_stmt *statement, int column, char **ret_text);
/* A column that must be a state id. */
int hd_index_column_state_id_locked(sqlite3_stmt *statement, int column, struct hd_state_id *ret_id);
void hd_index_bind_state_id_locked(sqlite3_stmt *statement, int parameter, const struct hd_state_id *id);
void hd_index_bind_text_locked(sqlite3_stmt *statement, int parameter, const char *text);

/* A column that may be NULL: then NULL, or the zero id. */
int hd_index_column_text_or_null_locked(sqlite3_stmt *statement, int column, char **ret_text);
int hd_index_column_state_id_or_none_locked(sqlite3_stmt *statement, int column, struct hd_state_id *ret_id);
/* Binds NULL for the zero id. */
void hd_index_bind_state_id_or_none_locked(
	sqlite3_stmt *statement, int parameter, const struct hd_state_id *id);

/* -HD_E_THREAD_MISSING; the caller clears the record. */
int hd_index_get_thread_locked(struct hd_index *index, const char *name, struct hd_thread *ret_thread);

/* Adds the row of OPERATION, whose sides are complete, within a transaction, and sets its number. */
struct hd_operation;
int hd_index_log_locked(struct hd_index *index, struct hd_operation *operation);

/* Tags within a transaction. -HD_E_TAG_MISSING; *RET_ID is the tag's state. */
int hd_index_get_tag_locked(struct hd_index *index, const char *name, struct hd_state_id *ret_id);
/* Sets the tag to STATE; NULL deletes it. */
int hd_index_set_tag_locked(struct hd_index *index, const char *name, const struct hd_state_id *state);

struct hd_buffer;
/* Adds RECORD, the bytes of STATE, under ID, unless it is there already. -HD_E_STATE_MISSING: a parent. */
int hd_index_insert_state_locked(struct hd_index *index, const struct hd_state_id *id,
	const struct hd_state *state, const struct hd_buffer *record);

/* One row of hd_index_put_exports, within a transaction. */
int hd_index_put_export_locked(
	struct hd_index *index, const char *repository, const struct hd_state_id *id, const char *commit);

/* As hd_thread_name_check, of the LENGTH bytes at NAME, which need not be UTF-8. */
int hd_index_name_check(const char *name, size_t length);

/* 1 when there is a state ID, 0 when not. */
int hd_index_has_state_locked(struct hd_index *index, const struct hd_state_id *id);
/* The state's record (state_codec.h); 1 with fresh memory in *RET_RECORD, 0 when there is no such state. */
int hd_index_state_record_locked(
	struct hd_index *index, const struct hd_state_id *id, void **ret_record, size_t *ret_size);

#endif
