/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_LINK_COUNTS_H
#define HEDDLE_CAPTURE_LINK_COUNTS_H

/*
 * Link counts: how many names a hard-linked file has, in a tree that was put together from two.
 *
 * Each name of such a file says how many there are. A tree that has some names of one tree and some of another is wrong about
 * that. Here the names are counted, and those that say another number are written anew, with the attribute objects of the
 * directories above; no tree object changes. Names outside of the tree do not count.
 *
 * Costs what differs between the trees; and a walk over all directories that may have hard links (captured ones, and those of a
 * host) if that cuts through a file's names.
 *
 * Ownership   Borrows everything. Threads: one. Durability: none before hd_object_store_sync.
 * Errors      -ENOMEM, -HD_E_INTERRUPTED, those of store and bases.
 */

#include "overlay/bases/base.h"

/* Changes the attributes of AFTER, which has its tree, attributes, root mode, and the history of BEFORE (its id, or its own). */
int hd_link_counts_mend(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *before,
	struct hd_state *after);

#endif
