/* SPDX-License-Identifier: Apache-2.0 */

/*
 * The stop ladder: a worker that was asked to go and does not is asked by SIGTERM, and then killed. What it leaves in
 * memory is salvaged like that of any worker that died, so that a worker that hangs costs time and no bytes.
 *
 * A worker that has said that it cannot bring its memory to disk is left alone: it tries again until it can.
 */

#include <signal.h>
#include <stdlib.h>

#include "mount/control/control_channel.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"

static const struct {
	int signal; /* sent when the time of the step before has passed */
	uint64_t patience_ns;
} steps[] = {
	{0, 20000000000u}, /* to bring what is in memory to disk */
	{SIGTERM, 5000000000u},
	{SIGKILL, 0},
};

#define STEPS (sizeof(steps) / sizeof(steps[0]))

/* For the test, which has less time. */
static uint64_t patience_of(unsigned step)
{
	const char *wish = getenv("HEDDLE_DEBUG_STOP_MS");

	return wish && steps[step].patience_ns ? strtoull(wish, NULL, 10) * 1000000u
					       : steps[step].patience_ns;
}

void hd_supervisor_ask_to_go(struct hd_supervisor *supervisor, const char *op)
{
	(void)hd_control_send(supervisor->link_fd, json_pack("{s:s}", "op", op), -1);
	supervisor->stop_step = 0;
	supervisor->act_at_ns = hd_clock_monotonic_ns() + patience_of(0);
}

int hd_supervisor_ladder_timeout(const struct hd_supervisor *supervisor)
{
	uint64_t now = hd_clock_monotonic_ns();

	if (supervisor->act_at_ns == 0)
		return -1;
	return supervisor->act_at_ns <= now ? 0 : (int)((supervisor->act_at_ns - now) / 1000000u) + 1;
}

void hd_supervisor_ladder_climb(struct hd_supervisor *supervisor)
{
	unsigned step = supervisor->stop_step + 1;

	if (supervisor->act_at_ns == 0 || hd_clock_monotonic_ns() < supervisor->act_at_ns)
		return;
	supervisor->act_at_ns = 0;
	if (supervisor->unsaved || step >= STEPS)
		return;
	hd_log(HD_LOG_WARNING, "worker %d was asked to go and has not: signal %d", (int)supervisor->worker,
		steps[step].signal);
	(void)hd_process_kill(supervisor->worker, steps[step].signal);
	supervisor->stop_step = step;
	if (patience_of(step))
		supervisor->act_at_ns = hd_clock_monotonic_ns() + patience_of(step);
}
