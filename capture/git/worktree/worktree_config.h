/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_CONFIG_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_CONFIG_H

/*
 * Worktree config: git's configuration of one worktree alone, the file config.worktree in its admin directory. git reads it
 * where the repository's own configuration says extensions.worktreeConfig, and there is no other place that belongs to one
 * worktree.
 *
 * Ownership   Everything is borrowed. Threads: any. Errors: -HD_E_REPOSITORY with libgit2's words; -ENOMEM.
 */

#include <stdbool.h>

/*
 * Whether a repository that has no configurations of worktrees may get them (extensions.worktreeConfig). All programs pass over
 * what they do not know of extensions where core.repositoryformatversion is 0; in one of format 1 those that do not know this
 * one, as libgit2 before 1.7, refuse the repository.
 */
enum hd_worktree_extend {
	HD_WORKTREE_EXTEND_HARMLESSLY, /* one of format 0 */
	HD_WORKTREE_EXTEND,            /* any */
};

/*
 * Has git ask the program HOOK what changed (core.fsmonitor), keep its untracked cache, and not look at entries ahead
 * (core.preloadIndex), unless that is decided already, in the worktree of the directory ADMIN of the repository LOCATION.
 * *RET_ASKS says whether it does: not where the repository has no configurations of worktrees, and does not get them by EXTEND;
 * not where somebody else has said what git is to ask.
 */
int hd_worktree_config_set_hook(const char *location, const char *admin, const char *hook,
	enum hd_worktree_extend extend, bool *ret_asks);

/* Takes back what hd_worktree_config_set_hook has set in the worktree of ADMIN. */
int hd_worktree_config_clear_hook(const char *admin);

/* Whether git keeps files out of the worktree of the directory ADMIN of the repository LOCATION ('git sparse-checkout'). */
int hd_worktree_config_is_sparse(const char *location, const char *admin, bool *ret_sparse);

#endif
