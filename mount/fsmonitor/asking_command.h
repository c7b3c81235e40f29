/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FSMONITOR_ASKING_COMMAND_H
#define HEDDLE_MOUNT_FSMONITOR_ASKING_COMMAND_H

/*
 * Asking command: which of git's commands wants to know what changed, and whether it can be told.
 *
 * What a hook answers makes git believe entries of its index without a look at the files. Not all of git is right then:
 *
 *  - Before 2.43, who compares a commit with the files (git diff HEAD, diff-index, describe --dirty, stash, switch) looks at a type
 *    of the file that it did not read, and may tell a file that nobody touched as deleted; a stash would keep that.
 *  - Who changes files and then adds them believes what it was told before that: in 2.39 the .gitmodules that `git rm` of a
 *    submodule changed is not staged.
 *
 * So the truth is for commands that are known to do neither. All others are told that everything may have changed, and do what
 * they do without a hook.
 *
 * Threads     Any. Errors: what cannot be read is a command that is not known.
 */

#include <stdbool.h>
#include <stddef.h>

/* Whether LINE, the arguments of a process with a NUL behind each, SIZE bytes, is a command that can be told. */
bool hd_asking_command_is_known(const char *line, size_t size);

/* Whether the process that started this one is such a command. */
bool hd_asking_command_may_know(void);

#endif
