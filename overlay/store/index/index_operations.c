/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/index/index_operations.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_types.h"

/*
 * A new directory for an overlay is a new number of the table of threads: the row is deleted and inserted again, and
 * AUTOINCREMENT never gives a number twice. So whoever still looks at the directory of before holds something that no
 * thread refers to any more.
 */

#define COLUMNS                                                                                             \
	"number, kind, subject, time, zone, actor, before_name, before_overlay, before_head, before_base, " \
	"before_tree, after_name, after_overlay, after_head, after_base, after_tree, kept, target, undone "

#define SIDE_COLUMNS 5

/* ---- writing ---- */

static void bind_side_locked(sqlite3_stmt *statement, int first, const struct hd_operation_side *side)
{
	if (side->name)
		hd_index_bind_text_locked(statement, first, side->name);
	(void)sqlite3_bind_int64(statement, first + 1, side->overlay);
	hd_index_bind_state_id_or_none_locked(statement, first + 2, &side->head);
	hd_index_bind_state_id_or_none_locked(statement, first + 3, &side->base);
	hd_index_bind_state_id_or_none_locked(statement, first + 4, &side->tree);
}

static void set_time(struct hd_operation *operation)
{
	struct timespec now = hd_clock_now();
	struct tm local = {0};

	(void)localtime_r(&now.tv_sec, &local);
	operation->time_s = now.tv_sec;
	operation->zone_minutes = (int32_t)(local.tm_gmtoff / 60);
}

/* Tells the operation that is taken back, or done again, about it. */
static int mark_target_locked(struct hd_index *index, const struct hd_operation *operation)
{
	static const char sql[] =
		"UPDATE operation SET undone = ?2 WHERE number = ?1 AND (undone = 0) = (?2 != 0)";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)operation->target);
	(void)sqlite3_bind_int64(
		statement, 2, operation->kind == HD_OPERATION_UNDO ? (sqlite3_int64)operation->number : 0);
	r = hd_index_execute_locked(index, statement, "mark an operation");
	if (r == 0 && sqlite3_changes(index->database) != 1)
		r = hd_fail(HD_E_OPERATION_BLOCKED, "operation %llu", (unsigned long long)operation->target);
	return r;
}

int hd_index_log_locked(struct hd_index *index, struct hd_operation *operation)
{
	static const char sql[] =
		"INSERT INTO operation (" COLUMNS ") VALUES (NULL, ?1, ?2, ?3, ?4, ?5, ?6, ?7, "
		"?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, 0)";
	sqlite3_stmt *statement;
	int r;

	set_time(operation);
	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, (int)operation->kind);
	(void)sqlite3_bind_int(statement, 2, operation->is_tag);
	(void)sqlite3_bind_int64(statement, 3, operation->time_s);
	(void)sqlite3_bind_int(statement, 4, operation->zone_minutes);
	hd_index_bind_text_locked(statement, 5, operation->actor ? operation->actor : "");
	bind_side_locked(statement, 6, &operation->before);
	bind_side_locked(statement, 6 + SIDE_COLUMNS, &operation->after);
	hd_index_bind_state_id_or_none_locked(statement, 16, &operation->kept);
	(void)sqlite3_bind_int64(statement, 17, (sqlite3_int64)operation->target);
	r = hd_index_execute_locked(index, statement, "log an operation");
	if (r < 0)
		return r;
	operation->number = (uint64_t)sqlite3_last_insert_rowid(index->database);
	return operation->target ? mark_target_locked(index, operation) : 0;
}

/* What is there must be what the operation says of it. */
static int check_before_locked(struct hd_index *index, const struct hd_operation_side *before)
{
	struct hd_thread thread = {0};
	bool same;
	int r;

	r = hd_index_get_thread_locked(index, before->name, &thread);
	if (r < 0)
		return r;
	same = thread.number == before->overlay && hd_state_id_equal(&thread.head, &before->head);
	hd_thread_clear(&thread);
	return same ? 0 : hd_fail(HD_E_THREAD_MOVED, "thread '%s'", before->name);
}

