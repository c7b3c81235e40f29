/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/index/index_types.h"
#include "overlay/store/index/state_codec.h"

/*
 * Imported states: many at once, and found again by their commits.
 *
 * They are rows of the map of exports like those that were exported: either way a row says that a state and a commit of a
 * repository are the same. A state and its row are added by one transaction, so that no import makes a second state of a
 * commit. Of a history of thousands of commits some hundreds share a transaction: a synced commit each would take longer
 * than all the rest, and one for all would keep other writers waiting.
 */

/* Stores that were made before there were imports lack it. */
int hd_index_prepare_import(struct hd_index *index)
{
	static const char sql[] =
		"CREATE INDEX IF NOT EXISTS export_commit ON export (git_commit, repository)";
	sqlite3_stmt *statement;
	int r;

	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0) {
		r = hd_index_query_locked(index, sql, &statement);
		if (r == 0)
			r = hd_index_execute_locked(index, statement, "index the map of exports");
		r = hd_index_end_locked(index, r);
	}
	hd_index_unlock(index);
	return r;
}

int hd_index_find_commit(
	struct hd_index *index, const char *repository, const char *commit, struct hd_state_id *ret_id)
{
	static const char sql[] = "SELECT state FROM export WHERE git_commit = ?1 AND "
				  "CASE WHEN ?2 IS NULL THEN repository NOT LIKE '%" HD_INDEX_NOTES_SUFFIX
				  "' ELSE repository = ?2 END LIMIT 1";
	sqlite3_stmt *statement;
	int r;

	hd_index_lock(index);
	r = hd_index_query_locked(index, sql, &statement);
	if (r == 0) {
		hd_index_bind_text_locked(statement, 1, commit);
		if (repository)
			hd_index_bind_text_locked(statement, 2, repository);
		r = hd_index_step_locked(index, statement, "find the state of a commit");
		if (r == 0)
			r = -HD_E_STATE_MISSING;
		if (r > 0)
			r = hd_index_column_state_id_locked(statement, 0, ret_id);
		hd_index_reset_locked(statement);
	}
	hd_index_unlock(index);
	return r;
}

static int publish_one_locked(struct hd_index *index, const char *repository, struct hd_state *state)
{
	HD_AUTO_BUFFER struct hd_buffer record = {0};
	int r;

	r = hd_state_encode(state, &record);
	if (r < 0)
		return r;
	state->id = hd_state_id_compute(record.data, record.size);
	r = hd_index_insert_state_locked(index, &state->id, state, &record);
	if (r == 0 && repository)
		r = hd_index_put_export_locked(index, repository, &state->id, state->git_commit);
	return r;
}

int hd_index_publish_imported(
	struct hd_index *index, const char *repository, struct hd_state *states, size_t count)
{
	int r;

	hd_index_lock(index);
	r = hd_index_begin_locked(index);
	if (r == 0) {
		for (size_t i = 0; i < count && r == 0; i++)
			r = publish_one_locked(index, repository, &states[i]);
		r = hd_index_end_locked(index, r);
	}
	hd_index_unlock(index);
	return r;
}
