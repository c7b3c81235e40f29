/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/error.h"
#include "overlay/store/index/index_types.h"

/*
 * The export map. It only saves work: a row says which commit a state became in a repository, so that
 * exporting a longer history again makes the same commits for its older part. Losing a row would cost a
 * look-up, nothing else.
 */

static int get_export_locked(
	struct hd_index *index, const char *repository, const struct hd_state_id *id, char **ret_commit)
{
	static const char sql[] = "SELECT git_commit FROM export WHERE repository = ?1 AND state = ?2";
	char *commit = NULL;
	sqlite3_stmt *statement;
	int r;

	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, repository);
	hd_index_bind_state_id_locked(statement, 2, id);
	r = hd_index_step_locked(index, statement, "read the export map");
	if (r == 0)
		r = -ENOENT;
	if (r > 0)
		r = hd_index_column_text_locked(statement, 0, &commit);
	hd_index_reset_locked(statement);
	if (r < 0)
		return r;
	*ret_commit = commit;
	return 0;
}

int hd_index_get_export(
	struct hd_index *index, const char *repository, const struct hd_state_id *id, char **ret_commit)
{
	int r;

	hd_index_lock(index);
	r = get_export_locked(index, repository, id, ret_commit);
	hd_index_unlock(index);
	return r;
}

int hd_index_put_export_locked(
	struct hd_index *index, const char *repository, const struct hd_state_id *id, const char *commit)
{
	static const char sql[] = "INSERT INTO export (repository, state, git_commit) VALUES (?1, ?2, ?3)"
				  " ON CONFLICT DO UPDATE SET git_commit = excluded.git_commit";
	sqlite3_stmt *statement;
	int r;

	r = hd_index_has_state_locked(index, id);
	if (r == 0)
		return -HD_E_STATE_MISSING;
	if (r < 0)
		return r;
	r = hd_index_query_locked(index, sql, &statement);
	if (r < 0)
		return r;
	hd_index_bind_text_locked(statement, 1, repository);
	hd_index_bind_state_id_locked(statement, 2, id);
	hd_index_bind_text_locked(statement, 3, commit);
	return hd_index_execute_locked(index, statement, "write the export map");
}

int hd_index_put_exports(
	struct hd_index *index, const char *repository, const struct hd_export_row *rows, size_t count)
{
	int r;

	if (count == 0)
		return 0;
	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0) {
		for (size_t i = 0; i < count && r == 0; i++)
			r = hd_index_put_export_locked(index, repository, &rows[i].state, rows[i].commit);
		r = hd_index_end_locked(index, r);
	}
	hd_index_unlock(index);
	return r;
}
