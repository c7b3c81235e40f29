/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_TORTURE_POWER_SESSION_H
#define HEDDLE_TESTS_TORTURE_POWER_SESSION_H

/*
 * A sequence of operations on a recorded store, and what must be true of the store after a power cut in it.
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

#include "tests/torture/power_replay.h"

/* In the recorded process. */
void power_session_run(const char *root, const char *sequence);

/*
 * Checks the store below ROOT as it is after a cut: it opens, `heddle check` finds no problem, its tree is one that the
 * thread had between the last acknowledged operation and the last one that began, and it can be written to again.
 * False, with a line in MESSAGE, when not. Runs in a process of its own.
 */
bool power_session_check(const char *root, const struct recording *recording, const struct cut *cut,
	char *message, size_t size);

#endif
