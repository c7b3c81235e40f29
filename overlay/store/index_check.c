/* SPDX-License-Identifier: Apache-2.0 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/index_types.h"

/* What SQLite itself finds wrong, and the list of all states, for overlay/check/check.h. */

#define PROBLEM_LIMIT 20

struct problem_list {
	char *texts[PROBLEM_LIMIT]; /* owned */
	size_t count;
};

static int keep_problem(struct problem_list *list, const char *what, const char *text)
{
	char *copy;

	if (list->count == PROBLEM_LIMIT)
		return 0;
	if (asprintf(&copy, "the index: %s%s", what, text ? text : "?") < 0)
		return -ENOMEM;
	list->texts[list->count++] = copy;
	return 0;
}

/* Every row of SQL is a problem, its first column the text, but one that says "ok". */
static int collect_locked(
	struct hd_index *index, const char *sql, const char *what, struct problem_list *list)
{
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	while ((r = hd_index_step_locked(index, statement, "check the index")) > 0) {
		const char *text = (const char *)sqlite3_column_text(statement, 0);

		if (text && strcmp(text, "ok") == 0)
			continue;
		r = keep_problem(list, what, text);
		if (r < 0)
			break;
	}
	hd_index_reset_locked(statement);
	return r;
}

int hd_index_check(struct hd_index *index, hd_index_emit_problem emit, void *payload)
{
	static const char integrity[] = "PRAGMA integrity_check(20)";
	static const char references[] = "PRAGMA foreign_key_check";
	struct problem_list list = {.count = 0};
	int r;

	hd_index_lock(index);
	r = collect_locked(index, integrity, "", &list);
	if (r == 0)
		r = collect_locked(
			index, references, "a row refers to a state that is not there, in the table ", &list);
	hd_index_unlock(index);
	for (size_t i = 0; i < list.count; i++) {
		emit(list.texts[i], payload);
		free(list.texts[i]);
	}
	return r;
}

static int read_ids_locked(struct hd_index *index, struct hd_state_id **ret_ids, size_t *ret_count)
{
	static const char sql[] = "SELECT id FROM state ORDER BY id";
	HD_AUTO_FREE struct hd_state_id *ids = NULL;
	sqlite3_stmt *statement;
	size_t count = 0;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	while ((r = hd_index_step_locked(index, statement, "list the states")) > 0) {
		struct hd_state_id *grown = reallocarray(ids, count + 1, sizeof(*ids));

		if (!grown) {
			r = -ENOMEM;
			break;
		}
		ids = grown;
		r = hd_index_column_state_id_locked(statement, 0, &ids[count]);
		if (r < 0)
			break;
		count++;
	}
	hd_index_reset_locked(statement);
	if (r < 0)
		return r;
	*ret_ids = HD_STEAL(ids);
	*ret_count = count;
	return 0;
}

int hd_index_list_states(struct hd_index *index, hd_state_id_emit emit, void *payload)
{
	HD_AUTO_FREE struct hd_state_id *ids = NULL;
	size_t count = 0;
	int r;

	hd_index_lock(index);
	r = read_ids_locked(index, &ids, &count);
	hd_index_unlock(index);
	for (size_t i = 0; i < count && r == 0; i++)
		r = emit(&ids[i], payload);
	return r;
}
