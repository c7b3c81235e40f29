/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/utf8.h"
#include "overlay/store/index/index_operations.h"
#include "overlay/store/index/index_types.h"

/*
 * Threads: names, numbers and where they begin. They are moved in index_publish.c and index_operations.c. Numbers come
 * from AUTOINCREMENT, which never gives a number twice: a new thread can never meet the files of an old one.
 */

#define NAME_LIMIT 200

int hd_index_name_check(const char *name, size_t length)
{
	if (length == 0 || length > NAME_LIMIT)
		return hd_fail(HD_E_NAME_INVALID, "a name has 1 to %d bytes", NAME_LIMIT);
	if (length == 1 && name[0] == '@')
		return hd_fail(HD_E_NAME_INVALID, "'@' means the thread in use");
	if (name[0] == '.' || name[0] == '-')
		return hd_fail(HD_E_NAME_INVALID, "a name does not begin with '%c'", name[0]);
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)name[i];

		/* What is read as a name must not be what is read as a state before one. */
		if (byte == '/' || byte == ':' || byte == '~' || byte < 0x20 || byte == 0x7f)
			return hd_fail(
				HD_E_NAME_INVALID, "a name has no '/', ':' or '~' and no control characters");
	}
	return 0;
}

int hd_thread_name_check(const char *name)
{
	size_t length = strnlen(name, NAME_LIMIT + 1);
	int r;

	r = hd_index_name_check(name, length);
	if (r < 0)
		return r;
	if (!hd_utf8_is_valid(name, length))
		return hd_fail(HD_E_NAME_INVALID, "the name of a thread is UTF-8");
	return 0;
}

void hd_thread_clear(struct hd_thread *thread)
{
	free(thread->name);
	*thread = (struct hd_thread){0};
}

/* The row that STATEMENT stands at: number, name, head, base, tree. */
static int thread_of_row_locked(sqlite3_stmt *statement, struct hd_thread *ret_thread)
{
	int64_t number = sqlite3_column_int64(statement, 0);
	struct hd_thread thread = {.number = (uint32_t)number};
	int r;

	if (number < 1 || number > UINT32_MAX)
		return hd_fail(HD_E_STORE_CORRUPT, "thread number %lld", (long long)number);
	r = hd_index_column_state_id_locked(statement, 2, &thread.head);
	if (r == 0)
		r = hd_index_column_state_id_locked(statement, 3, &thread.base);
	if (r == 0)
		r = hd_index_column_state_id_locked(statement, 4, &thread.tree);
	if (r == 0)
		r = hd_index_column_text_locked(statement, 1, &thread.name);
	if (r < 0)
		return r;
	*ret_thread = thread;
	return 0;
}

int hd_index_get_thread_locked(struct hd_index *index, const char *name, struct hd_thread *ret_thread)
{
	static const char sql[] = "SELECT number, name, head, base, tree FROM thread WHERE name = ?1";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, name);
	r = hd_index_step_locked(index, statement, "read a thread");
	if (r == 0)
		r = hd_fail(HD_E_THREAD_MISSING, "thread '%s'", name);
	if (r > 0)
		r = thread_of_row_locked(statement, ret_thread);
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_get_thread(struct hd_index *index, const char *name, struct hd_thread *ret_thread)
{
	int r;

	hd_index_lock(index);
	r = hd_index_get_thread_locked(index, name, ret_thread);
	hd_index_unlock(index);
	return r;
}

int hd_index_thread_number(struct hd_index *index, const char *name, uint32_t *ret_number)
{
	struct hd_thread thread;
	int r = hd_index_get_thread(index, name, &thread);

	if (r < 0)
		return r;
	*ret_number = thread.number;
	hd_thread_clear(&thread);
	return 0;
}

int hd_index_has_thread(struct hd_index *index, uint32_t number)
{
	static const char sql[] = "SELECT 1 FROM thread WHERE number = ?1";
	sqlite3_stmt *statement;
	int r;

	hd_index_lock(index);
	r = hd_index_query_locked(index, sql, &statement);
	if (r == 0) {
		(void)sqlite3_bind_int64(statement, 1, number);
		r = hd_index_step_locked(index, statement, "look for a thread");
		hd_index_reset_locked(statement);
	}
	hd_index_unlock(index);
	return r;
}

struct thread_list {
	struct hd_thread *threads; /* owned array */
	size_t count;
	size_t capacity;
};

static void thread_list_clear(struct thread_list *list)
{
	for (size_t i = 0; i < list->count; i++)
		hd_thread_clear(&list->threads[i]);
	free(list->threads);
}

static int append_thread_locked(sqlite3_stmt *row, void *payload)
{
	struct thread_list *list = payload;
	int r;

	if (HD_ARRAY_RESERVE(list->threads, list->count, list->capacity) < 0)
		return -ENOMEM;
	r = thread_of_row_locked(row, &list->threads[list->count]);
	if (r == 0)
		list->count++;
	return r;
}

int hd_index_list_threads(struct hd_index *index, hd_thread_emit emit, void *payload)
{
	static const char sql[] = "SELECT number, name, head, base, tree FROM thread ORDER BY name";
	struct thread_list list = {0};
	int r;

	hd_index_lock(index);
	r = hd_index_each_row_locked(index, sql, "list the threads", append_thread_locked, &list);
	hd_index_unlock(index);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = emit(&list.threads[i], payload);
	thread_list_clear(&list);
	return r;
}

/* ---- numbers ---- */

/* Several at once, as each time costs a sync. */
#define RESERVED_AT_ONCE 16

static int reserve_locked(struct hd_index *index)
{
	static const char move[] = "UPDATE sqlite_sequence SET seq = seq + ?1 WHERE name = 'thread'";
	static const char read[] = "SELECT seq FROM sqlite_sequence WHERE name = 'thread'";
	sqlite3_stmt *statement;
	int64_t last = 0;
	int r;

	r = hd_index_query_locked(index, move, &statement);
	if (r < 0)
		return r;
	(void)sqlite3_bind_int(statement, 1, RESERVED_AT_ONCE);
	r = hd_index_execute_locked(index, statement, "reserve numbers of threads");
	if (r == 0)
		r = hd_index_query_locked(index, read, &statement);
	if (r < 0)
		return r;
	r = hd_index_step_locked(index, statement, "read the last number of a thread");
	if (r > 0)
		last = sqlite3_column_int64(statement, 0);
	hd_index_reset_locked(statement);
	if (r < 0)
		return r;
	if (last <= RESERVED_AT_ONCE || last >= UINT32_MAX)
		return hd_fail(HD_E_STORE_CORRUPT, "the last number of a thread is %lld", (long long)last);
	index->next_reserved = (uint32_t)last - RESERVED_AT_ONCE + 1;
	index->reserved_end = (uint32_t)last + 1;
	return 0;
}

int hd_index_reserve_thread(struct hd_index *index, uint32_t *ret_number)
{
	int r = 0;

	hd_index_lock(index);
	if (index->next_reserved == index->reserved_end) {
		r = hd_index_begin_locked(index);
		if (r == 0)
			r = hd_index_end_locked(index, reserve_locked(index));
		if (r < 0)
			index->next_reserved = index->reserved_end = 0;
	}
	if (r == 0)
		*ret_number = index->next_reserved++;
	hd_index_unlock(index);
	return r;
}
