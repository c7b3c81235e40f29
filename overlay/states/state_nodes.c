/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/states/state_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/platform/error_codes.h"

/*
 * Record 0 of the table is its allocator, as the heads of the other tables lie in one that the journal keeps.
 *
 * Chained hashing by number. A chain is entered at once, because the same file may come twice in one transaction, by
 * two of its names; if that fails it is left again. What is freed leaves its chain when the transaction is done.
 */

#define FIRST_BUCKETS 1024u
#define LOOK_AT 8192u /* records in one hold of the lock */

struct changed {
	uint32_t index;
	uint64_t number;
};

struct change_list {
	struct changed *items; /* owned */
	size_t count, capacity;
};

struct hd_state_nodes {
	struct hd_arena *arena; /* borrowed */
	uint32_t *buckets;      /* owned: first of each chain */
	uint32_t n_buckets;     /* a power of two */
	uint32_t *next;         /* owned, by index */
	uint32_t n_next;
	uint32_t count;           /* in chains */
	_Atomic uint32_t counted; /* records in use, as of the last transaction */
	_Atomic uint64_t n_freed; /* ever */
	struct change_list added, freed;
};

static const struct hd_allocator *allocator_of(const struct hd_arena *arena)
{
	return hd_record(arena, HD_TABLE_STATE_NODE, 0);
}

static uint32_t high_water(const struct hd_arena *arena)
{
	uint32_t mark = allocator_of(arena)->high_water, limit = hd_record_limit(HD_TABLE_STATE_NODE);

	return mark == 0 ? 1 : mark < limit ? mark : limit;
}

uint32_t hd_state_nodes_count(const struct hd_arena *arena)
{
	return allocator_of(arena)->used;
}

hd_ino hd_state_node_id(const struct hd_arena *arena, uint32_t index)
{
	return hd_state_node_id_of(hd_record_state_node(arena, index), index);
}

const struct hd_state_node *hd_state_node_get(const struct hd_arena *arena, hd_ino ino)
{
	uint32_t index = hd_state_node_index(ino);
	const struct hd_state_node *node;

	if (!hd_ino_is_of_state(ino) || index == 0 || index >= high_water(arena))
		return NULL;
	node = hd_record_state_node(arena, index);
	if (node->kind == HD_STATE_NODE_FREE || hd_state_node_id_of(node, index) != ino)
		return NULL;
	/* Nothing verifies this table after a death, and the memory it is in may be damaged. */
	if (node->parent >= high_water(arena) || node->root >= high_water(arena) ||
		!hd_content_is_valid(&node->content) || !hd_content_is_valid(&node->attributes))
		return NULL;
	return node;
}

/* ---- chains ---- */

static uint32_t *bucket_of(struct hd_state_nodes *nodes, uint64_t number)
{
	return &nodes->buckets[(number ^ number >> 32) & (nodes->n_buckets - 1)];
}

static void chain(struct hd_state_nodes *nodes, uint32_t index, uint64_t number)
{
	uint32_t *bucket = bucket_of(nodes, number);

	nodes->next[index] = *bucket;
	*bucket = index;
	nodes->count++;
}

static void unchain(struct hd_state_nodes *nodes, const struct changed *changed)
{
	uint32_t *link = bucket_of(nodes, changed->number);

	while (*link && *link != changed->index)
		link = &nodes->next[*link];
	if (!*link)
		return;
	*link = nodes->next[changed->index];
	nodes->count--;
}

/* Chains that get long are slow and nothing else, so a lack of memory here is no failure. */
static void widen(struct hd_state_nodes *nodes, const struct hd_transaction *transaction)
{
	uint32_t n_buckets = nodes->n_buckets * 2, n_old = nodes->n_buckets;
	uint32_t *old = nodes->buckets, *buckets = calloc(n_buckets, sizeof(*buckets));

	if (!buckets)
		return;
	nodes->buckets = buckets;
	nodes->n_buckets = n_buckets;
	nodes->count = 0;
	for (uint32_t i = 0; i < n_old; i++) {
		for (uint32_t index = old[i], next; index; index = next) {
			next = nodes->next[index];
			chain(nodes, index, hd_view_state_node(transaction, index)->number);
		}
	}
	free(old);
}

