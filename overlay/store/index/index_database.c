/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/index/host_path_table.h"
#include "overlay/store/index/index_schema.h"
#include "overlay/store/index/index_types.h"
#include "overlay/store/store.h"

/*
 * The connection: opening, settings, version, statements, transactions, errors.
 *
 * One connection, one mutex. Writers of all processes queue up at SQLite's own write lock, which BEGIN
 * IMMEDIATE takes before anything is read: a transaction that begins as a reader and then writes could fail
 * with SQLITE_BUSY at once, without the busy timeout (https://www.sqlite.org/isolation.html), or decide on
 * what is no longer true.
 *
 * WAL with synchronous=FULL syncs the log at every commit
 * (https://www.sqlite.org/pragma.html#pragma_synchronous): a published state survives a power cut. NORMAL
 * would lose the last ones.
 *
 * Statements are prepared once and found again by the address of their text, so that the SQL stands where it
 * is used.
 */

#define BUSY_TIMEOUT_MS 10000

static const char settings[] = "PRAGMA journal_mode = WAL;"
			       "PRAGMA synchronous = FULL;"
			       "PRAGMA foreign_keys = ON;"
			       "PRAGMA trusted_schema = OFF;";

void hd_index_lock(struct hd_index *index)
{
	hd_lock_assert_none_held("use the index");
	hd_mutex_lock(&index->lock);
}

void hd_index_unlock(struct hd_index *index)
{
	hd_mutex_unlock(&index->lock);
}

static int failure_code(sqlite3 *database, int sqlite_result)
{
	switch (sqlite_result & 0xff) {
	case SQLITE_BUSY:
	case SQLITE_LOCKED:
		return EBUSY;
	case SQLITE_FULL:
		return ENOSPC;
	case SQLITE_NOMEM:
		return ENOMEM;
	case SQLITE_READONLY:
		return EROFS;
	case SQLITE_CANTOPEN:
		/* Of an index that cannot be written what is missing is the memory beside it, which SQLite cannot make. */
		if (database && sqlite3_db_readonly(database, "main") == 1)
			return EROFS;
		__attribute__((fallthrough));
	case SQLITE_PERM:
	case SQLITE_IOERR:
		return database && sqlite3_system_errno(database) > 0 ? sqlite3_system_errno(database) : EIO;
	default:
		return HD_E_STORE_CORRUPT;
	}
}

/* The code for a failed SQLite call, with SQLite's sentence as detail. WHAT is the attempt: "read a state". */
static int fail_locked(struct hd_index *index, int sqlite_result, const char *what)
{
	return hd_fail(failure_code(index->database, sqlite_result), "%s: %s", what,
		sqlite3_errmsg(index->database));
}

/* ---- connecting ---- */

