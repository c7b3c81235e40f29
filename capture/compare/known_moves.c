/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/compare/known_moves.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/history/state_log.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"

/*
 * Histories are read from their ends, so moves are put together from behind. What a list says is by the paths of its two
 * trees alone: of nested directories that were moved each has a row of its own, and the row of the innermost counts.
 */

void hd_known_moves_clear(struct hd_known_moves *moves)
{
	for (size_t i = 0; i < moves->count; i++) {
		free(moves->items[i].from);
		free(moves->items[i].to);
	}
	free(moves->items);
	*moves = (struct hd_known_moves){0};
}

const char *hd_known_moves_rest(const char *above, const char *path)
{
	size_t length = strlen(above);

	return strncmp(above, path, length) == 0 && (path[length] == '/' || !path[length]) ? path + length
											   : NULL;
}

/* PATH of one tree as the other has it, by the innermost of N moves above it: fresh memory; NULL if there is none. */
static int moved_path(
	const struct hd_state_move *moves, size_t n, const char *path, bool back, char **ret_path)
{
	const struct hd_state_move *best = NULL;
	const char *best_rest = NULL;

	*ret_path = NULL;
	for (size_t i = 0; i < n; i++) {
		const char *rest = hd_known_moves_rest(back ? moves[i].to : moves[i].from, path);

		if (!rest || (best && rest <= best_rest))
			continue;
		best = &moves[i];
		best_rest = rest;
	}
	if (best && asprintf(ret_path, "%s%s", back ? best->from : best->to, best_rest) < 0) {
		*ret_path = NULL;
		return -ENOMEM;
	}
	return 0;
}

int hd_known_moves_add(struct hd_known_moves *moves, const char *from, const char *to)
{
	struct hd_state_move *move;

	if (HD_ARRAY_RESERVE(moves->items, moves->count, moves->capacity) < 0)
		return -ENOMEM;
	move = &moves->items[moves->count++];
	*move = (struct hd_state_move){.from = strdup(from), .to = strdup(to)};
	return move->from && move->to ? 0 : -ENOMEM;
}

/* Of what the list did not move further: by where the directories above it went. */
static int append_earlier(struct hd_known_moves *moves, size_t n_later, const struct hd_state_move *earlier)
{
	HD_AUTO_FREE char *to = NULL;
	int r;

	for (size_t i = 0; i < n_later; i++)
		if (strcmp(moves->items[i].from, earlier->to) == 0)
			return 0;
	r = moved_path(moves->items, n_later, earlier->to, false, &to);
	return r < 0 ? r : hd_known_moves_add(moves, earlier->from, to ? to : earlier->to);
}

int hd_known_moves_put_before(
	struct hd_known_moves *moves, const struct hd_state_move *earlier, size_t n_earlier)
{
	size_t n_later = moves->count;
	int r = 0;

	for (size_t i = 0; i < n_earlier && r == 0; i++)
		r = append_earlier(moves, n_later, &earlier[i]);
	for (size_t i = 0; i < n_later && r == 0; i++) {
		char *from;

		r = moved_path(earlier, n_earlier, moves->items[i].from, true, &from);
		if (from) {
			free(moves->items[i].from);
			moves->items[i].from = from;
		}
	}
	return r;
}

/* ---- between two states ---- */

struct line {
	struct hd_state_id *ids; /* owned array: the first parents of a state, itself first */
	size_t count, capacity;
	const struct hd_state_id *wanted; /* borrowed: where the walk ends */
};

static int note_id(const struct hd_state *state, void *payload)
{
	struct line *line = payload;

	if (line->count == HD_KNOWN_MOVES_HISTORY)
		return 1;
	if (HD_ARRAY_RESERVE(line->ids, line->count, line->capacity) < 0)
		return -ENOMEM;
	line->ids[line->count++] = state->id;
	return hd_state_id_equal(&state->id, line->wanted);
}

static int compare_ids(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct hd_state_id));
}

/* The first of LINE that is in OTHER, which gets sorted; NULL if none is. */
static const struct hd_state_id *find_common(const struct line *line, struct line *other)
{
	if (other->count == 0)
		return NULL;
	qsort(other->ids, other->count, sizeof(*other->ids), compare_ids);
	for (size_t i = 0; i < line->count; i++)
		if (bsearch(&line->ids[i], other->ids, other->count, sizeof(*other->ids), compare_ids))
			return &line->ids[i];
	return NULL;
}

struct collecting {
	const struct hd_state_id *end;
	struct hd_known_moves *moves;
};

static int put_state(const struct hd_state *state, void *payload)
{
	struct collecting *collecting = payload;

	if (hd_state_id_equal(&state->id, collecting->end))
		return 1;
	return hd_known_moves_put_before(collecting->moves, state->moves, state->n_moves);
}

/* From FROM, which is in the line of first parents of TO. */
static int collect(struct hd_index *index, const struct hd_state_id *from, const struct hd_state_id *to,
	struct hd_known_moves *moves)
{
	struct collecting collecting = {.end = from, .moves = moves};
	int r = hd_state_log_walk(index, to, HD_STATE_LOG_FIRST_PARENT, put_state, &collecting);

	return r < 0 ? r : 0;
}

static void turn_round(struct hd_known_moves *moves)
{
	for (size_t i = 0; i < moves->count; i++) {
		char *from = moves->items[i].from;

		moves->items[i].from = moves->items[i].to;
		moves->items[i].to = from;
	}
}

int hd_known_moves_between(struct hd_index *index, const struct hd_state_id *from,
	const struct hd_state_id *to, struct hd_known_moves *ret_moves)
{
	struct line lines[2] = {{.wanted = from}, {.wanted = to}};
	struct hd_known_moves back = {0}, moves = {0};
	const struct hd_state_id *common = NULL;
	int r = hd_state_log_walk(index, to, HD_STATE_LOG_FIRST_PARENT, note_id, &lines[0]);

	/* Most are compared with one of their ancestors. */
	if (r >= 0 && lines[0].count > 0 && hd_state_id_equal(&lines[0].ids[lines[0].count - 1], from))
		common = from;
	else if (r >= 0)
		r = hd_state_log_walk(index, from, HD_STATE_LOG_FIRST_PARENT, note_id, &lines[1]);
	if (r >= 0 && !common)
		common = find_common(&lines[1], &lines[0]);
	r = r < 0 ? r : 0;
	if (common) {
		r = collect(index, common, to, &moves);
		if (r >= 0)
			r = collect(index, common, from, &back);
		turn_round(&back);
		if (r >= 0)
			r = hd_known_moves_put_before(&moves, back.items, back.count);
	}
	hd_known_moves_clear(&back);
	free(lines[0].ids);
	free(lines[1].ids);
	if (r < 0) {
		hd_known_moves_clear(&moves);
		return r;
	}
	*ret_moves = moves;
	return 0;
}
