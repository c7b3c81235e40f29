/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_CAPTURE_SELECT_H
#define HEDDLE_CAPTURE_CAPTURE_SELECT_H

/*
 * Capture selection: the tree of a capture of some paths: that of the head, with these paths, and all below them, as the
 * snapshot has them.
 *
 * A path that the snapshot does not have is deleted; that of a directory stands for everything below. Directories above a
 * path stay as the head has them but for what is chosen; where the head has none they are made as the snapshot has them,
 * with nothing in them but what is chosen. Nothing that was not chosen is looked into, let alone stored.
 *
 * Without what is ignored, the rules are those of the snapshot's tree. A directory that is gone is gone with all that was
 * in it, and one that was moved and not changed since is taken as it is.
 *
 * Ownership   The selection owns what is not the snapshot's, which must outlive it. Threads: as the snapshot.
 * Errors      -HD_E_PATH_MISSING with the path that neither tree has, -EINVAL for one with "..", those of bases.
 */

#include "overlay/bases/base.h"
#include "overlay/platform/buffer.h"
#include "overlay/snapshot.h"

struct hd_capture_choice {
	const char *const *paths; /* relative to the root; none: all */
	size_t n_paths;
	bool without_ignored; /* changes of what ignore_rules.h says is ignored stay out */
};

/* Whether CHOICE is less than everything. */
bool hd_capture_choice_is_partial(const struct hd_capture_choice *choice);

struct hd_capture_selection {
	struct hd_snapshot_node root; /* its children are the selection's */
	struct hd_buffer arrays;      /* of owned struct hd_snapshot_node pointers: arrays of children */
	struct hd_buffer listed;      /* of struct hd_snapshot_node: those whose children are owned */
	struct hd_snapshot_node head; /* owned: the head's root */
};

/* The tree of CHOICE, with SNAPSHOT's nodes where they are chosen. */
int hd_capture_select(struct hd_store *store, struct hd_base_set *bases, struct hd_snapshot *snapshot,
	const struct hd_state *head, const struct hd_capture_choice *choice,
	struct hd_capture_selection *ret_selection);
/* Frees what it owns; of none, does nothing. */
void hd_capture_selection_clear(struct hd_capture_selection *selection);

#endif
