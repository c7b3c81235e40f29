/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_PROCESS_TABLE_H
#define HEDDLE_PLATFORM_PROCESSES_PROCESS_TABLE_H

/*
 * Process table: /proc as it was when it was opened, whatever is mounted over it later, and processes that are found in it.
 *
 * The numbers in it are those of the pid namespace that it was mounted in, which need not be ours: a process is known by its
 * directory there, which also takes the signal, so that a number is never read in one namespace and used in another, nor
 * after it became somebody else's.
 *
 * Ownership   The descriptor is the caller's. Threads: any. Errors: -errno.
 */

#include <stdbool.h>
#include <stdint.h>

/* -ENOENT, with a detail, where no /proc is mounted or it does not show this process. */
int hd_process_table_open(int *ret_table);

/* SIGKILL to every child of this process. */
void hd_process_table_kill_children(int table);

/* The mount namespace that this process is in, or 0 when nobody can tell. */
uint64_t hd_process_table_own_namespace(int table);

/* SIGKILL to every process in that one, as far as we may know; how many. 0 and our own are left alone. */
unsigned hd_process_table_kill_namespace(int table, uint64_t namespace);

/* Whether the /proc that is mounted now has our numbers for processes (io). */
bool hd_process_numbers_are_ours(void);

#endif
