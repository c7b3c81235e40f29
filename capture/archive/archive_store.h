/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_STORE_H
#define HEDDLE_CAPTURE_ARCHIVE_ARCHIVE_STORE_H

/*
 * Archive store: stores the directories of an imported tree as a capture would, so that what equals the parent state's
 * has the parent's references, and an exported state that is imported again is the very tree.
 *
 * Ownership   Borrows everything. Threads: one. Durability: none before hd_object_store_sync.
 * Errors      Those of store and bases; -HD_E_INTERRUPTED.
 */

#include "capture/archive/archive_tree.h"
#include "capture/trees/tree_view.h"

/* Sets tree, attributes and root mode of STATE. PARENT is the state that it will be a child of. */
int hd_archive_store(const struct hd_archive_tree *tree, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_state *parent, struct hd_state *state);

#endif
