/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_FIND_H
#define HEDDLE_CAPTURE_TREES_TREE_FIND_H

/*
 * Tree find: what a tree view has at a path.
 *
 * Threads     As the view. Errors: -HD_E_PATH_MISSING, -ENOTDIR, -EINVAL for a path that leads out of the tree, each
 *             with the path in the detail; those of the view.
 */

#include "capture/trees/tree_view.h"

/* PATH, which somebody wrote, without what says nothing: "." and slashes too many. In fresh memory. */
int hd_tree_path_clean(const char *path, char **ret_path);

/* PATH is relative to the root; "" and "." are the root. The entry's name is empty. */
int hd_tree_find(struct hd_tree_view *view, const char *path, struct hd_tree_view_entry *ret_entry);

#endif
