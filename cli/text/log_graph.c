/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/text/log_graph.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* A column is two characters: the line itself, at the even one, and room for those that pass at the odd one. */

#define NO_LANE SIZE_MAX

void hd_log_graph_clear(struct hd_log_graph *graph)
{
	free(graph->lanes);
	*graph = (struct hd_log_graph){0};
}

static bool is_used(const struct hd_log_graph *graph, size_t lane)
{
	return lane < graph->n_lanes && !hd_state_id_is_zero(&graph->lanes[lane]);
}

/* The first column of ID that is not EXCEPT. */
static size_t lane_of(const struct hd_log_graph *graph, const struct hd_state_id *id, size_t except)
{
	for (size_t lane = 0; lane < graph->n_lanes; lane++) {
		if (lane != except && hd_state_id_equal(&graph->lanes[lane], id))
			return lane;
	}
	return NO_LANE;
}

/* Gives ID the first free column from LEAST on. */
static int take_lane(struct hd_log_graph *graph, const struct hd_state_id *id, size_t least, size_t *ret_lane)
{
	size_t lane = least;

	while (is_used(graph, lane))
		lane++;
	if (lane >= graph->capacity) {
		size_t capacity = lane < 8 ? 16 : 2 * lane;
		struct hd_state_id *lanes = reallocarray(graph->lanes, capacity, sizeof(*lanes));

		if (!lanes)
			return -ENOMEM;
		memset(lanes + graph->capacity, 0, (capacity - graph->capacity) * sizeof(*lanes));
		graph->lanes = lanes;
		graph->capacity = capacity;
	}
	graph->lanes[lane] = *id;
	if (lane >= graph->n_lanes)
		graph->n_lanes = lane + 1;
	*ret_lane = lane;
	return 0;
}

static void free_lane(struct hd_log_graph *graph, size_t lane)
{
	graph->lanes[lane] = (struct hd_state_id){0};
	while (graph->n_lanes > 0 && !is_used(graph, graph->n_lanes - 1))
		graph->n_lanes--;
}

/* Appends a row of WIDTH columns with a line in each that is used; the caller draws the rest into it. */
static char *begin_row(const struct hd_log_graph *graph, size_t width, struct hd_buffer *rows)
{
	char *row = hd_buffer_extend(rows, 2 * width);

	for (size_t lane = 0; row && lane < width; lane++) {
		row[2 * lane] = is_used(graph, lane) ? '|' : ' ';
		row[2 * lane + 1] = ' ';
	}
	return row;
}

static void end_row(struct hd_buffer *rows)
{
	while (rows->size > 0 && rows->data[rows->size - 1] == ' ')
		rows->size--;
	hd_buffer_put_u8(rows, '\n');
}

static size_t width_with(const struct hd_log_graph *graph, size_t lane)
{
	return lane >= graph->n_lanes ? lane + 1 : graph->n_lanes;
}

/* Below everything from character FROM up to, not with, TO. */
static void underline(char *row, size_t from, size_t to)
{
	for (size_t at = from; at < to; at++) {
		if (row[at] == ' ')
			row[at] = '_';
	}
}

/* A line from column FROM to column TO, which is NEW if it begins there. */
static void put_edge(
	const struct hd_log_graph *graph, size_t from, size_t to, bool is_new, struct hd_buffer *rows)
{
	size_t width = width_with(graph, from > to ? from : to);
	char *row = begin_row(graph, width, rows);

	if (!row)
		return;
	if (is_new)
		row[2 * to] = ' ';
	if (from < to) {
		row[2 * from + 1] = '\\';
		underline(row, 2 * from + 2, 2 * to);
	} else {
		row[2 * from - 1] = '/';
		underline(row, 2 * to + 1, 2 * from - 1);
	}
	end_row(rows);
}

/* Ends one of two columns that wait for the same state: the right one. */
static void join(struct hd_log_graph *graph, size_t a, size_t b, struct hd_buffer *rows)
{
	size_t left = a < b ? a : b, right = a < b ? b : a;

	free_lane(graph, right);
	put_edge(graph, right, left, false, rows);
}

static int put_parents(struct hd_log_graph *graph, size_t lane, const struct hd_state_id *parents,
	size_t n_parents, struct hd_buffer *rows)
{
	size_t other;
	int r = 0;

	graph->lanes[lane] = parents[0];
	for (size_t i = 1; i < n_parents && r >= 0; i++) {
		if (hd_state_id_equal(&parents[i], &parents[0]))
			continue;
		other = lane_of(graph, &parents[i], NO_LANE);
		if (other != NO_LANE) {
			put_edge(graph, lane, other, false, rows);
			continue;
		}
		r = take_lane(graph, &parents[i], lane + 1, &other);
		if (r >= 0)
			put_edge(graph, lane, other, true, rows);
	}
	other = lane_of(graph, &parents[0], lane);
	if (r >= 0 && other != NO_LANE)
		join(graph, lane, other, rows);
	return r;
}

int hd_log_graph_put(struct hd_log_graph *graph, const struct hd_state_id *id,
	const struct hd_state_id *parents, size_t n_parents, struct hd_buffer *rows)
{
	size_t lane = lane_of(graph, id, NO_LANE);
	char *row;
	int r = lane == NO_LANE ? take_lane(graph, id, 0, &lane) : 0;

	if (r < 0)
		return r;
	row = begin_row(graph, graph->n_lanes, rows);
	if (row) {
		row[2 * lane] = '*';
		end_row(rows);
	}
	if (n_parents == 0)
		free_lane(graph, lane);
	else
		r = put_parents(graph, lane, parents, n_parents, rows);
	return r < 0 ? r : hd_buffer_status(rows);
}

void hd_log_graph_put_between(const struct hd_log_graph *graph, struct hd_buffer *rows)
{
	(void)begin_row(graph, graph->n_lanes, rows);
	end_row(rows);
}
