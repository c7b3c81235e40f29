/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_GIT_LINK_H
#define HEDDLE_MOUNT_GIT_LINK_H

/*
 * Git link: what makes a mount a git worktree (capture/git/worktree/worktree.h), as far as the mount is concerned: a text that its
 * file `.git` has. It is kept in the run file HD_RUN_GIT, for whoever serves the mount later.
 *
 *     gitdir: /home/a/project/.git/worktrees/main     the text of the file
 *     none: the thread's base is no git commit        it was asked for, and there is none: nothing is shown
 *
 *     hd_git_link_prepare before the mount is served → hd_git_link_renew where somebody removed what it leads to
 *
 * Ownership   Returned strings are fresh memory. Threads: any. Errors: -errno, and those of worktree.h.
 */

#include "mount/mount_options.h"
#include "overlay/overlay.h"

/* The beginning of a reason, and how that goes on where the repository lacks files: then who did not ask is told as well. */
#define HD_GIT_LINK_NONE "none: "
#define HD_GIT_LINK_UNREAD "files cannot be read: "

/* Before the mount is served for the first time. That there can be no worktree is no failure: the file says why. */
int hd_git_link_prepare(
	struct hd_overlay *overlay, const struct hd_mount_options *options, const char *mountpoint);

/*
 * While the mount is served: makes the admin directory again where it is gone, another's, or lacks something. *RET_TEXT is the
 * text that `.git` is to have from now on, mostly the one it has; NULL when nothing had to be done, as in a mount without one.
 */
int hd_git_link_renew(struct hd_overlay *overlay, const struct hd_mount_options *options,
	const char *mountpoint, char **ret_text);

/* The text of the mount's `.git`; NULL when it has none. */
int hd_git_link_read(struct hd_overlay *overlay, char **ret_text);

#endif
