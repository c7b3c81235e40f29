/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_UNIT_CAPTURE_KILLED_PROCESS_H
#define HEDDLE_TESTS_UNIT_CAPTURE_KILLED_PROCESS_H

/*
 * A process that is killed before one of its system calls that change something on the disk.
 *
 * Calling sequence
 *     fork; the child: killed_process_begin, then the work, _exit(0); the parent: killed_process_trace
 *
 * Threads     The child has one. Failures are those of cmocka.
 */

#include <stdbool.h>
#include <sys/types.h>

/* Stops this process for the parent. What it has opened before is not counted. */
void killed_process_begin(void);

/* Whether CHILD was killed, before its call number STEP that changes something; else it was through, with status 0. */
bool killed_process_trace(pid_t child, int step);

#endif
