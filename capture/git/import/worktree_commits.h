/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_WORKTREE_COMMITS_H
#define HEDDLE_CAPTURE_GIT_IMPORT_WORKTREE_COMMITS_H

/*
 * Worktree commits: commits that git made in a thread's worktree, and what they are to its states.
 *
 *     hd_worktree_commits_find → [_adopt → hd_thread_advance from the thread's head to the last state, kind COMMIT →] _note →
 *     _clear
 *
 * git moved HEAD where it is neither where heddle saw it last, nor the commit of the thread's head, nor the nearest commit of
 * its history. The commits from there on are states then, one each, after the head: with the commit's author, time and
 * message, and as their git_commit its id, which an export takes as it is. The tree of the thread is what it was: what is in it
 * and not in the last commit is not captured.
 *
 * Ownership   Borrows store and bases; the caller clears. Threads: any.
 * Durability  States are published when what they name is on the disk; nothing is moved here.
 * Errors      Those of worktree_head.h and thread_merge.h.
 */

#include "capture/git/worktree/worktree_head.h"
#include "overlay/bases/base.h"

struct hd_worktree_commits {
	struct hd_worktree_head head; /* owned; empty where the thread has no worktree */
	git_oid *ids;                 /* owned array: the commits, parents first */
	size_t count;                 /* 0: git moved nothing, or HEAD is not meant to stay (head.busy) */
};

/* Looks; a thread without a worktree has none, and that is no failure. */
int hd_worktree_commits_find(
	struct hd_store *store, const char *thread, struct hd_worktree_commits *ret_commits);
void hd_worktree_commits_clear(struct hd_worktree_commits *commits);

/* What commit NUMBER says, as a state that is not made: message, author, time, facts and git_commit. The caller clears it. */
int hd_worktree_commits_describe(
	const struct hd_worktree_commits *commits, size_t number, struct hd_state *ret_state);

/*
 * Makes the states: *RET_FROM is the thread's head, *RET_TO the last of them. WORKTREE, or NULL, has the thread's tree as it is now:
 * in a store that smudges the states have its files where git takes these for the blobs.
 */
int hd_worktree_commits_adopt(struct hd_store *store, struct hd_base_set *bases, const char *thread,
	const struct hd_worktree_commits *commits, const struct hd_state_id *worktree,
	struct hd_state_id *ret_from, struct hd_state_id *ret_to);

/* HEAD is known from now on. */
int hd_worktree_commits_note(const struct hd_worktree_commits *commits);

#endif
