/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/history/state_history.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "capture/history/state_log.h"
#include "overlay/platform/buffer.h"

/* From the oldest state on, each that is left out is replaced by its parents, which have been before it. */

struct row {
	struct hd_history_row found;
	bool wanted;
};

struct reading {
	hd_history_filter filter;
	void *payload;
	struct hd_buffer rows; /* of struct row */
};

static struct row *rows_of(const struct reading *reading, size_t *ret_count)
{
	*ret_count = reading->rows.size / sizeof(struct row);
	return (struct row *)(void *)reading->rows.data;
}

static int keep_state(const struct hd_state *state, void *payload)
{
	struct reading *reading = payload;
	struct row row = {.found = {.id = state->id, .n_parents = state->n_parents}};
	int r = reading->filter ? reading->filter(state, reading->payload) : 1;

	if (r < 0)
		return r;
	row.wanted = r > 0;
	row.found.parents = calloc(state->n_parents + 1, sizeof(*row.found.parents));
	if (!row.found.parents)
		return -ENOMEM;
	if (state->n_parents > 0)
		memcpy(row.found.parents, state->parents, state->n_parents * sizeof(*state->parents));
	hd_buffer_put(&reading->rows, &row, sizeof(row));
	r = hd_buffer_status(&reading->rows);
	if (r < 0)
		free(row.found.parents);
	return r;
}

static int compare_rows(const void *a, const void *b)
{
	const struct row *left = *(struct row *const *)a, *right = *(struct row *const *)b;

	return memcmp(left->found.id.bytes, right->found.id.bytes, HD_STATE_ID_SIZE);
}

static struct row *find_row(struct row **sorted, size_t count, const struct hd_state_id *id)
{
	struct row key = {.found = {.id = *id}};
	const struct row *wanted = &key;
	struct row **found = bsearch(&wanted, sorted, count, sizeof(struct row *), compare_rows);

	return found ? *found : NULL;
}

static void add_once(struct hd_buffer *parents, const struct hd_state_id *id)
{
	const struct hd_state_id *known = (const struct hd_state_id *)(void *)parents->data;

	for (size_t i = 0; i < parents->size / sizeof(*known); i++) {
		if (hd_state_id_equal(&known[i], id))
			return;
	}
	hd_buffer_put(parents, id, sizeof(*id));
}

/* Replaces the parents of ROW that are left out by theirs, which are right already. */
static int replace_parents(struct row **sorted, size_t count, struct row *row)
{
	struct hd_buffer parents = {0};
	int r;

	for (size_t i = 0; i < row->found.n_parents; i++) {
		const struct row *parent = find_row(sorted, count, &row->found.parents[i]);

		if (!parent || parent->wanted) {
			add_once(&parents, &row->found.parents[i]);
			continue;
		}
		for (size_t j = 0; j < parent->found.n_parents; j++)
			add_once(&parents, &parent->found.parents[j]);
	}
	r = hd_buffer_status(&parents);
	if (r < 0)
		return r;
	free(row->found.parents);
	row->found.n_parents = parents.size / sizeof(struct hd_state_id);
	row->found.parents = hd_buffer_steal(&parents, NULL);
	return row->found.parents ? 0 : -ENOMEM;
}

static int replace_all(struct row *rows, size_t count)
{
	struct row **sorted = calloc(count + 1, sizeof(*sorted));
	int r = sorted ? 0 : -ENOMEM;

	if (r < 0)
		return r;
	for (size_t i = 0; i < count; i++)
		sorted[i] = &rows[i];
	qsort(sorted, count, sizeof(*sorted), compare_rows);
	for (size_t i = count; i-- > 0 && r >= 0;)
		r = replace_parents(sorted, count, &rows[i]);
	free(sorted);
	return r;
}

/* Hands on the rows that are wanted, and frees the others. */
static int take_wanted(struct row *rows, size_t count, struct hd_history *history)
{
	history->rows = calloc(count + 1, sizeof(*history->rows));
	if (!history->rows)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		if (!rows[i].wanted)
			continue;
		history->rows[history->count++] = rows[i].found;
		rows[i].found.parents = NULL;
	}
	return 0;
}

int hd_history_read(struct hd_index *index, const struct hd_state_id *from, size_t n_from,
	hd_history_filter filter, void *payload, struct hd_history *ret_history)
{
	struct reading reading = {.filter = filter, .payload = payload};
	struct hd_history history = {0};
	struct row *rows;
	size_t count;
	int r;

	r = hd_state_log_walk_several(index, from, n_from, HD_STATE_LOG_BY_LINES, keep_state, &reading);
	rows = rows_of(&reading, &count);
	if (r >= 0 && filter)
		r = replace_all(rows, count);
	if (r >= 0)
		r = take_wanted(rows, count, &history);
	for (size_t i = 0; i < count; i++)
		free(rows[i].found.parents);
	hd_buffer_clear(&reading.rows);
	if (r < 0)
		return r;
	*ret_history = history;
	return 0;
}

void hd_history_clear(struct hd_history *history)
{
	for (size_t i = 0; i < history->count; i++)
		free(history->rows[i].parents);
	free(history->rows);
	*history = (struct hd_history){0};
}
