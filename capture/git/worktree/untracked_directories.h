/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_UNTRACKED_DIRECTORIES_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_UNTRACKED_DIRECTORIES_H

/*
 * The directories of an index, each before what is below it, those of one directory in the order of their names' bytes: the
 * order of git's untracked cache, and not that of the index, where "a-b" comes before "a/b".
 *
 * Ownership   The items are the caller's until hd_untracked_directories_clear; names and sums are the index's.
 * Threads     One at a time for an index. Errors: -ENOMEM, -EFBIG.
 */

#include <git2.h>
#include <stdint.h>

struct hd_untracked_directory {
	const char *name; /* LENGTH bytes; of the root none */
	size_t length;
	uint32_t directories;  /* in it */
	uint64_t number;       /* st_ino, as the mount shows it */
	const git_oid *ignore; /* of its .gitignore, or NULL */
};

struct hd_untracked_directories {
	struct hd_untracked_directory *items; /* owned; the root first */
	uint32_t count;
};

/* ROOT is the number that the root shows. */
int hd_untracked_directories_read(
	git_index *index, uint64_t root, struct hd_untracked_directories *ret_directories);
void hd_untracked_directories_clear(struct hd_untracked_directories *directories);

#endif
