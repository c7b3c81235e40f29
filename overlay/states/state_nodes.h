/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STATES_STATE_NODES_H
#define HEDDLE_STATES_STATE_NODES_H

/*
 * State nodes: the records of what the kernel holds of trees of states, and how one is found again.
 *
 * A record says all that a successor of this process needs to go on: what is behind it in the store, and how often the
 * kernel looked it up. It lives while it is looked up or a record below it does. The table that finds records is
 * private memory, made anew from them.
 *
 * Calling sequence
 *     hd_state_nodes_new → [transaction: hd_state_nodes_hold, _let_go ...; commit; hd_state_nodes_end] → _free
 *
 * Threads     The namespace lock, for writing where a transaction is given. Errors: latched in the transaction.
 */

#include "overlay/arena/arena.h"
#include "overlay/arena/inode_ranges.h"
#include "overlay/overlay.h"

struct hd_state_nodes;

/* A node by its id, and the state that it is of. */
struct hd_state_held {
	hd_ino ino;
	struct hd_state_id state;
};

/* With KEEP the records are those of a mount that goes on; else there are none. */
int hd_state_nodes_new(struct hd_arena *arena, bool keep, struct hd_state_nodes **ret_nodes);
/* NULL is fine. */
void hd_state_nodes_free(struct hd_state_nodes *nodes);

/* Of an id the rest are its two marks and the index. */
#define HD_STATE_GENERATION_MASK 0x3fffffffu

static inline hd_ino hd_state_node_id_of(const struct hd_state_node *node, uint32_t index)
{
	return HD_STATE_INO | (hd_ino)(node->generation & HD_STATE_GENERATION_MASK) << 32 | index;
}
hd_ino hd_state_node_id(const struct hd_arena *arena, uint32_t index);
/* The record of an id from outside, or NULL when it is gone or never was. */
const struct hd_state_node *hd_state_node_get(const struct hd_arena *arena, hd_ino ino);
static inline uint32_t hd_state_node_index(hd_ino ino)
{
	return (uint32_t)ino;
}

/* One lookup more of the node that LIKE describes, whose record is made if there is none; its index. */
uint32_t hd_state_nodes_hold(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, const struct hd_state_node *like);
/* COUNT lookups less; a record that nothing holds any more is freed, and those above it that it alone kept. */
void hd_state_nodes_let_go(
	struct hd_state_nodes *nodes, struct hd_transaction *transaction, uint32_t index, uint64_t count);
/* After each transaction with one of the two: R is what its commit returned. */
void hd_state_nodes_end(struct hd_state_nodes *nodes, int r);

/* Records in use. */
uint32_t hd_state_nodes_count(const struct hd_arena *arena);
/* The same after the last transaction; without the lock. */
uint32_t hd_state_nodes_counted(const struct hd_state_nodes *nodes);
/* Records that became free, ever; without the lock. */
uint64_t hd_state_nodes_freed(const struct hd_state_nodes *nodes);

/* Up to LIMIT nodes with nothing below them or, with ROOTS, roots of trees, from *PLACE on; looks at some thousand records.
 * *PLACE is where to go on, or 0. */
size_t hd_state_nodes_list(
	const struct hd_arena *arena, bool roots, uint32_t *place, struct hd_state_held *ret, size_t limit);

#endif
