/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_CAPTURE_TREE_H
#define HEDDLE_CAPTURE_CAPTURE_TREE_H

/*
 * Capture tree: stores the changed part of a snapshot as tree and attribute objects.
 *
 * Ownership   Borrows everything. Threads: one. Durability: none before hd_object_store_sync.
 * Errors      Those of snapshot, views and store, with the path in the detail.
 */

#include "capture/capture.h"
#include "capture/directory_store.h"
#include "capture/linked_files.h"
#include "capture/trees/canonical_content.h"
#include "capture/trees/tree_view.h"

struct hd_capture_tree {
	struct hd_object_store *objects; /* borrowed */
	struct hd_directory_store *
		directories; /* hd_capture_tree_store's own while it runs; NULL: each is put by itself, at once */
	bool singly; /* of whole snapshots: every directory is put by itself, so that each finds a name that is free */
	struct hd_snapshot *snapshot; /* borrowed */
	struct hd_snapshot_node
		*root; /* borrowed: what is stored, of the snapshot's nodes or copies of them */
	struct hd_canonical *canonical;     /* borrowed */
	struct hd_tree_view *head_view;     /* borrowed: the snapshot's parent state */
	struct hd_tree_view *snapshot_view; /* borrowed */
	struct hd_linked_files linked;      /* filled by hd_capture_tree_store; the caller clears it */
};

/*
 * Settles the changed files below the root and sets content and attribute_content of every changed directory's node, the
 * root's too, to stored objects, or to the head's where nothing differs.
 */
int hd_capture_tree_store(struct hd_capture_tree *capture);

/*
 * Stores the directory NODE, whose children have their contents, as a tree and an attribute object, and sets its own.
 * PLACE is what hd_canonical_enter said of it; HEAD, which may be NULL, the entry whose reference it takes over if the
 * entries are those of HEAD_LISTING.
 */
int hd_capture_tree_put(const struct hd_capture_tree *capture, struct hd_canonical_place *place,
	const struct hd_tree_view_entry *head, const struct hd_tree_view_listing *head_listing,
	struct hd_snapshot_node *node, bool is_root);

#endif