static int check_name_free_locked(struct hd_index *index, const char *name)
{
	struct hd_thread thread = {0};
	int r = hd_index_get_thread_locked(index, name, &thread);

	if (r == -HD_E_THREAD_MISSING) {
		hd_error_clear();
		return 0;
	}
	if (r < 0)
		return r;
	hd_thread_clear(&thread);
	return hd_fail(HD_E_THREAD_EXISTS, "thread '%s'", name);
}

/* A thread goes before a tag where a state is named: no new one hides a tag. */
static int check_no_tag_locked(struct hd_index *index, const char *name)
{
	struct hd_state_id there;
	int r = hd_index_get_tag_locked(index, name, &there);

	if (r == -HD_E_TAG_MISSING) {
		hd_error_clear();
		return 0;
	}
	return r < 0 ? r : hd_fail(HD_E_TAG_EXISTS, "the thread would hide tag '%s'", name);
}

static int check_states_locked(struct hd_index *index, const struct hd_operation_side *side)
{
	const struct hd_state_id *const ids[] = {&side->head, &side->base, &side->tree};

	for (size_t i = 0; i < HD_ARRAY_SIZE(ids); i++) {
		int r = hd_index_has_state_locked(index, ids[i]);

		if (r == 0)
			return hd_fail(HD_E_STATE_MISSING, "a state of thread '%s'", side->name);
		if (r < 0)
			return r;
	}
	return 0;
}

static int delete_thread_locked(struct hd_index *index, const char *name)
{
	static const char sql[] = "DELETE FROM thread WHERE name = ?1";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, name);
	return hd_index_execute_locked(index, statement, "delete a thread");
}

/* With overlay 0 under a new number, which is set. */
static int insert_thread_locked(struct hd_index *index, struct hd_operation_side *side)
{
	static const char sql[] =
		"INSERT INTO thread (number, name, head, base, tree) VALUES (?1, ?2, ?3, ?4, ?5)";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	if (side->overlay)
		(void)sqlite3_bind_int64(statement, 1, side->overlay);
	hd_index_bind_text_locked(statement, 2, side->name);
	hd_index_bind_state_id_locked(statement, 3, &side->head);
	hd_index_bind_state_id_locked(statement, 4, &side->base);
	hd_index_bind_state_id_locked(statement, 5, &side->tree);
	r = hd_index_execute_locked(index, statement, "add a thread");
	if (r == 0)
		side->overlay = (uint32_t)sqlite3_last_insert_rowid(index->database);
	return r;
}

static int move_thread_locked(struct hd_index *index, struct hd_operation *operation)
{
	const struct hd_operation_side *before = &operation->before;
	struct hd_operation_side *after = &operation->after;
	bool new_name = after->name && (!before->name || strcmp(before->name, after->name) != 0);
	int r = 0;

	if (before->name)
		r = check_before_locked(index, before);
	if (r == 0 && new_name)
		r = check_name_free_locked(index, after->name);
	if (r == 0 && new_name &&
		(operation->kind == HD_OPERATION_CREATE || operation->kind == HD_OPERATION_RENAME))
		r = check_no_tag_locked(index, after->name);
	if (r == 0 && after->name)
		r = check_states_locked(index, after);
	if (r == 0 && before->name)
		r = delete_thread_locked(index, before->name);
	if (r == 0 && after->name)
		r = insert_thread_locked(index, after);
	return r;
}

static int move_tag_locked(struct hd_index *index, const struct hd_operation *operation)
{
	const struct hd_operation_side *before = &operation->before, *after = &operation->after;
	const char *name = before->name ? before->name : after->name;
	struct hd_state_id there;
	int r = hd_index_get_tag_locked(index, name, &there);

	if (r == 0 && !before->name)
		return hd_fail(HD_E_TAG_EXISTS, "tag '%s'", name);
	if (r == 0 && !hd_state_id_equal(&there, &before->head))
		return hd_fail(HD_E_OPERATION_BLOCKED, "tag '%s'", name);
	if (r == -HD_E_TAG_MISSING && !before->name) {
		hd_error_clear();
		r = 0;
	}
	return r < 0 ? r : hd_index_set_tag_locked(index, name, after->name ? &after->head : NULL);
}

