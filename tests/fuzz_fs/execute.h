/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_EXECUTE_H
#define HEDDLE_TESTS_FUZZ_FS_EXECUTE_H

/*
 * One function per kind of call, fuzz_run_<kind>: makes the system call on SIDE and fills OUTCOME.
 *
 * They run with the side's root as working directory, as the operation's user and with its umask
 * (fuzz_execute in side.c sees to it). Those that work on an open slot answer EBADF for a closed one.
 */

#include "tests/fuzz_fs/operation.h"

typedef void (*fuzz_executor)(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome);

#define FUZZ_EXECUTOR(name, weight)                                                          \
	void fuzz_run_##name(struct fuzz_side *side, const struct fuzz_operation *operation, \
		struct fuzz_outcome *outcome);
FUZZ_CALLS(FUZZ_EXECUTOR)
#undef FUZZ_EXECUTOR

/* Keeps RESULT, and errno if it says failure. */
void fuzz_outcome_set(struct fuzz_outcome *outcome, long result);

/* The slot's descriptor; -2 for what has no bytes to work on, which both sides leave alone. */
int fuzz_regular_handle(const struct fuzz_side *side, int slot);

void fuzz_mapping_drop(struct fuzz_mapping *mapping);

/* A read of a FIFO would wait or depend on the other side's ends, and a directory has no bytes to compare. */
bool fuzz_is_regular(int fd);

#endif
