/* SPDX-License-Identifier: Apache-2.0 */

#include <stdlib.h>

#include "tests/fuzz_fs/intervals.h"

#define SECOND INT64_C(1000000000)

static int64_t to_ns(const struct timespec *time)
{
	return (int64_t)time->tv_sec * SECOND + time->tv_nsec;
}

static int64_t now(clockid_t clock)
{
	struct timespec time;

	(void)clock_gettime(clock, &time);
	return to_ns(&time);
}

void fuzz_intervals_begin(struct fuzz_intervals *intervals)
{
	if (intervals->count == intervals->capacity) {
		intervals->capacity = intervals->capacity == 0 ? 4096 : 2 * intervals->capacity;
		intervals->intervals =
			realloc(intervals->intervals, intervals->capacity * sizeof(*intervals->intervals));
		if (intervals->intervals == NULL)
			abort();
	}
	intervals->intervals[intervals->count].start = now(CLOCK_REALTIME_COARSE);
}

void fuzz_intervals_end(struct fuzz_intervals *intervals)
{
	intervals->intervals[intervals->count++].end = now(CLOCK_REALTIME);
}

void fuzz_intervals_free(struct fuzz_intervals *intervals)
{
	free(intervals->intervals);
	*intervals = (struct fuzz_intervals){0};
}

/* Seconds are compared first: far times do not fit into 64 bits of nanoseconds. */
bool fuzz_intervals_cover(const struct fuzz_intervals *intervals, const struct timespec *time)
{
	const struct fuzz_interval *first = intervals->intervals, *last = first + intervals->count - 1;

	if (intervals->count == 0 || time->tv_sec < first->start / SECOND - 1 ||
		time->tv_sec > last->end / SECOND + 1)
		return false;
	return to_ns(time) >= first->start && to_ns(time) <= last->end;
}

/* The first operation that ended at MOMENT or later. */
static size_t first_ending(const struct fuzz_intervals *intervals, int64_t moment)
{
	size_t low = 0, high = intervals->count - 1;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (intervals->intervals[middle].end >= moment)
			high = middle;
		else
			low = middle + 1;
	}
	return low;
}

bool fuzz_intervals_contain(const struct fuzz_intervals *intervals, const struct timespec *time)
{
	return fuzz_intervals_cover(intervals, time) &&
	       intervals->intervals[first_ending(intervals, to_ns(time))].start <= to_ns(time);
}

bool fuzz_intervals_match(
	const struct fuzz_intervals *intervals, const struct timespec *a, const struct timespec *b)
{
	const struct fuzz_interval *all = intervals->intervals;
	int64_t moment;
	size_t first, last;

	if (!fuzz_intervals_cover(intervals, b))
		return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
	if (!fuzz_intervals_cover(intervals, a))
		return false;
	/* Several operations may begin in one tick of the coarse clock: B was made in one of these, and so was A. */
	moment = to_ns(b);
	first = last = first_ending(intervals, moment);
	while (last + 1 < intervals->count && all[last + 1].start <= moment)
		last++;
	return to_ns(a) >= all[first].start && to_ns(a) <= all[last].end;
}
