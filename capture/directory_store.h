/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_DIRECTORY_STORE_H
#define HEDDLE_CAPTURE_DIRECTORY_STORE_H

/*
 * Directory store: gives directories their objects, the tree and what their entries are beside their bytes. Of many
 * directories this is done in a thread of its own, while who captures compares the next ones: encoding, hashing and writing
 * are half of a capture's work.
 *
 *     hd_directory_store_new → hd_directory_store_add ... → hd_directory_store_finish → hd_directory_store_free
 *
 * Ownership   Nodes are borrowed from add on until wait or finish has returned. Meanwhile the children of one are not to be
 *             changed, and its own two references not to be looked at.
 * Threads     One, the caller's. Which thread stores is nobody's business: no error is lost, and each has its detail.
 * Durability  None before hd_object_store_sync; nobody can read the objects before finish has returned 0.
 * Errors      Of add, wait and finish: those of the store, of whichever directory; -ENOMEM.
 */

#include "overlay/snapshot.h"

struct hd_object_store;
struct hd_object_batch;
struct hd_directory_store;

/* A directory whose children have their references. */
struct hd_directory {
	struct hd_snapshot_node *node; /* borrowed */
	bool needs_tree;               /* it has no other name: the content becomes a tree object */
	bool is_root; /* has no entry in a parent: its own attributes go before those of its children */
	void *tree;   /* of a partial node: the bytes of what it was; owned by the store from add on */
	size_t tree_size;
};

/* Stores DIRECTORY at once and sets its node's references. BATCH may be NULL. */
int hd_directory_put(
	struct hd_object_store *objects, struct hd_object_batch *batch, const struct hd_directory *directory);

/* Stores the attribute object alone, of any directory. */
int hd_directory_put_attributes(struct hd_object_store *objects, struct hd_object_batch *batch,
	const struct hd_snapshot_node *node, bool is_root, struct hd_content *ret_content);

int hd_directory_store_new(struct hd_object_store *objects, struct hd_directory_store **ret_store);
/* NULL is fine. What was not finished is forgotten. */
void hd_directory_store_free(struct hd_directory_store *store);
/* DIRECTORY is stored after those that were added before. */
int hd_directory_store_add(struct hd_directory_store *store, const struct hd_directory *directory);
/* Until all that were added have their references. */
int hd_directory_store_wait(struct hd_directory_store *store);
/* The same, and their objects are in the store. */
int hd_directory_store_finish(struct hd_directory_store *store);

#endif
