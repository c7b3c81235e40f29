/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_WORKTREE_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_WORKTREE_H

/* The reply to `worktree`: the mount's admin directory is made again where it is gone. Contract: mount/git_link.h. */

#include <jansson.h>

#include "mount/answers/control_execute.h"

/* -HD_E_NOT_MOUNTED for a thread that is not: its next mount does the same. */
int hd_control_worktree(
	struct hd_overlay *overlay, const struct hd_control_environment *environment, json_t **ret_reply);

#endif
