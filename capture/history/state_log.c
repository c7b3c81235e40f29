/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/history/state_log.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/array.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * Clocks go backwards, so time alone cannot order a history. The walk over all parents is Kahn's topological
 * sort (counts of children not yet shown; a state is free when it is 0), with time only choosing among the
 * free ones, or, by lines, which came free last: a state's parents are then shown before what waits elsewhere. Ids are
 * computed from their parents' ids: a history has no cycle.
 *
 * Nodes are kept sorted by id during the collection, which costs a memmove per state; at the 100 000 states
 * that a thread might have one day this is still below the cost of looking them up.
 */

struct log_node {
	struct hd_state state; /* owned */
	size_t children;       /* not shown yet */
};

struct log_graph {
	struct log_node **nodes; /* owned array of owned nodes, sorted by id */
	size_t count, capacity;
};

static void graph_clear(struct log_graph *graph)
{
	for (size_t i = 0; i < graph->count; i++) {
		hd_state_clear(&graph->nodes[i]->state);
		free(graph->nodes[i]);
	}
	free(graph->nodes);
}

/* The position of ID, or where it belongs. */
static size_t graph_find(const struct log_graph *graph, const struct hd_state_id *id, bool *ret_found)
{
	size_t low = 0, high = graph->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = memcmp(graph->nodes[middle]->state.id.bytes, id->bytes, HD_STATE_ID_SIZE);

		if (order == 0) {
			*ret_found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*ret_found = false;
	return low;
}

static int graph_add(struct log_graph *graph, struct hd_index *index, const struct hd_state_id *id,
	size_t position, struct log_node **ret_node)
{
	HD_AUTO_FREE struct log_node *node = calloc(1, sizeof(*node));
	int r;

	if (!node)
		return -ENOMEM;
	if (HD_ARRAY_RESERVE(graph->nodes, graph->count, graph->capacity) < 0)
		return -ENOMEM;
	r = hd_index_get_state(index, id, &node->state);
	if (r < 0)
		return r;
	memmove(&graph->nodes[position + 1], &graph->nodes[position],
		(graph->count - position) * sizeof(graph->nodes[0]));
	*ret_node = graph->nodes[position] = HD_STEAL(node);
	graph->count++;
	return 0;
}

/* Loads FROM and every ancestor of it that is not there yet, once, and counts the children of each. */
static int graph_collect(struct log_graph *graph, struct hd_index *index, const struct hd_state_id *from)
{
	HD_AUTO_BUFFER struct hd_buffer waiting = {0};
	struct log_node *node;
	bool known;
	size_t at = graph_find(graph, from, &known);
	int r;

	if (known)
		return 0;
	r = graph_add(graph, index, from, at, &node);
	if (r < 0)
		return r;
	hd_buffer_put(&waiting, &node, sizeof(node));
	while (waiting.size > 0 && hd_buffer_status(&waiting) == 0) {
		waiting.size -= sizeof(node);
		memcpy(&node, waiting.data + waiting.size, sizeof(node));
		for (size_t i = 0; i < node->state.n_parents; i++) {
			struct log_node *parent;
			bool found;
			size_t position = graph_find(graph, &node->state.parents[i], &found);

			if (found) {
				graph->nodes[position]->children++;
				continue;
			}
			r = graph_add(graph, index, &node->state.parents[i], position, &parent);
			if (r < 0)
				return r;
			parent->children = 1;
			hd_buffer_put(&waiting, &parent, sizeof(parent));
		}
	}
	return hd_buffer_status(&waiting);
}

static bool is_later(const struct hd_state *a, const struct hd_state *b)
{
	if (a->time_s != b->time_s)
		return a->time_s > b->time_s;
	return a->time_ns > b->time_ns;
}

/* The latest state in READY, an array of node pointers, which is taken out. */
static struct log_node *take_latest(struct hd_buffer *ready)
{
	struct log_node **nodes = (struct log_node **)(void *)ready->data;
	size_t count = ready->size / sizeof(*nodes);
	size_t latest = 0;
	struct log_node *node;

	for (size_t i = 1; i < count; i++) {
		if (is_later(&nodes[i]->state, &nodes[latest]->state))
			latest = i;
	}
	node = nodes[latest];
	nodes[latest] = nodes[count - 1];
	ready->size -= sizeof(*nodes);
	return node;
}

static struct log_node *take_last(struct hd_buffer *ready)
{
	struct log_node *node;

	ready->size -= sizeof(node);
	memcpy(&node, ready->data + ready->size, sizeof(node));
	return node;
}

static int compare_times(const void *a, const void *b)
{
	const struct log_node *left = *(struct log_node *const *)a, *right = *(struct log_node *const *)b;

	return is_later(&left->state, &right->state) - is_later(&right->state, &left->state);
}

/* Puts those that no other descends from into READY, the latest last. */
static int graph_begin(struct log_graph *graph, struct hd_buffer *ready)
{
	int r;

	for (size_t i = 0; i < graph->count; i++) {
		if (graph->nodes[i]->children == 0)
			hd_buffer_put(ready, &graph->nodes[i], sizeof(graph->nodes[i]));
	}
	r = hd_buffer_status(ready);
	if (r == 0 && ready->size > 0)
		qsort(ready->data, ready->size / sizeof(struct log_node *), sizeof(struct log_node *),
			compare_times);
	return r;
}

int hd_state_log_walk_several(struct hd_index *index, const struct hd_state_id *from, size_t n_from,
	enum hd_state_log_order order, hd_state_log_emit emit, void *payload)
{
	HD_AUTO_BUFFER struct hd_buffer ready = {0};
	struct log_graph graph = {0};
	struct log_node *node;
	bool found;
	int r = 0;

	for (size_t i = 0; i < n_from && r == 0; i++)
		r = graph_collect(&graph, index, &from[i]);
	if (r == 0)
		r = graph_begin(&graph, &ready);
	while (r == 0 && ready.size > 0) {
		node = order == HD_STATE_LOG_BY_LINES ? take_last(&ready) : take_latest(&ready);
		r = emit(&node->state, payload);
		for (size_t i = 0; r == 0 && i < node->state.n_parents; i++) {
			struct log_node *parent =
				graph.nodes[graph_find(&graph, &node->state.parents[i], &found)];

			if (--parent->children == 0)
				hd_buffer_put(&ready, &parent, sizeof(parent));
			r = hd_buffer_status(&ready);
		}
	}
	graph_clear(&graph);
	return r;
}

static int walk_first_parent(
	struct hd_index *index, const struct hd_state_id *from, hd_state_log_emit emit, void *payload)
{
	struct hd_state_id next = *from;
	bool more = true;

	while (more) {
		struct hd_state state = {0};
		int r;

		r = hd_index_get_state(index, &next, &state);
		if (r < 0)
			return r;
		more = state.n_parents > 0;
		if (more)
			next = state.parents[0];
		r = emit(&state, payload);
		hd_state_clear(&state);
		if (r != 0)
			return r;
	}
	return 0;
}

int hd_state_log_walk(struct hd_index *index, const struct hd_state_id *from, enum hd_state_log_order order,
	hd_state_log_emit emit, void *payload)
{
	if (order == HD_STATE_LOG_FIRST_PARENT)
		return walk_first_parent(index, from, emit, payload);
	return hd_state_log_walk_several(index, from, 1, order, emit, payload);
}
