/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_NODES_H
#define HEDDLE_CAPTURE_TREES_TREE_NODES_H

/*
 * Tree nodes: what a state has, in the form in which a capture stores it (struct hd_snapshot_node), with all attributes.
 *
 * Ownership   A node owns its name and its extended attributes, and its children as long as nobody takes them.
 * Threads     As the bases. Errors: -ENOMEM, those of bases and of the index.
 */

#include "overlay/bases/base.h"
#include "overlay/snapshot.h"

/* One entry of a base or of a state. */
int hd_tree_node_of_entry(const struct hd_base_entry *entry, struct hd_snapshot_node *ret_node);

/* The same, without its children, which are what its references say. */
int hd_tree_node_copy(const struct hd_snapshot_node *from, struct hd_snapshot_node *ret_node);

/* The root of STATE, without a name, and what hd_tree_node_list wants to know of that tree. */
int hd_tree_node_root(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	struct hd_snapshot_node *ret_node, struct hd_base_directory *ret_fallback);

/* Reads the children of NODE, whose references say what it is, sorted. */
int hd_tree_node_list(
	struct hd_base_set *bases, const struct hd_base_directory *fallback, struct hd_snapshot_node *node);

/* Frees what the node owns but for its children. */
void hd_tree_node_clear(struct hd_snapshot_node *node);
/* Frees the children, without theirs. */
void hd_tree_node_clear_children(struct hd_snapshot_node *node);

#endif
