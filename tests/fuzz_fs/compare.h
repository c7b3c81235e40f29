/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_COMPARE_H
#define HEDDLE_TESTS_FUZZ_FS_COMPARE_H

/*
 * Compares what two sides show. Each difference is one line on standard output; the functions return how
 * many.
 *
 * Everything counts but st_dev, the sizes of directories and the order of listings, which are each filesystem's
 * own. Of inode numbers it counts which names share one; of blocks, that there are no more than the size allows or the native side has, and
 * that bytes have some. Times: intervals.h. What is accepted besides is in known_differences.c and nowhere else.
 */

#include <stdbool.h>

#include "tests/fuzz_fs/intervals.h"
#include "tests/fuzz_fs/operation.h"

struct fuzz_times {
	struct stat a, b;
	bool exists_a, exists_b;
};

struct fuzz_comparison {
	struct fuzz_world *world;
	struct fuzz_intervals intervals;
	struct fuzz_intervals restores; /* when both sides were brought back to a state */
	time_t run_start;
	bool collects_writes; /* the side under test is mounted with -o writeback */
};

/* The results of one operation, known differences excepted. */
unsigned fuzz_compare_outcomes(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b);

/* All of stat, A and B, of what is natively at PATH below FD, or with an empty PATH FD itself; LABEL is printed. */
unsigned fuzz_compare_stat(const struct fuzz_comparison *comparison, const char *label, int fd,
	const char *path, const struct stat *a, const struct stat *b);

/* One name: all of stat, and with DEEP the bytes, the link's target and the extended attributes. */
unsigned fuzz_compare_path(const struct fuzz_comparison *comparison, const char *path, bool deep);

/* The open file in slot HANDLE. */
unsigned fuzz_compare_handle(const struct fuzz_comparison *comparison, int handle, bool deep);

/* Everything below the roots, and that names of one file on one side are names of one file on the other. */
unsigned fuzz_compare_trees(const struct fuzz_comparison *comparison);

/* Before and after an operation: a time that one side alone has moved is a difference. */
void fuzz_times_take(const struct fuzz_world *world, const char *path, struct fuzz_times *ret_times);
unsigned fuzz_times_compare(const struct fuzz_comparison *comparison, const char *path,
	const struct fuzz_times *before, const struct timespec *operation_start);

/*
 * Before and after an operation that reads nothing: the access time of what it names stays, or becomes what it becomes
 * natively. That of a file of several pages may move late, when a page comes that was read ahead.
 */
unsigned fuzz_access_times_compare(const struct fuzz_comparison *comparison,
	const struct fuzz_operation *operation, const char *path, const struct fuzz_times *before);

/* Why A and B may differ here, or NULL: the one table of accepted differences. */
const char *fuzz_known_difference(
	const struct fuzz_operation *operation, const struct fuzz_outcome *a, const struct fuzz_outcome *b);

/* The same for a file whose access time is A on the side under test and B natively. */
const char *fuzz_known_access_time(
	const struct fuzz_comparison *comparison, const struct timespec *a, const struct timespec *b);

/* For a file whose time of change, or else of modification, is A on the side under test and B natively. */
const char *fuzz_known_change_time(const struct fuzz_comparison *comparison, bool is_change_time,
	const struct timespec *a, const struct timespec *b);

/* For a file with more blocks than its size and the native side allow. */
const char *fuzz_known_block_count(const struct fuzz_comparison *comparison);

/* For a file that has bytes and, by FD of the side under test, no blocks. */
const char *fuzz_known_blocks(const struct fuzz_comparison *comparison, int fd);

#endif
