/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>

#include "mount/run_file.h"
#include "mount/supervisor/supervisor.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* What a supervisor holds, and how it lets go of it. A keeper holds the same. */

void hd_supervisor_init(struct hd_supervisor *supervisor, const struct hd_program_arguments *arguments)
{
	size_t i;

	*supervisor = (struct hd_supervisor){.arguments = *arguments,
		.report_fd = arguments->report ? HD_SUPERVISOR_REPORT_FD : -1,
		.signal_fd = -1,
		.listen_fd = -1,
		.link_fd = -1,
		.watch_fd = -1,
		.dying_fd = -1,
		.lock_fd = -1,
		.keeper_lock_fd = -1,
		.keeper_fd = -1};
	for (i = 0; i < HD_PART_COUNT; i++)
		supervisor->parts[i] = -1;
	hd_reserve_init(&supervisor->reserve);
}

void hd_supervisor_clear(struct hd_supervisor *supervisor)
{
	int *const fds[] = {&supervisor->report_fd, &supervisor->signal_fd, &supervisor->listen_fd,
		&supervisor->link_fd, &supervisor->watch_fd, &supervisor->dying_fd, &supervisor->keeper_fd,
		&supervisor->keeper_lock_fd, &supervisor->lock_fd};
	size_t i;

	for (i = 0; i < HD_PART_COUNT; i++)
		hd_cleanup_close(&supervisor->parts[i]);
	hd_held_files_clear(&supervisor->large);
	(void)hd_reserve_release(&supervisor->reserve);
	for (i = 0; i < HD_ARRAY_SIZE(fds); i++)
		hd_cleanup_close(fds[i]);
	free(supervisor->directory);
	json_decref(supervisor->failure);
	json_decref(supervisor->unsaved);
}

int hd_supervisor_explain_busy(const struct hd_supervisor *supervisor, int r)
{
	HD_AUTO_FREE char *owner = r == -HD_E_THREAD_BUSY ? hd_run_lock_owner(supervisor->arguments.store,
								    supervisor->number, HD_RUN_LEASE)
							  : NULL;

	if (owner)
		return hd_fail(-r, "open thread '%s', which %s has", supervisor->arguments.thread, owner);
	return hd_fail_in(r, "open thread '%s'", supervisor->arguments.thread);
}
