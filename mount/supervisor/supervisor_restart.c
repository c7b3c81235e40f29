/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Another worker in the place of a dead one.
 *
 * The mount stays where it is and the device open: programs wait in the kernel, and the next worker answers them. It
 * gets what the dead one held: the same memory, the device, and the memory files of large files. Whether it can is its
 * own to find out; if it dies as well it is replaced as well, until the budget is used up. Then the mount is ended and
 * its memory brought to disk, which needs less of what may be broken.
 */

#include <errno.h>
#include <stdio.h>

#include "mount/control/control_channel.h"
#include "mount/control/control_json.h"
#include "mount/run_file.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"

#define WINDOW_NS (300ull * 1000000000u)

bool hd_supervisor_may_restart(struct hd_supervisor *supervisor)
{
	uint64_t now = hd_clock_monotonic_ns();

	if (supervisor->parts[HD_PART_DEVICE] < 0 || supervisor->stopping)
		return false;
	if (supervisor->replaces)
		return true;
	if (supervisor->window_restarts == 0 || now - supervisor->window_began_ns > WINDOW_NS) {
		supervisor->window_began_ns = now;
		supervisor->window_restarts = 0;
	}
	return supervisor->window_restarts < supervisor->options.restarts;
}

void hd_supervisor_prepare_next(struct hd_supervisor *supervisor)
{
	bool served = supervisor->phase == SUPERVISOR_SERVING || supervisor->phase == SUPERVISOR_TAKING_OVER;

	hd_descriptor_close(&supervisor->dying_fd);
	supervisor->dying_since_ns = hd_clock_monotonic_ns();
	if (served && !supervisor->detached &&
		!hd_descriptor_flag_is_raised(supervisor->parts[HD_PART_CLOSED]) &&
		hd_supervisor_may_restart(supervisor))
		hd_supervisor_spawn_next(supervisor);
}

/* What the next worker needs that is not inherited, and what it tells who asks. */
static json_t *describe_mount(const struct hd_supervisor *supervisor)
{
	HD_AUTO_FREE char *last_end = NULL;

	(void)hd_run_file_read(supervisor->arguments.store, supervisor->number, HD_RUN_LAST, &last_end);
	return hd_control_with_name(json_pack("{s:s, s:o, s:I, s:o}", "op", "go", "last_end",
					    last_end ? hd_control_text(last_end) : json_null(), "restarts",
					    (json_int_t)supervisor->restarts, "last_restart",
					    hd_control_text(supervisor->last_restart)),
		"mountpoint", supervisor->arguments.directory);
}

int hd_supervisor_restart(struct hd_supervisor *supervisor, const char *why)
{
	int r;

	supervisor->phase = SUPERVISOR_TAKING_OVER;
	supervisor->closed = false;
	/* One that was asked to go has not died. */
	supervisor->window_restarts += supervisor->replaces ? 0 : 1;
	supervisor->replaces = false;
	supervisor->restarts++;
	(void)snprintf(supervisor->last_restart, sizeof(supervisor->last_restart), "%s", why);
	r = hd_supervisor_spawn(supervisor, HD_WORKER_TAKES_OVER);
	if (r < 0)
		return hd_fail_in(r, "start another worker");
	r = hd_supervisor_hand_over(
		supervisor, describe_mount(supervisor), supervisor->parts[HD_PART_DEVICE]);
	/* Programs wait, and a disk may be slow. */
	hd_log(HD_LOG_WARNING, "%s; worker %d goes on in its place", why, (int)supervisor->worker);
	/* Of a mount that is detached already it may hear nothing, as long as another mount namespace has a copy. */
	hd_supervisor_remind(supervisor);
	return r;
}
