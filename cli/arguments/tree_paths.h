/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_ARGUMENTS_TREE_PATHS_H
#define HEDDLE_CLI_ARGUMENTS_TREE_PATHS_H

/*
 * Tree paths: the paths of a tree that a command line names, as git reads them.
 *
 *     src/main.c     from where one stands, if that is in a mount of the store; else from the root of the tree
 *     :/src/main.c   from the root, wherever one stands
 *     /mnt/src/...   what is there in a mount of the store
 *
 * "." and ".." are taken out by text alone. In .heddle/states/STATE/ one stands where that is in STATE.
 *
 * Ownership   Results are fresh memory. Threads: the main thread.
 * Errors      -HD_E_USAGE for an empty path (a variable that is not set is not the whole tree) and an absolute one that is
 *             elsewhere, -EINVAL for one that leads out of the tree; -ENOMEM.
 */

#include "cli/arguments/store_locate.h"

/* One path from the root of the tree, "." for the whole. THREAD is the one that an absolute path has to be in; NULL: any. */
int hd_tree_path_read(
	const struct hd_location *location, const char *thread, const char *word, char **ret_path);

struct hd_tree_paths {
	const char **items; /* owned, and so are the texts */
	size_t count;
};

/* Those of WORDS behind those that are there. */
int hd_tree_paths_add(const struct hd_location *location, const char *thread, char *const *words,
	size_t count, struct hd_tree_paths *paths);
void hd_tree_paths_clear(struct hd_tree_paths *paths);

#define HD_AUTO_TREE_PATHS __attribute__((cleanup(hd_tree_paths_clear)))

/* PATH, from the root of the tree, as one writes it where one stands. */
char *hd_tree_path_shown(const struct hd_location *location, const char *path);

#endif
