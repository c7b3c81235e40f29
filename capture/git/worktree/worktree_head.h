/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_HEAD_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_HEAD_H

/*
 * Worktree head: where HEAD of a thread's worktree is, and where heddle saw it last. A file `heddle-head` in the admin directory
 * has the latter: what moves HEAD away from there is git.
 *
 * Ownership   The caller clears what it reads.
 * Threads     Any. git may work in the worktree meanwhile: HEAD and index are moved under git's own lock of the index.
 * Durability  None: without the file, or with an old one, the thread's history says the same, but for landings and rebases.
 * Errors      Bare -ENOENT where the thread has no worktree, or HEAD no commit; -HD_E_REPOSITORY; errors of the index; -errno.
 */

#include <git2.h>
#include <stdbool.h>

#include "overlay/store/store.h"

struct hd_worktree_head {
	char *location; /* owned: git directory, as the store knows it */
	char *path;     /* owned: the admin directory */
	char *branch;   /* owned: what HEAD is on, "refs/heads/..."; NULL: detached */
	git_oid commit;
	git_oid seen;
	bool is_seen;   /* `seen` says where it was */
	bool is_sparse; /* git keeps files out of it */
	/* "rebase", "am" or "bisect": git is in the middle of one, whose HEAD is not meant to stay; or NULL. */
	const char *busy;
};

/* Where HEAD of the worktree of THREAD is. */
int hd_worktree_head_read(struct hd_store *store, const char *thread, struct hd_worktree_head *ret_head);
/* Frees the strings; a cleared head is fine. */
void hd_worktree_head_clear(struct hd_worktree_head *head);

/* From now on heddle has seen COMMIT in the admin directory PATH. */
int hd_worktree_head_note(const char *path, const git_oid *commit);

/* The commit that the nearest state of the first line of parents of ID stands for; bare -ENOENT: none does. */
int hd_worktree_head_nearest(struct hd_index *index, const struct hd_state_id *id, git_oid *ret_commit);

/*
 * Whether REFERENCE of the repository is checked out in the worktree of THREAD and nowhere else, and can be moved by
 * hd_worktree_head_move.
 */
bool hd_worktree_head_owns(
	struct hd_store *store, const char *thread, git_repository *repository, const char *reference);

/*
 * HEAD goes to COMMIT, because the thread did, if git has left it where heddle saw it last, and if it is detached or on the
 * thread's own branch, which goes along. The files stay: what the index had of the old commit it has of the new one, and what is
 * staged stays staged. Where git holds the index nothing is moved. 1 when it is there now, 0 when it was left alone.
 */
int hd_worktree_head_move(struct hd_store *store, const char *thread, const git_oid *commit);

#endif
