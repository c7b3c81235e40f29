/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_EXECUTE_H
#define HEDDLE_TESTS_FUZZ_FS_EXECUTE_H

/*
 * One function per kind of operation: makes the system call on SIDE and fills OUTCOME.
 *
 * Those in execute_handles.c work on an open slot and answer EBADF for a closed one; those in execute_names.c
 * on names.
 */

#include "tests/fuzz_fs/operation.h"

typedef void (*fuzz_executor)(
	struct fuzz_side *side, const struct fuzz_operation *operation, struct fuzz_outcome *outcome);

extern const fuzz_executor fuzz_handle_executors[FUZZ_KIND_COUNT]; /* NULL where the kind works on names */
extern const fuzz_executor fuzz_name_executors[FUZZ_KIND_COUNT];

/* Keeps RESULT, and errno if it says failure. */
void fuzz_outcome_set(struct fuzz_outcome *outcome, long result);

#endif
