/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_POWER_SESSION_H
#define HEDDLE_TESTS_TORTURE_POWER_SESSION_H

/*
 * A sequence of operations on a recorded store. What must be true of the store after a power cut in it: power_check.h.
 *
 * A sequence is words: the workload's operations, "die" (the process ends, another one takes its memory over), "close",
 * and, as the only word, "init" (the store is made). The program says in the recording what it does:
 *
 *     start N     operation N begins          ack N       what operations 1 to N did is durable
 *     digest N D  the tree after it is D      states N    so many states are durable
 *     names N D   threads and tags after it   settled N   those of operation N are durable
 *     other N     the thread of directory N has its file
 *     untimed     digests are without times
 *
 * Errors      All failures end the program with a message.
 */

/* In the recorded process. */
void power_session_run(const char *root, const char *sequence);

#endif
