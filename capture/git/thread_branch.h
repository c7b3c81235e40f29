/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_THREAD_BRANCH_H
#define HEDDLE_CAPTURE_GIT_THREAD_BRANCH_H

/* The branch that is a thread's own: what it is exported to unless another is named, and what its worktree may be on. */
#define HD_THREAD_BRANCH_PREFIX "refs/heads/heddle/"

#endif