static int check_names(const struct hd_operation *operation)
{
	if (!operation->after.name)
		return 0;
	return operation->is_tag ? hd_tag_name_check(operation->after.name)
				 : hd_thread_name_check(operation->after.name);
}

static int change_locked(struct hd_index *index, struct hd_operation *operation)
{
	int r = operation->is_tag ? move_tag_locked(index, operation) : move_thread_locked(index, operation);

	return r < 0 ? r : hd_index_log_locked(index, operation);
}

int hd_index_change(struct hd_index *index, struct hd_operation *operation)
{
	return hd_index_change_all(index, operation, 1);
}

int hd_index_change_all(struct hd_index *index, struct hd_operation *operations, size_t count)
{
	int r = 0;

	for (size_t i = 0; i < count && r == 0; i++)
		r = check_names(&operations[i]);
	if (r < 0)
		return r;
	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0) {
		for (size_t i = 0; i < count && r == 0; i++)
			r = change_locked(index, &operations[i]);
		r = hd_index_end_locked(index, r);
	}
	hd_index_unlock(index);
	return r;
}

int hd_index_create_thread(struct hd_index *index, const char *name, const struct hd_state_id *head)
{
	struct hd_operation operation = {.kind = HD_OPERATION_CREATE,
		.after = {.name = strdup(name), .head = *head, .base = *head, .tree = *head}};
	int r = operation.after.name ? hd_index_change(index, &operation) : -ENOMEM;

	hd_operation_clear(&operation);
	return r;
}

/* ---- reading ---- */

static int side_of_row_locked(sqlite3_stmt *statement, int first, struct hd_operation_side *ret_side)
{
	int r = hd_index_column_state_id_or_none_locked(statement, first + 2, &ret_side->head);

	ret_side->overlay = (uint32_t)sqlite3_column_int64(statement, first + 1);
	if (r == 0)
		r = hd_index_column_state_id_or_none_locked(statement, first + 3, &ret_side->base);
	if (r == 0)
		r = hd_index_column_state_id_or_none_locked(statement, first + 4, &ret_side->tree);
	if (r == 0)
		r = hd_index_column_text_or_null_locked(statement, first, &ret_side->name);
	return r;
}

static int operation_of_row_locked(sqlite3_stmt *statement, struct hd_operation *ret_operation)
{
	struct hd_operation operation = {.number = (uint64_t)sqlite3_column_int64(statement, 0),
		.is_tag = sqlite3_column_int(statement, 2) != 0,
		.time_s = sqlite3_column_int64(statement, 3),
		.zone_minutes = sqlite3_column_int(statement, 4),
		.target = (uint64_t)sqlite3_column_int64(statement, 17),
		.undone = (uint64_t)sqlite3_column_int64(statement, 18)};
	int kind = sqlite3_column_int(statement, 1);
	int r;

	if (kind < 0 || kind >= HD_OPERATION_KIND_COUNT)
		return hd_fail(HD_E_STORE_CORRUPT, "operation %llu is of kind %d",
			(unsigned long long)operation.number, kind);
	operation.kind = (enum hd_operation_kind)kind;
	r = hd_index_column_text_locked(statement, 5, &operation.actor);
	if (r == 0)
		r = side_of_row_locked(statement, 6, &operation.before);
	if (r == 0)
		r = side_of_row_locked(statement, 6 + SIDE_COLUMNS, &operation.after);
	if (r == 0)
		r = hd_index_column_state_id_or_none_locked(statement, 16, &operation.kept);
	if (r < 0) {
		hd_operation_clear(&operation);
		return r;
	}
	*ret_operation = operation;
	return 0;
}

