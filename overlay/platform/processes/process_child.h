/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_PROCESSES_PROCESS_CHILD_H
#define HEDDLE_PLATFORM_PROCESSES_PROCESS_CHILD_H

/*
 * The moments of a child between vfork and exec. Used by process.c alone.
 *
 * Threads     The child has one thread, and the parent's memory, in which other threads go on: only async-signal-safe calls
 *             (signal-safety(7)) may be made, no memory may be allocated, and nothing written but the plan's numbers.
 * Ownership   The plan and all it points to belong to the parent, prepared before.
 */

#include <signal.h>
#include <stddef.h>
#include <sys/types.h>

#include "overlay/platform/processes/process.h"

struct hd_child_plan {
	const char *path;
	char *const *arguments;
	char *const *environment;
	const struct hd_inherited_fd *fds;
	size_t n_fds;
	int *moved_fds;          /* n_fds numbers for the child to fill in */
	int first_free_fd;       /* above 2 and above every child_fd */
	int report_fd;           /* takes the errno of what failed */
	pid_t parent;            /* die with this process; 0: do not */
	sigset_t signals_before; /* the parent's mask */
};

/* Arranges descriptors and signals and executes the program. */
__attribute__((noreturn)) void hd_child_run(const struct hd_child_plan *plan);

#endif
