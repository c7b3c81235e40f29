/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_operations.h"
#include "overlay/store/index/index_types.h"
#include "overlay/store/index/state_codec.h"

/*
 * Publishing: the one place where a state appears and a head moves, both in one transaction.
 *
 * 1. The head is compared and set under SQLite's write lock: of two publishers with the same expectation one
 * wins, in this process or in another, and the other one's state is not written either.
 * 2. Every parent is in the index: history has no holes.
 * 3. Publishing the very same record again is no failure: `init` of one commit twice gives one base state.
 * Another record under the same id is refused; XXH3 could be made to collide, and a state must never change.
 * 4. What moves a head is logged with it (index_operations.c): a capture can be undone like everything else.
 * 5. The caller has synced every object that the state refers to (hd_object_store_sync) before it comes here.
 */

static int check_head_locked(struct hd_index *index, const char *name,
	const struct hd_state_id *expected_head, struct hd_operation_side *ret_before)
{
	struct hd_thread thread = {0};
	int r;

	r = hd_index_get_thread_locked(index, name, &thread);
	if (r < 0)
		return r;
	if (hd_state_id_equal(&thread.head, expected_head))
		r = hd_operation_side_of(&thread, ret_before);
	else
		r = hd_fail(HD_E_THREAD_MOVED, "thread '%s'", name);
	hd_thread_clear(&thread);
	return r;
}

static int check_parents_locked(struct hd_index *index, const struct hd_state *state)
{
	char text[HD_STATE_ID_TEXT_SIZE];

	for (size_t i = 0; i < state->n_parents; i++) {
		int r = hd_index_has_state_locked(index, &state->parents[i]);

		if (r < 0)
			return r;
		if (r == 0) {
			hd_state_id_format(&state->parents[i], text);
			return hd_fail(HD_E_STATE_MISSING, "parent %s", text);
		}
	}
	return 0;
}

/* 1 when this very record is there already. */
static int check_duplicate_locked(
	struct hd_index *index, const struct hd_state_id *id, const struct hd_buffer *record)
{
	HD_AUTO_FREE void *existing = NULL;
	char text[HD_STATE_ID_TEXT_SIZE];
	size_t size = 0;
	int r;

	r = hd_index_state_record_locked(index, id, &existing, &size);
	if (r <= 0)
		return r;
	if (size == record->size && memcmp(existing, record->data, size) == 0)
		return 1;
	hd_state_id_format(id, text);
	return hd_fail(HD_E_STORE_CORRUPT, "another state has the id %s", text);
}

static int insert_record_locked(
	struct hd_index *index, const struct hd_state_id *id, const struct hd_buffer *record)
{
	static const char sql[] = "INSERT INTO state (id, record) VALUES (?1, ?2)";
	sqlite3_stmt *statement;
	int r;

	r = check_duplicate_locked(index, id, record);
	if (r != 0)
		return r < 0 ? r : 0;
	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_state_id_locked(statement, 1, id);
	(void)sqlite3_bind_blob64(statement, 2, record->data, record->size, SQLITE_STATIC);
	return hd_index_execute_locked(index, statement, "add a state");
}

int hd_index_insert_state_locked(struct hd_index *index, const struct hd_state_id *id,
	const struct hd_state *state, const struct hd_buffer *record)
{
	int r = check_parents_locked(index, state);

	return r < 0 ? r : insert_record_locked(index, id, record);
}

static int move_head_locked(struct hd_index *index, const char *thread, const struct hd_state_id *id)
{
	static const char sql[] = "UPDATE thread SET head = ?2, tree = ?2 WHERE name = ?1";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, thread);
	hd_index_bind_state_id_locked(statement, 2, id);
	return hd_index_execute_locked(index, statement, "move a thread's head");
}

/* Moves the head from what the operation says it was, and logs it. */
static int move_and_log_locked(struct hd_index *index, struct hd_operation *operation, const char *thread,
	const struct hd_state_id *id)
{
	struct hd_operation_side *after = &operation->after;
	int r;

	*after = operation->before;
	after->head = after->tree = *id;
	after->name = strdup(thread);
	if (!after->name)
		return -ENOMEM;
	r = move_head_locked(index, thread, id);
	return r < 0 ? r : hd_index_log_locked(index, operation);
}

static int publish_locked(struct hd_index *index, const struct hd_state_id *id, const struct hd_state *state,
	const struct hd_buffer *record, const char *thread, const struct hd_state_id *expected_head)
{
	struct hd_operation operation = {.kind = HD_OPERATION_CAPTURE};
	int r = 0;

	if (thread) {
		operation.actor = strdup(state->author ? state->author : "");
		r = operation.actor ? check_head_locked(index, thread, expected_head, &operation.before)
				    : -ENOMEM;
	}
	if (r == 0)
		r = hd_index_insert_state_locked(index, id, state, record);
	if (r == 0 && thread)
		r = move_and_log_locked(index, &operation, thread, id);
	hd_operation_clear(&operation);
	return r;
}

int hd_index_publish(struct hd_index *index, struct hd_state *state, const char *thread,
	const struct hd_state_id *expected_head)
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	struct hd_state_id id;
	int r;

	r = hd_state_encode(state, &record);
	if (r < 0)
		return r;
	id = hd_state_id_compute(record.data, record.size);

	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0)
		r = hd_index_end_locked(
			index, publish_locked(index, &id, state, &record, thread, expected_head));
	hd_index_unlock(index);
	if (r < 0)
		return r;
	state->id = id;
	return 0;
}