static bool make_room(struct hd_state_nodes *nodes, uint32_t index)
{
	uint32_t n_next = nodes->n_next ? nodes->n_next : FIRST_BUCKETS;
	uint32_t *next;

	while (n_next <= index)
		n_next *= 2;
	if (n_next == nodes->n_next)
		return true;
	next = reallocarray(nodes->next, n_next, sizeof(*next));
	if (!next)
		return false;
	nodes->next = next;
	nodes->n_next = n_next;
	return true;
}

static bool note(struct change_list *list, uint32_t index, uint64_t number)
{
	if (list->count == list->capacity) {
		size_t capacity = list->capacity ? list->capacity * 2 : 64;
		struct changed *items = reallocarray(list->items, capacity, sizeof(*items));

		if (!items)
			return false;
		list->items = items;
		list->capacity = capacity;
	}
	list->items[list->count++] = (struct changed){index, number};
	return true;
}

/* ---- life ---- */

static int enter_all(struct hd_state_nodes *nodes)
{
	struct hd_transaction nothing;
	uint32_t limit = high_water(nodes->arena);

	hd_transaction_begin(nodes->arena, &nothing);
	for (uint32_t index = 1; index < limit; index++) {
		const struct hd_state_node *node = hd_record_state_node(nodes->arena, index);

		if (node->kind == HD_STATE_NODE_FREE)
			continue;
		if (!make_room(nodes, index))
			return -ENOMEM;
		chain(nodes, index, node->number);
		if (nodes->count > nodes->n_buckets)
			widen(nodes, &nothing);
	}
	hd_transaction_abort(&nothing);
	return 0;
}

int hd_state_nodes_new(struct hd_arena *arena, bool keep, struct hd_state_nodes **ret_nodes)
{
	struct hd_state_nodes *nodes = calloc(1, sizeof(*nodes));
	int r = 0;

	if (!nodes)
		return -ENOMEM;
	nodes->arena = arena;
	nodes->n_buckets = FIRST_BUCKETS;
	nodes->buckets = calloc(nodes->n_buckets, sizeof(*nodes->buckets));
	if (!nodes->buckets)
		r = -ENOMEM;
	else if (keep)
		r = enter_all(nodes);
	else
		hd_arena_clear_state_nodes(arena);
	if (r < 0) {
		hd_state_nodes_free(nodes);
		return r;
	}
	nodes->counted = hd_state_nodes_count(arena);
	*ret_nodes = nodes;
	return 0;
}

void hd_state_nodes_free(struct hd_state_nodes *nodes)
{
	if (!nodes)
		return;
	free(nodes->buckets);
	free(nodes->next);
	free(nodes->added.items);
	free(nodes->freed.items);
	free(nodes);
}

/* ---- holding and letting go ---- */

static bool is_same(const struct hd_state_node *node, const struct hd_state_node *like)
{
	if (node->number != like->number || node->kind != like->kind)
		return false;
	/* Roots and links are the only ones of their state. */
	if (like->parent == 0)
		return node->parent == 0 && hd_state_id_equal(&node->state, &like->state);
	if (like->link_group)
		return node->link_group == like->link_group && node->root == like->root;
	return node->parent == like->parent && node->name == like->name;
}

static uint32_t find(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, const struct hd_state_node *like)
{
	uint32_t index = *bucket_of(nodes, like->number);

	while (index && !is_same(hd_view_state_node(transaction, index), like))
		index = nodes->next[index];
	return index;
}

/* A free record with its generation grown; 0 on failure. */
static uint32_t allocate(struct hd_transaction *transaction)
{
	struct hd_allocator *allocator = hd_edit(transaction, HD_TABLE_STATE_NODE, 0);
	uint32_t index = allocator->first_free;

	if (index) {
		allocator->first_free = hd_view_state_node(transaction, index)->next_free;
	} else {
		index = allocator->high_water ? allocator->high_water : 1;
		allocator->high_water = index + 1;
	}
	if (index >= hd_record_limit(HD_TABLE_STATE_NODE) && transaction->status == 0)
		transaction->status = -HD_E_ARENA_FULL;
	allocator->used++;
	return transaction->status < 0 ? 0 : index;
}

