/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_LOG_GRAPH_H
#define HEDDLE_CLI_TEXT_LOG_GRAPH_H

/*
 * Log graph: a history drawn beside its states, in ASCII.
 *
 *     *     a merge: the state, and in the next row the line to its second parent
 *     |\
 *     | *   a state of the other line
 *     * |
 *     |/    both lines began at the state below
 *     *
 *
 * A line keeps its column from its first state to its last; columns that became free are used again. A line to a column
 * farther away runs below the others: "|_|/" ends the third line in the first, "|\_|_" begins a fourth.
 *
 * Calling sequence
 *     hd_log_graph_put for each state, a state before its parents → hd_log_graph_clear
 *
 * Threads     One. Errors: -ENOMEM.
 */

#include "overlay/platform/buffer.h"
#include "overlay/store/index/index.h"

/* All zero to begin with. */
struct hd_log_graph {
	struct hd_state_id
		*lanes; /* owned array: the state that comes next in each column; zero where it is free */
	size_t n_lanes, capacity;
};

/*
 * Appends the rows of a state to ROWS, each with a newline and no blanks at its end: first the one with the star, then
 * those of lines that begin or end below it.
 */
int hd_log_graph_put(struct hd_log_graph *graph, const struct hd_state_id *id,
	const struct hd_state_id *parents, size_t n_parents, struct hd_buffer *rows);

/* Appends the row between this state and the next, as above. */
void hd_log_graph_put_between(const struct hd_log_graph *graph, struct hd_buffer *rows);

/* Frees what it owns. */
void hd_log_graph_clear(struct hd_log_graph *graph);

#endif
