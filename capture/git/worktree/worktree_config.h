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
 * Has git ask the program HOOK what changed (core.fsmonitor), keep its untracked cache, and not look at entries ahead (core.preloadIndex), unless that is decided already, in the worktree of the directory ADMIN of the repository LOCATION.
 * *RET_ASKS says whether it does: not where the repository has no configuration of worktrees, unless MAY_EXTEND, by which it gets
 * it, and not where somebody else has said what git is to ask.
 */
int hd_worktree_config_set_hook(
	const char *location, const char *admin, const char *hook, bool may_extend, bool *ret_asks);

/* Whether git keeps files out of the worktree of the directory ADMIN of the repository LOCATION ('git sparse-checkout'). */
int hd_worktree_config_is_sparse(const char *location, const char *admin, bool *ret_sparse);

#endif
