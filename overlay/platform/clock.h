/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_CLOCK_H
#define HEDDLE_PLATFORM_CLOCK_H

/* Time behind one seam. Threads: any. Errors: none. */

#include <stdbool.h>
#include <stdint.h>
#include <time.h>

/* Nanoseconds of CLOCK_MONOTONIC; for deadlines and durations. */
uint64_t hd_clock_monotonic_ns(void);

/* The same as of the last tick, some milliseconds ago at most: a few ns cheaper than reading the hardware. */
uint64_t hd_clock_coarse_ns(void);

/* Wall time with ns; for timestamps. */
struct timespec hd_clock_now(void);

/* To the nanosecond. */
bool hd_clock_is_same(const struct timespec *a, const struct timespec *b);

/* Sleeps at least NS; signals do not shorten it. */
void hd_clock_sleep_ns(uint64_t ns);

#endif
