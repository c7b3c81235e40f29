/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_SMUDGE_SMUDGE_TREE_H
#define HEDDLE_CAPTURE_SMUDGE_SMUDGE_TREE_H

/*
 * Smudge tree: the tree of a commit as a checkout of it has it. Files that its .gitattributes have converted are objects of the
 * store; what has none of them, whole directories too, stays a reference to git's object
 * (docs/design/decisions/0045-smudged-files-are-a-state-of-their-own.md).
 *
 *     hd_smudge_new → hd_smudge_tree, any number → hd_smudge_free
 *
 * Cost        All trees are read, and of files those whose attributes convert them; of the other files beside such ones the size.
 *             What was converted once is remembered for the next tree, so that a history costs what changes in it.
 *
 * Ownership   Borrows store and database. Threads: one.
 * Durability  None before hd_object_store_sync.
 * Errors      -HD_E_BASE_OBJECT, those of the store, -HD_E_INTERRUPTED, -ENOMEM.
 */

#include "capture/smudge/smudge_blob.h"

struct hd_smudge;

/* For commits of the repository of base PLACE->base. */
int hd_smudge_new(const struct hd_smudge_place *place, struct hd_smudge **ret_smudge);
/* NULL is fine. */
void hd_smudge_free(struct hd_smudge *smudge);

/* The same tree if nothing in it is converted. */
int hd_smudge_tree(
	struct hd_smudge *smudge, const uint8_t id[HD_GIT_ID_SIZE], struct hd_content *ret_content);

/*
 * For a state of a commit, whose tree is git's: if something in it is converted, `tree` becomes the other one, and `git_tree`
 * what it was.
 */
int hd_smudge_tree_of(struct hd_smudge *smudge, struct hd_state *state);
/* The same for one state; the repository of its base is opened for it. */
int hd_smudge_state(struct hd_store *store, struct hd_state *state);

#endif
