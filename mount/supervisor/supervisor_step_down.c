/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Stepping down: another supervisor is about to adopt the worker.
 *
 * Until it has, the worker would be the only process that has the mount's memory. So the old supervisor gives up its
 * locks and its socket, and stays: it ends when the worker says that it is adopted. If the worker dies before that, or
 * nobody comes, it takes its place again.
 */

#include <unistd.h>

#include "mount/answers/control_execute.h"
#include "mount/control/control_channel.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/clock.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/sockets/socket.h"

void hd_supervisor_step_down(struct hd_supervisor *supervisor, int client)
{
	/* A keeper hears what its dead supervisor was asked, and is about to take that one's place. */
	if (supervisor->listen_fd < 0) {
		(void)hd_control_send(client,
			hd_control_error_reply(
				hd_fail(HD_E_THREAD_BUSY, "heddled was killed, and is being replaced")),
			-1);
		return;
	}
	if (supervisor->phase != SUPERVISOR_SERVING || supervisor->unsaved || supervisor->n_waiters > 0) {
		(void)hd_control_send(
			client, hd_control_error_reply(hd_fail(HD_E_THREAD_BUSY, "the mount is ending")), -1);
		return;
	}
	hd_log(HD_LOG_NOTICE, "%d steps down, worker %d goes on", (int)getpid(), (int)supervisor->worker);
	hd_keeper_dismiss(supervisor);
	supervisor->window_keepers = 0; /* it has not died */
	supervisor->stepped_down = true;
	supervisor->is_left = false;
	supervisor->phase = SUPERVISOR_ENDED;
	hd_descriptor_close(&supervisor->listen_fd);
	hd_descriptor_close(&supervisor->lock_fd);
	(void)hd_control_send(client, json_pack("{s:b}", "ok", 1), -1);
}
