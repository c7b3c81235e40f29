/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FSMONITOR_FSMONITOR_HOOK_H
#define HEDDLE_MOUNT_FSMONITOR_FSMONITOR_HOOK_H

/*
 * Fsmonitor hook: answers git's question what changed since it asked last (githooks(5), fsmonitor-watchman, version 2), from the
 * mount's worker. Needs nothing of a store: the mount's `.git` names the admin directory, and that one's record the thread.
 *
 *     git: heddle-fsmonitor 2 TOKEN, in the root of the worktree → a new token, NUL, paths, each with NUL; "/": all
 *
 * Whoever gets no answer looks at everything, so that every failure is one to be silent about.
 *
 * Threads     Any. Errors: -errno; those of the socket; -HD_E_CONTROL_PROTOCOL.
 */

#include <stddef.h>

/* The program that does this and nothing else, which git starts. */
#define HD_FSMONITOR_PROGRAM "heddle-fsmonitor"

/* Asks for the mount whose root DIRECTORY is. *RET_ANSWER is fresh memory. */
int hd_fsmonitor_ask(const char *directory, const char *token, char **ret_answer, size_t *ret_size);

#endif
