/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/clock.h"

/* What a full disk or a machine without room refused, and no request depends on: tried again until it is done. */

#define CATCH_UP_NS 2000000000u

bool hd_supervisor_put_off(struct hd_supervisor *supervisor, bool *due)
{
	bool news = !*due;

	*due = true;
	supervisor->catch_up_at_ns = hd_clock_monotonic_ns() + CATCH_UP_NS;
	return news;
}

int hd_supervisor_catch_up_timeout(const struct hd_supervisor *supervisor)
{
	uint64_t now = hd_clock_monotonic_ns();

	if (supervisor->catch_up_at_ns == 0)
		return -1;
	return supervisor->catch_up_at_ns <= now ? 0
						 : (int)((supervisor->catch_up_at_ns - now) / 1000000u) + 1;
}
