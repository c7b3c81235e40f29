/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_FILES_ATOMIC_FILE_FALLBACK_H
#define HEDDLE_PLATFORM_FILES_ATOMIC_FILE_FALLBACK_H

/*
 * The temporary names of hd_file_atomic_*: for whoever sweeps them after a crash, and a switch for tests.
 *
 * Threads     Any.
 */

#include <stdatomic.h>
#include <stdbool.h>

/* A directory entry that starts so is an unfinished file; it may be removed when no process writes there. */
#define HD_ATOMIC_FILE_PREFIX ".heddle-new-"
#define HD_ATOMIC_FILE_NAME_SIZE 32

/* Tests set this to take the way of filesystems without O_TMPFILE. */
extern _Atomic bool hd_file_atomic_without_tmpfile;

#endif
