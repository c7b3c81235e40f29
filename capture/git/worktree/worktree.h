/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_H

/*
 * Worktree: makes a thread's mount a linked worktree of the repository that its base is a commit of, as `git worktree add`
 * makes one: an admin directory in the repository, and in the mount a file `.git` that names it. The mount shows that file
 * (mount/fuse/dot/dot_directory.h); everything else is here.
 *
 *     hd_worktree_attach at each mount, and when git took the directory away → ... → hd_worktree_follow when the thread became another or went away
 *
 * Calling sequence and crashes
 *     The admin directory is made under a name of its own and renamed: git sees a whole one or none. It goes likewise.
 *     A death in between leaves a directory that git does not look at, which `heddle doctor` removes.
 *
 * It stays while the thread is not mounted, with HEAD, index and what else git keeps there, locked against prune and gc.
 *
 * Ownership   Returned strings are fresh memory.
 * Threads     Any; who calls holds the thread's lease.
 * Errors      -HD_E_WORKTREE with the reason when there can be none; -HD_E_BRANCH_CHECKED_OUT; -HD_E_REPOSITORY with
 *             libgit2's words; -errno.
 */

#include <stdbool.h>

#include "capture/git/worktree/worktree_config.h"
#include "capture/git/worktree/worktree_record.h"
#include "overlay/store/index/index_operations.h"
#include "overlay/store/store.h"

struct hd_worktree_settings {
	const char *thread;
	const char *mountpoint; /* absolute */
	uint64_t root;          /* the number that its root shows */
	uint32_t uid, gid;      /* whom it shows as owner of what the base has */
	bool is_of_base; /* its directories are the base's but for those that show a later change time */
	const char *
		token; /* what changed since the base is asked for with it (git's fsmonitor); NULL: nobody tells */
	const char *hook; /* the program that git is to ask with it; NULL: none */
	enum hd_worktree_extend
		extend; /* whether the repository may get configurations of worktrees for that */
	bool branch; /* a new one begins on the branch heddle/<thread>, else detached at the base's commit */
};

/* Makes the admin directory, or brings the one that is there up to date. *RET_LINK is the text of the mount's `.git`. */
int hd_worktree_attach(struct hd_store *store, const struct hd_worktree_settings *settings, char **ret_link);

/* Whether LINK, such a text, leads to a directory that is that of thread NUMBER and in which git finds a worktree. */
bool hd_worktree_is_whole(const struct hd_store *store, uint32_t number, const char *link);

/*
 * After a thread was renamed, dropped or given another overlay: its worktree goes along, or away. Commits that nothing else
 * would keep from gc get a reference, refs/heddle/kept/<commit>. Whatever fails is left for the doctor.
 */
void hd_worktree_follow(struct hd_store *store, const struct hd_operation *operation);

/* Calls EMIT for each worktree of the store's, in every repository that it has a base in. */
int hd_worktree_list(struct hd_store *store, hd_worktree_emit emit, void *payload);

/* Takes one away, as above. */
int hd_worktree_remove(const struct hd_worktree_record *record);

#endif
