/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

#include "mount/mount_place.h"
#include "mount/run_file.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/descriptor.h"
#include "overlay/platform/log.h"
#include "overlay/platform/mounts/mount_point.h"

/* Taking the mount out of the tree. */

/* The mount that a dead supervisor left, if it is still that one. */
static void remove_left_mount(const struct hd_supervisor *supervisor)
{
	struct hd_mount_place place;
	int r;

	r = hd_mount_find_thread(supervisor->arguments.store, supervisor->arguments.thread, &place);
	if (r < 0)
		return;
	r = hd_mount_point_abandon(place.directory);
	if (r < 0)
		hd_log(HD_LOG_ERROR, "cannot detach %s: %s", place.directory, hd_error_message(r));
	hd_mount_place_clear(&place);
}

int hd_supervisor_unmount(const struct hd_supervisor *supervisor, bool lazy)
{
	const struct hd_program_arguments *arguments = &supervisor->arguments;

	/* What stands at that place for us is not that mount, which goes with the processes that see it. */
	if (supervisor->options.is_private)
		return 0;
	return hd_mount_detach_own(arguments->store, arguments->thread, arguments->directory, lazy);
}

void hd_supervisor_detach(struct hd_supervisor *supervisor)
{
	int r = 0;

	if (supervisor->adopted && !supervisor->detached && !supervisor->options.is_private)
		remove_left_mount(supervisor);
	else if (supervisor->parts[HD_PART_DEVICE] >= 0 && !supervisor->detached)
		r = hd_supervisor_unmount(supervisor, true);
	supervisor->detached = true;
	/* The last descriptor: programs that wait for an answer get ECONNABORTED. */
	hd_descriptor_close(&supervisor->parts[HD_PART_DEVICE]);
	hd_keeper_tell_device(supervisor);
	if (r < 0 && r != -EINVAL) {
		r = hd_supervisor_unmount(supervisor, true);
		if (r < 0 && r != -EINVAL)
			hd_log(HD_LOG_ERROR, "cannot detach %s: %s", supervisor->arguments.directory,
				hd_error_message(r));
	}
}

void hd_supervisor_remove_mount(struct hd_supervisor *supervisor)
{
	hd_supervisor_detach(supervisor);
	/* Not ours before we were the thread's supervisor. */
	if (supervisor->lock_fd < 0)
		return;
	hd_descriptor_close(&supervisor->listen_fd);
	hd_supervisor_remove_files(supervisor);
}
