/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_PUBLISH_H
#define HEDDLE_CAPTURE_GIT_WORKTREE_WORKTREE_PUBLISH_H

/*
 * Worktree publishing: gives an admin directory that is made the name that git shows. git sees none of it or all of it.
 *
 * Ownership   *RET_PATH is fresh memory. Threads: any. Errors: -EEXIST when a thousand names are taken; -errno.
 */

#include <sys/types.h>

/* The directory TEMPORARY gets the first name in WORKTREES that is free, beginning with that of THREAD, as git does. */
int hd_worktree_publish(
	const char *worktrees, const char *temporary, mode_t mode, const char *thread, char **ret_path);

#endif
