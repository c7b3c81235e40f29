/* SPDX-License-Identifier: Apache-2.0 */
#include <unistd.h>

#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/sockets/socket.h"

/* What a supervisor that has stepped down does until another one has the worker (supervisor_step_down.c). */

#define WATCH_NS 15000000000u
#define HEAR_TIMEOUT_MS 1000
#define RETRY_NS 1000000u

/* Until the worker is adopted, or dead, or nobody has come for it. */
static void await_successor(struct hd_supervisor *supervisor)
{
	uint64_t deadline = hd_clock_monotonic_ns() + WATCH_NS;

	while (!supervisor->is_left) {
		const int fds[] = {supervisor->watch_fd, supervisor->link_lost ? -1 : supervisor->link_fd};
		uint64_t now = hd_clock_monotonic_ns();
		unsigned ready = 0;
		int r = 0;

		if (now < deadline)
			r = hd_descriptor_wait(
				fds, HD_ARRAY_SIZE(fds), (int)((deadline - now) / 1000000u) + 1, &ready);
		if (r < 0 || ready == 0)
			return;
		/* What it said last comes before its end. */
		if ((ready & 2u) && hd_supervisor_hear(supervisor, HEAR_TIMEOUT_MS) < 0)
			supervisor->link_lost = true;
		else if (!(ready & 2u))
			return;
	}
}

/* Who wants to adopt a worker that is dead waits at the socket that we have too, and has the locks. */
static void turn_away(const struct hd_supervisor *supervisor)
{
	const int fds[] = {supervisor->parts[HD_PART_ADOPTION], supervisor->watch_fd};
	unsigned ready = 0;

	while (hd_descriptor_wait(fds, HD_ARRAY_SIZE(fds), 0, &ready) >= 0 && ready == 3) {
		int fd = hd_socket_accept(supervisor->parts[HD_PART_ADOPTION]);

		hd_cleanup_close(&fd);
	}
}

static int take_locks_back(struct hd_supervisor *supervisor)
{
	uint64_t deadline = hd_clock_monotonic_ns() + WATCH_NS;
	int r;

	for (;;) {
		turn_away(supervisor);
		r = hd_supervisor_take_locks(supervisor, false);
		if (r != -HD_E_THREAD_BUSY || hd_clock_monotonic_ns() > deadline)
			return r;
		hd_descriptor_close(&supervisor->keeper_lock_fd);
		hd_descriptor_close(&supervisor->lock_fd);
		hd_clock_sleep_ns(RETRY_NS);
	}
}

bool hd_supervisor_watch_over(struct hd_supervisor *supervisor)
{
	int r;

	await_successor(supervisor);
	if (supervisor->is_left)
		return false;
	r = take_locks_back(supervisor);
	if (r >= 0) {
		supervisor->stepped_down = false;
		supervisor->phase = SUPERVISOR_SERVING;
		r = hd_supervisor_take_office(supervisor);
	}
	if (r < 0) {
		hd_log(HD_LOG_ERROR, "worker %d is left to others: %s", (int)supervisor->worker,
			hd_error_message(r));
		supervisor->stepped_down = true;
		return false;
	}
	hd_log(HD_LOG_WARNING, "nobody has taken the place of %d, which goes on", (int)getpid());
	return true;
}