/* The newest operation with a number below BELOW that is about THREAD; 0 when there is none. */
static int next_operation(
	struct hd_index *index, const char *thread, uint64_t below, struct hd_operation *ret_operation)
{
	static const char sql[] = "SELECT " COLUMNS "FROM operation WHERE number < ?1 AND (?2 IS NULL OR "
				  "(subject = 0 AND (before_name = ?2 OR after_name = ?2))) "
				  "ORDER BY number DESC LIMIT 1";
	sqlite3_stmt *statement;
	int r;

	hd_index_lock(index);
	r = hd_index_query_locked(index, sql, &statement);
	if (r == 0) {
		(void)sqlite3_bind_int64(statement, 1, (sqlite3_int64)below);
		if (thread)
			hd_index_bind_text_locked(statement, 2, thread);
		r = hd_index_step_locked(index, statement, "read an operation");
		if (r > 0) {
			r = operation_of_row_locked(statement, ret_operation);
			r = r == 0 ? 1 : r == -ENOMEM ? r : -HD_E_STORE_CORRUPT;
		}
		hd_index_reset_locked(statement);
	}
	hd_index_unlock(index);
	return r;
}

int hd_index_get_operation(struct hd_index *index, uint64_t number, struct hd_operation *ret_operation)
{
	struct hd_operation operation = {0};
	int r = number < INT64_MAX ? next_operation(index, NULL, number + 1, &operation) : 0;

	if (r < 0)
		return r;
	if (r == 0 || operation.number != number) {
		hd_operation_clear(&operation);
		return hd_fail(HD_E_OPERATION_MISSING, "operation %llu", (unsigned long long)number);
	}
	*ret_operation = operation;
	return 0;
}

int hd_index_list_operations(
	struct hd_index *index, const char *thread, uint64_t limit, hd_operation_emit emit, void *payload)
{
	uint64_t below = INT64_MAX;

	for (uint64_t shown = 0; limit == 0 || shown < limit; shown++) {
		struct hd_operation operation = {0};
		int r = next_operation(index, thread, below, &operation);

		if (r <= 0)
			return r;
		below = operation.number;
		r = emit(&operation, payload);
		hd_operation_clear(&operation);
		if (r != 0)
			return r;
	}
	return 0;
}

static int find_number(struct hd_index *index, const char *sql, const char *thread, uint64_t *ret_number)
{
	sqlite3_stmt *statement;
	int r;

	hd_index_lock(index);
	r = hd_index_query_locked(index, sql, &statement);
	if (r == 0) {
		if (thread)
			hd_index_bind_text_locked(statement, 1, thread);
		(void)sqlite3_bind_int(statement, 2, HD_OPERATION_INIT);
		(void)sqlite3_bind_int(statement, 3, HD_OPERATION_UNDO);
		(void)sqlite3_bind_int(statement, 4, HD_OPERATION_REDO);
		r = hd_index_step_locked(index, statement, "find an operation");
		if (r > 0)
			*ret_number = (uint64_t)sqlite3_column_int64(statement, 0);
		hd_index_reset_locked(statement);
	}
	hd_index_unlock(index);
	return r < 0 ? r : r == 0 ? -HD_E_OPERATION_MISSING : 0;
}

#define ABOUT_THREAD "(?1 IS NULL OR (subject = 0 AND (before_name = ?1 OR after_name = ?1))) "

int hd_index_find_undoable(struct hd_index *index, const char *thread, uint64_t *ret_number)
{
	static const char sql[] =
		"SELECT number FROM operation WHERE kind NOT IN (?2, ?3, ?4) AND undone = 0 "
		"AND " ABOUT_THREAD "ORDER BY number DESC LIMIT 1";

	return find_number(index, sql, thread, ret_number);
}

int hd_index_find_redoable(struct hd_index *index, const char *thread, uint64_t *ret_number)
{
	static const char sql[] =
		"SELECT number FROM operation WHERE kind NOT IN (?2, ?3, ?4) AND undone != 0 "
		"AND " ABOUT_THREAD "ORDER BY undone DESC LIMIT 1";

	return find_number(index, sql, thread, ret_number);
}
