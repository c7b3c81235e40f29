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
 * Errors      -HD_E_PATH_MISSING with the path when neither tree has it, unless one above it is taken as well; -EINVAL for a path with
 *             ".."; those of store and bases.
 */

#include "overlay/bases/base.h"

struct hd_tree_compose {
	struct hd_store *store;    /* borrowed */
	struct hd_base_set *bases; /* borrowed */
	const char *thread;        /* borrowed: whose history names contents (canonical_content.h) */
};

/*
 * Changes tree, attributes and root mode of TARGET, which was read from the store and may have been changed by this
 * before, so that each of PATHS and everything below it is what it is in SOURCE, or is not there if it is not in SOURCE. The empty
 * path and "." are the whole tree. Each directory above the paths is read and written once, however many of them are in it.
 */
int hd_tree_compose_paths(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char *const *paths, size_t n_paths, struct hd_state *target);
/* The same with one path. */
int hd_tree_compose_path(const struct hd_tree_compose *compose, const struct hd_state *source,
	const char *path, struct hd_state *target);

#endif