static uint32_t make(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, const struct hd_state_node *like)
{
	uint32_t index = allocate(transaction);
	struct hd_state_node *node;
	uint32_t generation;

	if (index == 0)
		return 0;
	if (!make_room(nodes, index) || !note(&nodes->added, index, like->number)) {
		transaction->status = -ENOMEM;
		return 0;
	}
	node = hd_edit_state_node(transaction, index);
	generation = node->generation + hd_arena_generation_seed(transaction->arena);
	*node = *like;
	node->next_free = 0;
	node->generation = generation;
	node->children = 0;
	node->lookups = 0;
	if (like->parent)
		hd_edit_state_node(transaction, like->parent)->children++;
	else if (like->kind == HD_STATE_NODE_TREE)
		node->root = index;
	chain(nodes, index, like->number);
	if (nodes->count > nodes->n_buckets)
		widen(nodes, transaction);
	return index;
}

uint32_t hd_state_nodes_hold(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, const struct hd_state_node *like)
{
	uint32_t index = find(nodes, transaction, like);

	if (index == 0)
		index = make(nodes, transaction, like);
	if (index)
		hd_edit_state_node(transaction, index)->lookups++;
	return index;
}

static void release(struct hd_transaction *transaction, struct hd_state_node *node, uint32_t index)
{
	struct hd_allocator *allocator = hd_edit(transaction, HD_TABLE_STATE_NODE, 0);
	uint32_t generation = node->generation + 1;

	*node = (struct hd_state_node){.next_free = allocator->first_free, .generation = generation};
	allocator->first_free = index;
	allocator->used--;
}

void hd_state_nodes_let_go(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, uint32_t index, uint64_t count)
{
	struct hd_state_node *node = hd_edit_state_node(transaction, index);

	node->lookups -= count < node->lookups ? count : node->lookups;
	while (index && node->lookups == 0 && node->children == 0 && transaction->status == 0) {
		uint32_t parent = node->parent;

		if (!note(&nodes->freed, index, node->number)) {
			transaction->status = -ENOMEM;
			return;
		}
		release(transaction, node, index);
		index = parent;
		node = hd_edit_state_node(transaction, index);
		if (index)
			node->children--;
	}
}

void hd_state_nodes_end(struct hd_state_nodes *nodes, int r)
{
	const struct change_list *gone = r < 0 ? &nodes->added : &nodes->freed;

	for (size_t i = 0; i < gone->count; i++)
		unchain(nodes, &gone->items[i]);
	if (r >= 0)
		nodes->n_freed += nodes->freed.count;
	nodes->added.count = 0;
	nodes->freed.count = 0;
	nodes->counted = hd_state_nodes_count(nodes->arena);
}

uint32_t hd_state_nodes_counted(const struct hd_state_nodes *nodes)
{
	return nodes->counted;
}

uint64_t hd_state_nodes_freed(const struct hd_state_nodes *nodes)
{
	return nodes->n_freed;
}

/* ---- what the kernel may be asked to let go of ---- */

static bool is_listed(const struct hd_state_node *node, bool roots)
{
	if (node->kind == HD_STATE_NODE_FREE || node->lookups == 0)
		return false;
	return roots ? node->kind == HD_STATE_NODE_TREE && node->parent == 0 : node->children == 0;
}

size_t hd_state_nodes_list(
	const struct hd_arena *arena, bool roots, uint32_t *place, struct hd_state_held *ret, size_t limit)
{
	uint32_t index = *place ? *place : 1, end = high_water(arena);
	uint32_t stop = end - index > LOOK_AT ? index + LOOK_AT : end;
	size_t n = 0;

	for (; index < stop && n < limit; index++) {
		const struct hd_state_node *node = hd_record_state_node(arena, index);

		if (is_listed(node, roots))
			ret[n++] = (struct hd_state_held){hd_state_node_id_of(node, index), node->state};
	}
	*place = index < end ? index : 0;
	return n;
}
