/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/control/control_channel.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"

/* Whoever waits for this process to say something: who started it, and clients that wait for the end of the mount. */

void hd_supervisor_report(struct hd_supervisor *supervisor, json_t *reply)
{
	if (supervisor->report_fd < 0) {
		json_decref(reply);
		return;
	}
	(void)hd_control_send(supervisor->report_fd, reply, -1);
	hd_cleanup_close(&supervisor->report_fd);
	supervisor->report_fd = -1;
}

void hd_supervisor_answer_waiters(struct hd_supervisor *supervisor, json_t *reply, bool synced)
{
	size_t kept = 0;
	size_t i;

	for (i = 0; i < supervisor->n_waiters; i++) {
		if (synced && !supervisor->waits_for_sync[i]) {
			supervisor->waiters[kept] = supervisor->waiters[i];
			supervisor->waits_for_sync[kept++] = false;
			continue;
		}
		(void)hd_control_send(supervisor->waiters[i], json_incref(reply), -1);
		hd_cleanup_close(&supervisor->waiters[i]);
	}
	supervisor->n_waiters = kept;
}

void hd_supervisor_add_waiter(struct hd_supervisor *supervisor, int *client, bool lazy)
{
	if (supervisor->n_waiters == SUPERVISOR_WAITER_LIMIT)
		return;
	supervisor->waits_for_sync[supervisor->n_waiters] = lazy;
	supervisor->waiters[supervisor->n_waiters++] = hd_steal_fd(client);
}

void hd_supervisor_remind(const struct hd_supervisor *supervisor)
{
	for (size_t i = 0; i < supervisor->n_waiters; i++)
		(void)hd_control_send(supervisor->link_fd,
			json_pack("{s:s}", "op", supervisor->waits_for_sync[i] ? "sync" : "stop"), -1);
}
