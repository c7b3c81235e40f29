/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_MEMORY_LIMIT_H
#define HEDDLE_PLATFORM_PROCESSES_MEMORY_LIMIT_H

/*
 * Memory limit: how much memory there is for this process. In a container or a service that is what its control groups
 * allow (cgroups(7)), and whoever takes more is killed.
 *
 * Threads     Any.
 * Errors      None: what cannot be found out is no limit.
 */

#include <stdint.h>

/* Bytes: the machine's memory, or the smallest limit of a control group that this process is in (io). */
uint64_t hd_memory_limit(void);

/*
 * Bytes, UINT64_MAX: none: the smallest limit of the groups that GROUPS names, the text of /proc/self/cgroup, and of those
 * they lie in. ROOT is where their directories are: /sys/fs/cgroup (io).
 */
uint64_t hd_memory_limit_of_groups(const char *groups, const char *root);

#endif
