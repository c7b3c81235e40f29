/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EJECT_EJECT_INDEX_H
#define HEDDLE_CAPTURE_GIT_EJECT_EJECT_INDEX_H

/*
 * Eject index: the index of a new checkout: a commit's tree, with what stat(2) says of each file that is as in the commit, so
 * that git believes it without opening one. The others git looks at, and finds changed.
 *
 * Ownership   The index owns itself, all else is borrowed. Threads: one.
 * Errors      -HD_E_REPOSITORY with libgit2's words; those of views, -HD_E_INTERRUPTED.
 */

#include <git2.h>

#include "capture/trees/tree_view.h"

/* Reads the tree of COMMIT into an index that belongs at PATH, where none is. git_index_free. */
int hd_eject_index_read(
	git_repository *repository, const char *commit, const char *path, git_index **ret_index);

/* HEAD is what the commit has, TREE what the files below ROOT_FD are. Writes the index. */
int hd_eject_index_write(git_index *index, struct hd_tree_view *head, struct hd_tree_view *tree, int root_fd);

#endif
