/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/run_signals.h"

#include <signal.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/processes/process.h"
#include "overlay/platform/processes/process_command.h"

static const int ending_signals[HD_RUN_SIGNALS] = {SIGINT, SIGTERM, SIGHUP};

int hd_run_signals_hold(struct hd_run_signals *signals)
{
	struct hd_run_signals held = {0};
	int r = 0;

	for (size_t i = 0; i < HD_ARRAY_SIZE(ending_signals); i++)
		if (!hd_process_ignores(ending_signals[i]))
			held.held[held.count++] = ending_signals[i];
	if (held.count > 0)
		r = held.fd = hd_process_signal_fd(held.held, held.count);
	if (r < 0)
		return r;
	if (signals->count > 0)
		hd_descriptor_close(&signals->fd);
	*signals = held;
	return 0;
}

bool hd_run_signals_came(const struct hd_run_signals *signals)
{
	return signals->count > 0 && hd_process_signal_read(signals->fd) > 0;
}

void hd_run_signals_forget(struct hd_run_signals *signals)
{
	if (signals->count > 0)
		hd_process_signal_fd_end(&signals->fd, signals->held, signals->count);
	signals->count = 0;
}
