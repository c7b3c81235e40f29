/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_UNTRACKED_CACHE_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_UNTRACKED_CACHE_H

/*
 * Untracked cache: the extension UNTR of git's index, which says of directories that nothing in them is untracked. git lists
 * none of which stat(2) says what the extension says (with fsmonitor: none that is not told to have changed) and whose rules
 * of what is ignored are what they were. Made for a tree that is a commit's and nothing more: all of its directories are in it.
 *
 *     UNTR  varint  length of the next field, with its NUL
 *           text    "Location <worktree>, system Linux"
 *           36 B    stat data of info/exclude, 36 B of core.excludesFile; git compares the sums below instead
 *           u32     flags: how directories are listed (6: what is untracked, but no empty directory)
 *           20 B    sum of info/exclude, 20 B of core.excludesFile, zeros where there is none
 *           text    ".gitignore"
 *           varint  number of directories, then each with what is below it, names in the order of their bytes:
 *                       varint untracked names (0), varint directories in it, its name
 *           EWAH    which are valid, EWAH which are only looked into, EWAH which have a .gitignore
 *           36 B    stat data, of each that is valid
 *           20 B    sum of the .gitignore, of each that has one
 *           NUL
 *
 * (git's Documentation/gitformat-index.txt; texts end with NUL, integers are big-endian, varints those of packs' offsets.) A sum
 * that git does not find confirmed makes it list directories, no more: nothing that is wrong with one shows in a status.
 *
 * Ownership   Everything is borrowed. Threads: any. Errors: -errno; latched in the buffer.
 */

#include <git2.h>

#include "capture/git/worktree/worktree_index.h"
#include "overlay/platform/buffer.h"

/* What is ignored besides what .gitignore files say. */
struct hd_untracked_excludes {
	git_oid info;     /* <git directory>/info/exclude, as git sums it */
	git_oid personal; /* core.excludesFile; both zeros where there is none */
	bool lists_all;   /* status.showUntrackedFiles=all */
};

/* Of the files as they are now. */
void hd_untracked_excludes_read(git_repository *repository, struct hd_untracked_excludes *ret_excludes);

/* Appends the part of the extension that is the same in every place: INDEX's directories, shown as STAT says. */
int hd_untracked_cache_list(struct hd_buffer *buffer, git_index *index, const struct hd_worktree_stat *stat);

/* Appends the extension of a worktree whose directories are what hd_untracked_cache_list put. */
int hd_untracked_cache_put(struct hd_buffer *buffer, const struct hd_buffer *directories,
	const struct hd_worktree_stat *stat, const struct hd_untracked_excludes *excludes);

#endif