static int connect_locked(struct hd_index *index, int flags)
{
	int result = sqlite3_open_v2(index->path, &index->database, flags | SQLITE_OPEN_NOMUTEX, NULL);

	if (!index->database)
		return -ENOMEM;
	if (result != SQLITE_OK)
		return fail_locked(index, result, "open " HD_INDEX_FILE);
	(void)sqlite3_extended_result_codes(index->database, 1);
	(void)sqlite3_busy_timeout(index->database, BUSY_TIMEOUT_MS);
	(void)sqlite3_db_config(index->database, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	return 0;
}

static void disconnect_locked(struct hd_index *index)
{
	for (size_t i = 0; i < HD_INDEX_STATEMENTS; i++) {
		(void)sqlite3_finalize(index->statements[i].statement);
		index->statements[i].statement = NULL;
		index->statements[i].sql = NULL;
	}
	(void)sqlite3_close(index->database);
	index->database = NULL;
}

static int execute_connected(struct hd_index *index, const char *sql, const char *what)
{
	int result = sqlite3_exec(index->database, sql, NULL, NULL, NULL);

	return result == SQLITE_OK ? 0 : fail_locked(index, result, what);
}

/* A connection that could not be made, or set up, is none: who comes next tries again, and hears why that fails. */
static int reconnect_locked(struct hd_index *index)
{
	int r;

	disconnect_locked(index);
	r = connect_locked(index, SQLITE_OPEN_READWRITE);
	if (r >= 0)
		r = execute_connected(index, settings, "set the index up");
	if (r < 0)
		disconnect_locked(index);
	return r;
}

static int ensure_connected_locked(struct hd_index *index)
{
	return index->database ? 0 : reconnect_locked(index);
}

/*
 * A connection that was made while the disk was read-only stays so; another one may write. The old one goes first: connections
 * of a process share what they have of the log.
 */
static int make_writable_locked(struct hd_index *index)
{
	return index->database && sqlite3_db_readonly(index->database, "main") == 0 ? 0
										    : reconnect_locked(index);
}

static int execute_text(struct hd_index *index, const char *sql, const char *what)
{
	int r = ensure_connected_locked(index);

	return r < 0 ? r : execute_connected(index, sql, what);
}

/* ---- statements ---- */

int hd_index_query_locked(struct hd_index *index, const char *sql, sqlite3_stmt **ret_statement)
{
	size_t slot;
	int result, r;

	r = ensure_connected_locked(index);
	if (r < 0)
		return r;
	for (slot = 0; slot < HD_INDEX_STATEMENTS && index->statements[slot].sql; slot++) {
		if (index->statements[slot].sql == sql) {
			*ret_statement = index->statements[slot].statement;
			return 0;
		}
	}
	if (slot == HD_INDEX_STATEMENTS) {
		slot = 0;
		(void)sqlite3_finalize(index->statements[slot].statement);
		index->statements[slot].sql = NULL;
	}
	result = sqlite3_prepare_v3(index->database, sql, -1, SQLITE_PREPARE_PERSISTENT,
		&index->statements[slot].statement, NULL);
	if (result != SQLITE_OK)
		return fail_locked(index, result, "prepare a query");
	index->statements[slot].sql = sql;
	*ret_statement = index->statements[slot].statement;
	return 0;
}

int hd_index_step_locked(struct hd_index *index, sqlite3_stmt *statement, const char *what)
{
	int result = sqlite3_step(statement);

	if (result == SQLITE_ROW)
		return 1;
	if (result == SQLITE_DONE)
		return 0;
	return fail_locked(index, result, what);
}

void hd_index_reset_locked(sqlite3_stmt *statement)
{
	if (!statement)
		return;
	(void)sqlite3_reset(statement);
	(void)sqlite3_clear_bindings(statement);
}

int hd_index_each_row_locked(
	struct hd_index *index, const char *sql, const char *what, hd_index_row row, void *payload)
{
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	while ((r = hd_index_step_locked(index, statement, what)) > 0) {
		r = row(statement, payload);
		if (r < 0)
			break;
	}
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_execute_locked(struct hd_index *index, sqlite3_stmt *statement, const char *what)
{
	int r = hd_index_step_locked(index, statement, what);

	hd_index_reset_locked(statement);
	return r < 0 ? r : 0;
}

/* NORMAL, not OFF: a checkpoint still syncs the log before it moves pages, or a power cut could tear the database. */
int hd_index_set_synced_locked(struct hd_index *index, bool synced)
{
	int r;

	/* What is not known to be FULL is made so by the next who needs it. */
	index->is_lax = true;
	r = execute_text(index, synced ? "PRAGMA synchronous = FULL" : "PRAGMA synchronous = NORMAL",
		"set the index's syncing");
	if (r == 0)
		index->is_lax = !synced;
	return r;
}

static int ensure_synced_locked(struct hd_index *index)
{
	return index->is_lax ? hd_index_set_synced_locked(index, true) : 0;
}

/* Setting the version to what it is writes a page and changes nothing. */
int hd_index_sync_locked(struct hd_index *index)
{
	char statement[64];

	int r = ensure_synced_locked(index);

	if (r < 0)
		return r;
	(void)snprintf(statement, sizeof(statement), "PRAGMA user_version = %d", HD_STORE_VERSION);
	return execute_text(index, statement, "sync the index");
}

/* ---- transactions ---- */

int hd_index_begin_lax_locked(struct hd_index *index)
{
	int r = make_writable_locked(index);

	return r < 0 ? r : execute_text(index, "BEGIN IMMEDIATE", "begin a transaction");
}

int hd_index_begin_locked(struct hd_index *index)
{
	int r = ensure_synced_locked(index);

	return r < 0 ? r : hd_index_begin_lax_locked(index);
}

int hd_index_end_locked(struct hd_index *index, int r)
{
	int commit = 0;

	if (r >= 0) {
		commit = execute_text(index, "COMMIT", "commit a transaction");
		if (commit == 0)
			return r;
	}
	/* Some failures have rolled back already; then this one fails and nothing is lost by it. */
	if (!sqlite3_get_autocommit(index->database))
		(void)sqlite3_exec(index->database, "ROLLBACK", NULL, NULL, NULL);
	return r < 0 ? r : commit;
}

int hd_index_column_text_locked(sqlite3_stmt *statement, int column, char **ret_text)
{
	const char *text = (const char *)sqlite3_column_text(statement, column);
	char *copy;

	if (!text)
		return hd_fail(HD_E_STORE_CORRUPT, "a text column is empty");
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	*ret_text = copy;
	return 0;
}

int hd_index_column_state_id_locked(sqlite3_stmt *statement, int column, struct hd_state_id *ret_id)
{
	const void *bytes = sqlite3_column_blob(statement, column);

	if (!bytes || sqlite3_column_bytes(statement, column) != HD_STATE_ID_SIZE)
		return hd_fail(HD_E_STORE_CORRUPT, "a column of state ids holds something else");
	memcpy(ret_id->bytes, bytes, HD_STATE_ID_SIZE);
	return 0;
}

void hd_index_bind_state_id_locked(sqlite3_stmt *statement, int parameter, const struct hd_state_id *id)
{
	/* A failed bind leaves NULL, which the NOT NULL constraints and comparisons refuse: no check at every
	 * call. */
	(void)sqlite3_bind_blob(statement, parameter, id->bytes, HD_STATE_ID_SIZE, SQLITE_STATIC);
}

int hd_index_column_text_or_null_locked(sqlite3_stmt *statement, int column, char **ret_text)
{
	if (sqlite3_column_type(statement, column) != SQLITE_NULL)
		return hd_index_column_text_locked(statement, column, ret_text);
	*ret_text = NULL;
	return 0;
}

int hd_index_column_state_id_or_none_locked(sqlite3_stmt *statement, int column, struct hd_state_id *ret_id)
{
	if (sqlite3_column_type(statement, column) != SQLITE_NULL)
		return hd_index_column_state_id_locked(statement, column, ret_id);
	*ret_id = (struct hd_state_id){0};
	return 0;
}

void hd_index_bind_state_id_or_none_locked(
	sqlite3_stmt *statement, int parameter, const struct hd_state_id *id)
{
	if (!hd_state_id_is_zero(id))
		hd_index_bind_state_id_locked(statement, parameter, id);
}

void hd_index_bind_text_locked(sqlite3_stmt *statement, int parameter, const char *text)
{
	(void)sqlite3_bind_text(statement, parameter, text, -1, SQLITE_STATIC);
}

static int read_pragma(struct hd_index *index, const char *sql, int64_t *ret_value)
{
	sqlite3_stmt *statement = NULL;
	int result = sqlite3_prepare_v2(index->database, sql, -1, &statement, NULL);

	if (result == SQLITE_OK)
		result = sqlite3_step(statement);
	if (result == SQLITE_ROW)
		*ret_value = sqlite3_column_int64(statement, 0);
	(void)sqlite3_finalize(statement);
	return result == SQLITE_ROW ? 0 : fail_locked(index, result, "read the index's header");
}

static int check_version(struct hd_index *index)
{
	int64_t application = 0, version = 0;
	int r;

	r = read_pragma(index, "PRAGMA application_id", &application);
	if (r < 0)
		return r;
	if (application != HD_INDEX_APPLICATION_ID)
		return hd_fail(HD_E_STORE_CORRUPT, HD_INDEX_FILE " is no index of heddle");
	r = read_pragma(index, "PRAGMA user_version", &version);
	if (r < 0)
		return r;
	if (version != HD_STORE_VERSION)
		return hd_fail(HD_E_STORE_VERSION,
			"the index has version %lld, this heddle knows version %d; use the heddle that wrote "
			"it",
			(long long)version, HD_STORE_VERSION);
	return 0;
}

static int create_schema(struct hd_index *index)
{
	char header[128];
	int r;

	(void)snprintf(header, sizeof(header), "PRAGMA application_id = %d; PRAGMA user_version = %d;",
		HD_INDEX_APPLICATION_ID, HD_STORE_VERSION);
	r = hd_index_begin_locked(index);
	if (r < 0)
		return r;
	r = execute_text(index, HD_INDEX_SCHEMA, "create the index's tables");
	if (r == 0)
		r = execute_text(index, header, "write the index's header");
	return hd_index_end_locked(index, r);
}

static int open_database(struct hd_index *index, bool create)
{
	int r = connect_locked(index, SQLITE_OPEN_READWRITE | (create ? SQLITE_OPEN_CREATE : 0));

	if (r < 0)
		return r;
	if (!create) {
		r = check_version(index);
		if (r < 0)
			return r;
	}
	r = execute_text(index, settings, "set the index up");
	if (r == 0 && create)
		r = create_schema(index);
	return r;
}

int hd_index_open(int store_fd, const char *store_path, bool create, struct hd_index **ret_index)
{
	struct hd_index *index;
	int r = hd_file_look(store_fd, HD_INDEX_FILE);

	if (r < 0)
		return hd_fail(r, "look for %s/" HD_INDEX_FILE, store_path);
	if (create == (r > 0))
		return create ? -HD_E_STORE_EXISTS
			      : hd_fail(HD_E_STORE_CORRUPT, "%s/" HD_INDEX_FILE " is missing", store_path);
	index = calloc(1, sizeof(*index));
	if (!index)
		return -ENOMEM;
	hd_mutex_init(&index->lock, HD_RANK_STORE);
	if (asprintf(&index->path, "%s/" HD_INDEX_FILE, store_path) < 0) {
		index->path = NULL;
		hd_index_free(index);
		return -ENOMEM;
	}
	r = hd_host_path_table_new(&index->host_paths);
	if (r == 0)
		r = open_database(index, create);
	if (r < 0) {
		hd_index_free(index);
		return r;
	}
	*ret_index = index;
	return 0;
}

void hd_index_free(struct hd_index *index)
{
	if (!index)
		return;
	disconnect_locked(index);
	hd_host_path_table_free(index->host_paths);
	free(index->path);
	hd_mutex_destroy(&index->lock);
	free(index);
}
