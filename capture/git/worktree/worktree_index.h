/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_INDEX_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_INDEX_H

/*
 * Worktree index: the index of a new worktree, made from a commit's tree, with what the mount will say of each file that is
 * as in the commit: so git believes it without opening one. Of a file that is another by then, in the overlay or in the
 * state that the thread began at, the mount says other things: another change time, or another inode number.
 *
 * With a worktree it has an untracked cache (untracked_cache.h), and with a token git's fsmonitor goes on from there: then git
 * looks at what has changed since alone. What is the same in every worktree of the commit is computed once (index_template.h).
 *
 * Where a state shows the commit converted (docs/design/decisions/0045), sizes and numbers are those of its files.
 *
 * Ownership   STORE and REPOSITORY are borrowed. Threads: any. Errors: -HD_E_REPOSITORY, -errno.
 */

#include <git2.h>
#include <stdbool.h>
#include <stdint.h>

struct hd_state;
struct hd_store;

/* What the mount shows of every file of the commit. */
struct hd_worktree_stat {
	bool known;     /* else git has to look at each file */
	uint64_t root;  /* the number that the mount's root shows */
	int64_t time_s; /* modification and change */
	uint32_t uid, gid;
	/* The mount's root, if its directories are the commit's but for those that show a later change time; else NULL. */
	const char *worktree;
	const char *token; /* of a change log that begins at the commit; NULL: there is none */
};

/*
 * Writes the index of the tree of COMMIT to PATH, where none is. A death in between leaves a part of it. SHOWN is a state
 * that stands for the commit, or an empty one: files that it has converted are in the mount as it has them.
 */
int hd_worktree_index_write(struct hd_store *store, git_repository *repository, const git_oid *commit,
	const struct hd_worktree_stat *stat, const struct hd_state *shown, const char *path);

#endif
