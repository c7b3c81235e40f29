/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/clock.h"

#include <errno.h>

#include "overlay/platform/lock.h"

#define NS_PER_S 1000000000u

uint64_t hd_clock_monotonic_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

uint64_t hd_clock_coarse_ns(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	return (uint64_t)now.tv_sec * NS_PER_S + (uint64_t)now.tv_nsec;
}

struct timespec hd_clock_now(void)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

bool hd_clock_is_same(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

void hd_clock_sleep_ns(uint64_t ns)
{
	uint64_t now_ns = hd_clock_monotonic_ns();
	uint64_t deadline_ns = ns > UINT64_MAX - now_ns ? UINT64_MAX : now_ns + ns;
	struct timespec deadline = {
		.tv_sec = (time_t)(deadline_ns / NS_PER_S),
		.tv_nsec = (long)(deadline_ns % NS_PER_S),
	};

	hd_lock_assert_none_held("sleep");
	/* An absolute deadline, so that signals cannot stretch the sleep. */
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &deadline, NULL) == EINTR)
		;
}
