/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_LISTING_H
#define HEDDLE_CAPTURE_TREES_TREE_LISTING_H

/*
 * The listing of a captured directory straight from its tree object: without its attributes, which are an object of their
 * own, and without a copy of its names.
 *
 * Used by tree_view.c and by captures. Threads: any. Errors: those of the store, -HD_E_TREE_CORRUPT, -ENOMEM.
 */

#include "capture/trees/tree_view.h"

/* TREE: an OBJECT. The caller clears the listing. *RET_NAMES_SIZE: the bytes of `names`. */
int hd_tree_listing_of_object(struct hd_object_store *objects, const struct hd_content *tree,
	struct hd_tree_view_listing *ret_listing, size_t *ret_names_size);

/*
 * What the children of the partial directory NODE were before they changed, in the order of the children, whose names it
 * borrows. *RET_TREE, owned by the caller, are the bytes of what the directory was, an OBJECT.
 */
int hd_tree_listing_of_changed(struct hd_object_store *objects, const struct hd_snapshot_node *node,
	struct hd_tree_view_listing *ret_listing, void **ret_tree, size_t *ret_tree_size);

#endif
