/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_INDEX_EDIT_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_INDEX_EDIT_H

/*
 * Worktree index edit: an index that is there becomes another one. It is copied, and the copy takes its place as a whole: git
 * finds the old one or the new one. Its time stays, because by it git knows which files may have been changed right after
 * it looked at them.
 *
 * Ownership   Everything is borrowed; DIRECTORY_FD is the admin directory PATH.
 * Threads     Any, one at a time per index: who calls holds the thread's lease or git's lock of the index.
 * Errors      -HD_E_REPOSITORY, -errno.
 */

#include <git2.h>
#include <stdbool.h>
#include <sys/types.h>

/* What is made is called so until it is the index. */
#define HD_WORKTREE_INDEX_TEMPORARY "heddle-index"

/* HD_WORKTREE_INDEX_TEMPORARY becomes the index, with the permission bits MODE. */
int hd_worktree_index_publish(int directory_fd, mode_t mode);

/*
 * The index loses what is said of the place of the worktree: its untracked cache, which git warns of in another place, and
 * fsmonitor's word. One that libgit2 does not understand, and one without such a cache, stays as it is.
 */
int hd_worktree_index_forget_place(int directory_fd, const char *path);

/* What the index has of the old side of DIFF, it has of the new side; git looks at these files. What else is staged stays. */
int hd_worktree_index_follow(int directory_fd, const char *path, git_diff *diff);

/*
 * git's lock of the index, so that git waits, or says so. Whoever has it holds the descriptor that is returned, which is flocked:
 * so the lock of a process that was killed can be told, and is taken over. -EEXIST while git has it, or another heddle.
 */
int hd_worktree_index_lock(int directory_fd);
/* Gives it up, with the descriptor. */
void hd_worktree_index_unlock(int directory_fd, int *lock_fd);
/* 1 when there is a lock of heddle's own whose process was killed; git's are none. REMOVE takes it away. */
int hd_worktree_index_left_lock(int directory_fd, bool remove);

#endif
