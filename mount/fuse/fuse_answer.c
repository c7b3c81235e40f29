/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/fuse_answer.h"

#include <errno.h>
#include <signal.h>
#include <unistd.h>

#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/processes/process.h"

/*
 * The kernel refuses an answer that nobody waits for (ENOENT), or when the connection is gone (ENODEV). It has no other reason
 * that leaves somebody waiting: what it cannot copy it answers with EIO by itself. If it refuses all the same, libfuse has
 * let go of the request, and its answer cannot be made again: so it is EIO, and what the answer would have brought is given
 * back (fuse_reply.c). A device that takes nothing for a second is left to the next worker, which is asked again.
 */

#define WRITE_FAILURES 100u
#define WRITE_PAUSE_NS 10000000u

static bool is_over(int r)
{
	return r >= 0 || r == -ENOENT || r == -ENODEV;
}

void hd_fuse_answer(const struct hd_fuse_session *session, uint64_t unique, int error)
{
	const struct fuse_out_header header = {.len = sizeof(header), .error = error, .unique = unique};

	for (unsigned failures = 0; !is_over(hd_descriptor_write(session->fd, &header, sizeof(header)));) {
		if (++failures == WRITE_FAILURES) {
			hd_log(HD_LOG_ERROR, "no request can be answered, leaving that to another worker");
			(void)hd_process_kill(getpid(), SIGKILL);
		}
		hd_clock_sleep_ns(WRITE_PAUSE_NS);
	}
}

int hd_fuse_answered(const struct hd_fuse_session *session, uint64_t unique, int r)
{
	if (is_over(r))
		return r;
	hd_log(HD_LOG_ERROR, "an answer cannot be written, it becomes EIO: %s", hd_error_message(r));
	hd_fuse_answer(session, unique, -EIO);
	return r;
}
