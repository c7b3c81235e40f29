/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_COMPARE_H
#define HEDDLE_TESTS_FUZZ_FS_COMPARE_H

/*
 * Compares what two sides show. Each difference is one line on standard output; the functions return how
 * many.
 *
 * Times: both sides run on their own clocks. A time of the native side that lies before the run (of the
 * initial tree, or set by utimensat) must be equal to the nanosecond; one that was made in the run must have
 * been made in the run on the other side too.
 */

#include <stdbool.h>

#include "tests/fuzz_fs/operation.h"

struct fuzz_times {
	struct stat a, b;
	bool exists_a, exists_b;
};

struct fuzz_comparison {
	struct fuzz_world *world;
	struct timespec run_start;
};

/* The results of one operation, known differences excepted. */
unsigned fuzz_compare_outcomes(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b);

/* One name: all of stat, and with DEEP the bytes, the link's target and the extended attributes. */
unsigned fuzz_compare_path(const struct fuzz_comparison *comparison, const char *path, bool deep);

/* The open file in slot HANDLE. */
unsigned fuzz_compare_handle(const struct fuzz_comparison *comparison, int handle, bool deep);

/* Everything below the roots, and that names of one file on one side are names of one file on the other. */
unsigned fuzz_compare_trees(const struct fuzz_comparison *comparison);

/* Before and after an operation: a time that one side alone has moved is a difference. */
void fuzz_times_take(const struct fuzz_world *world, const char *path, struct fuzz_times *ret_times);
unsigned fuzz_times_compare(const struct fuzz_world *world, const char *path, const struct fuzz_times *before,
	const struct timespec *operation_start);

/* Why A and B may differ here, or NULL: the one table of accepted differences. */
const char *fuzz_known_difference(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b);

#endif
