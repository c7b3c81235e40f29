/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_check.h"
#include "overlay/store/index/index_types.h"

/* What SQLite itself finds wrong, and the list of all states, for overlay/check/check.h. */

#define PROBLEM_LIMIT 20

struct problem_list {
	char *texts[PROBLEM_LIMIT]; /* owned */
	size_t count;
	const char *prefix; /* of those that come now */
};

static int keep_problem(struct problem_list *list, const char *text)
{
	char *copy;

	if (list->count == PROBLEM_LIMIT)
		return 0;
	if (asprintf(&copy, "the index: %s%s", list->prefix, text ? text : "?") < 0)
		return -ENOMEM;
	list->texts[list->count++] = copy;
	return 0;
}

/* Every row is a problem, its first column the text, but one that says "ok". */
static int collect_row_locked(sqlite3_stmt *row, void *payload)
{
	struct problem_list *list = payload;
	const char *text = (const char *)sqlite3_column_text(row, 0);

	return text && strcmp(text, "ok") == 0 ? 0 : keep_problem(list, text);
}

static int collect_locked(
	struct hd_index *index, const char *sql, const char *prefix, struct problem_list *list)
{
	list->prefix = prefix;
	return hd_index_each_row_locked(index, sql, "check the index", collect_row_locked, list);
}

/* Its hash is the name of a path, so that a path which is another one by now shows. */
static int collect_path_locked(sqlite3_stmt *row, void *payload)
{
	const char *path = (const char *)sqlite3_column_text(row, 0);
	struct hd_hash128 hash = hd_hash128(path ? path : "", path ? strlen(path) : 0);
	const void *named = sqlite3_column_blob(row, 1);

	if (named && sqlite3_column_bytes(row, 1) == (int)sizeof(hash.bytes) &&
		memcmp(named, hash.bytes, sizeof(hash.bytes)) == 0)
		return 0;
	return keep_problem(payload, path);
}

int hd_index_check(struct hd_index *index, hd_index_emit_problem emit, void *payload)
{
	static const char integrity[] = "PRAGMA integrity_check(20)";
	static const char references[] = "PRAGMA foreign_key_check";
	static const char undone[] =
		"SELECT number FROM operation AS o WHERE undone != 0 AND NOT EXISTS"
		" (SELECT 1 FROM operation WHERE number = o.undone AND target = o.number)";
	static const char paths[] = "SELECT path, hash FROM host_path";
	struct problem_list list = {.count = 0};
	int r;

	hd_index_lock(index);
	r = collect_locked(index, integrity, "", &list);
	if (r == 0)
		r = collect_locked(
			index, references, "a row refers to a state that is not there, in the table ", &list);
	if (r == 0)
		r = collect_locked(index, undone, "what undid it is not in the log: operation ", &list);
	list.prefix = "a base's path is not the one that was written: ";
	if (r == 0)
		r = hd_index_each_row_locked(index, paths, "check the index", collect_path_locked, &list);
	hd_index_unlock(index);
	for (size_t i = 0; i < list.count; i++) {
		emit(list.texts[i], payload);
		free(list.texts[i]);
	}
	return r < 0 ? r : hd_index_check_log(index, emit, payload);
}

struct id_list {
	struct hd_state_id *ids; /* owned array */
	size_t count;
	size_t capacity;
};

static int append_id_locked(sqlite3_stmt *row, void *payload)
{
	struct id_list *list = payload;
	int r;

	if (HD_ARRAY_RESERVE(list->ids, list->count, list->capacity) < 0)
		return -ENOMEM;
	r = hd_index_column_state_id_locked(row, 0, &list->ids[list->count]);
	if (r == 0)
		list->count++;
	return r;
}

int hd_index_list_states(struct hd_index *index, hd_state_id_emit emit, void *payload)
{
	static const char sql[] = "SELECT id FROM state ORDER BY id";
	struct id_list list = {0};
	int r;

	hd_index_lock(index);
	r = hd_index_each_row_locked(index, sql, "list the states", append_id_locked, &list);
	hd_index_unlock(index);
	for (size_t i = 0; i < list.count && r == 0; i++)
		r = emit(&list.ids[i], payload);
	free(list.ids);
	return r;
}
