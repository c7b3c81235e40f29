/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_TESTS_FUZZ_FS_INTERVALS_H
#define HEDDLE_TESTS_FUZZ_FS_INTERVALS_H

/*
 * When each operation of a run began and ended: what a time that a filesystem shows is measured by.
 *
 *     fuzz_intervals_begin → the operation on both sides → fuzz_intervals_end
 *
 * Filesystems take their times from the coarse clock, which is some ticks behind, or from the fine one. But a time that an operation has
 * set on one side the same operation must have set on the other. Nothing that happens between operations (a
 * capture, a new mount, bytes moved in the background) may set one.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

struct fuzz_intervals {
	struct fuzz_interval {
		int64_t start, end; /* ns since 1970: by the coarse clock, by the fine one */
	} * intervals;
	size_t count, capacity;
};

void fuzz_intervals_begin(struct fuzz_intervals *intervals);
void fuzz_intervals_end(struct fuzz_intervals *intervals);
void fuzz_intervals_free(struct fuzz_intervals *intervals);

/* May A and B be the same moment? One that B's side did not make in the run must be equal. */
bool fuzz_intervals_match(
	const struct fuzz_intervals *intervals, const struct timespec *a, const struct timespec *b);

/* Was TIME made in the run? */
bool fuzz_intervals_cover(const struct fuzz_intervals *intervals, const struct timespec *time);

/* Was TIME made in one of the intervals, and not between two? */
bool fuzz_intervals_contain(const struct fuzz_intervals *intervals, const struct timespec *time);

#endif
