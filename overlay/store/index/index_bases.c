/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "overlay/platform/error.h"
#include "overlay/store/index/index_types.h"

/*
 * Bases: numbers are given once and never again, since references in objects carry them for ever.
 */

#define BASE_LIMIT 65535

static int find_base_locked(
	struct hd_index *index, enum hd_base_kind kind, const char *location, uint16_t *ret_number)
{
	static const char sql[] = "SELECT number FROM base WHERE kind = ?1 AND location = ?2";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, (int)kind);
	hd_index_bind_text_locked(statement, 2, location);
	r = hd_index_step_locked(index, statement, "find a base");
	if (r > 0)
		*ret_number = (uint16_t)sqlite3_column_int(statement, 0);
	hd_index_reset_locked(statement);
	return r;
}

static int insert_base_locked(
	struct hd_index *index, enum hd_base_kind kind, const char *location, uint16_t *ret_number)
{
	static const char sql[] = "INSERT INTO base (number, kind, location)"
				  " SELECT coalesce(max(number), 0) + 1, ?1, ?2 FROM base";
	sqlite3_stmt *statement;
	int64_t number;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, (int)kind);
	hd_index_bind_text_locked(statement, 2, location);
	r = hd_index_execute_locked(index, statement, "add a base");
	if (r < 0)
		return r;
	number = sqlite3_last_insert_rowid(index->database);
	if (number < 1 || number > BASE_LIMIT)
		return hd_fail(HD_E_STORE_CORRUPT, "base number %lld", (long long)number);
	*ret_number = (uint16_t)number;
	return 0;
}

int hd_index_add_base(
	struct hd_index *index, enum hd_base_kind kind, const char *location, uint16_t *ret_number)
{
	uint16_t number = 0;
	int r;

	if (kind <= HD_BASE_NONE || kind >= HD_BASE_KIND_COUNT)
		return -EINVAL;
	hd_index_lock(index);
	r = find_base_locked(index, kind, location, &number);
	if (r == 0) {
		r = hd_index_begin_locked(index);
		if (r == 0) {
			/* Another process may have added it meanwhile. */
			r = find_base_locked(index, kind, location, &number);
			if (r == 0)
				r = insert_base_locked(index, kind, location, &number);
			r = hd_index_end_locked(index, r);
		}
	}
	hd_index_unlock(index);
	if (r < 0)
		return r;
	*ret_number = number;
	return 0;
}

static int get_base_locked(struct hd_index *index, uint16_t number, struct hd_base_record *ret_base)
{
	static const char sql[] = "SELECT kind, location FROM base WHERE number = ?1";
	struct hd_base_record base = {.number = number};
	sqlite3_stmt *statement;
	int kind, r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, number);
	r = hd_index_step_locked(index, statement, "read a base");
	if (r == 0)
		r = hd_fail(HD_E_BASE_MISSING, "the store knows no base %u", number);
	if (r > 0) {
		kind = sqlite3_column_int(statement, 0);
		if (kind <= HD_BASE_NONE || kind >= HD_BASE_KIND_COUNT)
			r = hd_fail(HD_E_STORE_CORRUPT, "base %u has kind %d", number, kind);
		else
			r = hd_index_column_text_locked(statement, 1, &base.location);
		base.kind = (enum hd_base_kind)kind;
	}
	hd_index_reset_locked(statement);
	if (r < 0)
		return r;
	*ret_base = base;
	return 0;
}

int hd_index_get_base(struct hd_index *index, uint16_t number, struct hd_base_record *ret_base)
{
	int r;

	hd_index_lock(index);
	r = get_base_locked(index, number, ret_base);
	hd_index_unlock(index);
	return r;
}

void hd_base_record_clear(struct hd_base_record *record)
{
	free(record->location);
	*record = (struct hd_base_record){0};
}

/* ---- a base that is elsewhere ---- */

static int set_location_locked(struct hd_index *index, uint16_t number, const char *location)
{
	static const char sql[] = "UPDATE base SET location = ?2 WHERE number = ?1";
	sqlite3_stmt *statement;
	int r = hd_index_query_locked(index, sql, &statement);

	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, number);
	hd_index_bind_text_locked(statement, 2, location);
	r = hd_index_execute_locked(index, statement, "move a base");
	return r < 0 || sqlite3_changes(index->database) > 0 ? r : -HD_E_BASE_MISSING;
}

/* Rows that another export has written for the new place stay. */
static int move_exports_locked(struct hd_index *index, const char *old, const char *location)
{
	static const char sql[] = "UPDATE OR IGNORE export SET repository = ?2 WHERE repository = ?1";
	sqlite3_stmt *statement;
	int r = hd_index_query_locked(index, sql, &statement);

	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, old);
	hd_index_bind_text_locked(statement, 2, location);
	return hd_index_execute_locked(index, statement, "move the export map");
}

int hd_index_move_base(struct hd_index *index, uint16_t number, const char *old, const char *location)
{
	int r;

	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0) {
		r = set_location_locked(index, number, location);
		if (r >= 0)
			r = move_exports_locked(index, old, location);
		r = hd_index_end_locked(index, r);
	}
	hd_index_unlock(index);
	return r < 0 ? r : 0;
}
