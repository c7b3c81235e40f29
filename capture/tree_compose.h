/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREE_COMPOSE_H
#define HEDDLE_CAPTURE_TREE_COMPOSE_H

/*
 * Tree compose: a tree that is another one's with some paths as a third has them.
 *
 * Nothing below a path is read or copied: it is taken over by its reference. Written anew are the directories above,
 * so that the cost is theirs, however much is below. Times, owners and extended attributes come along.
 *
 * Ownership   The caller clears results. Threads: one. Durability: none before hd_object_store_sync.
 * Errors      -ENOENT with the path when neither tree has it, -EINVAL for a path with "..", those of store and bases.
 */

#include "overlay/bases/base.h"

struct hd_tree_compose {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* borrowed */
	const char *thread;        /* borrowed: whose history names contents (canonical_content.h) */
};

/*
 * Changes tree, attributes and root mode of TARGET, which was read from the store and may have been changed by this
 * before, so that PATH and everything below is what it is in SOURCE, or is not there if it is not in SOURCE. The empty path
 * and "." are the whole tree.
 */
int hd_tree_compose_path(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char *path, struct hd_state *target);

/*
 * Changes TARGET so that its directory FROM is at TO, as in the tree of MODEL: 1. 0, and nothing is changed, unless MODEL has
 * nothing at FROM and a directory at TO, and TARGET a directory at FROM and nothing at TO. Directories above TO that TARGET
 * lacks are MODEL's. Neither path leads into the other.
 */
int hd_tree_compose_move(const struct hd_tree_compose *compose, const struct hd_state *model,
	const char *from, const char *to, struct hd_state *target);

#endif
