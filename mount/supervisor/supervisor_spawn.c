/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdlib.h>

#include "mount/control/control_channel.h"
#include "mount/program_spawn.h"
#include "mount/supervisor/keeper.h"
#include "mount/supervisor/supervisor_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/descriptor.h"
#include "overlay/platform/error.h"
#include "overlay/platform/process.h"
#include "overlay/platform/socket.h"

/* Starting a worker, and giving it what it does not inherit. */

int hd_supervisor_spawn(struct hd_supervisor *supervisor, enum hd_worker_role role)
{
	HD_AUTO_FREE char *options = hd_mount_options_format(&supervisor->options);
	const struct hd_program_arguments arguments = {.store = supervisor->arguments.store,
		.thread = supervisor->arguments.thread,
		.options = options,
		.take_over = role == HD_WORKER_TAKES_OVER,
		.salvage = role == HD_WORKER_SALVAGES};
	struct hd_inherited_fd fds[1 + HD_PARTS_INHERITED];
	HD_AUTO_CLOSE int theirs = -1;
	int ends[2];
	int r;

	if (!options)
		return -ENOMEM;
	r = hd_socket_pair(ends);
	if (r < 0)
		return hd_fail_in(r, "make a socket pair");
	hd_descriptor_close(&supervisor->link_fd);
	supervisor->link_fd = ends[0];
	supervisor->link_lost = false;
	theirs = ends[1];
	fds[0] = (struct hd_inherited_fd){theirs, HD_WORKER_LINK_FD};
	hd_mount_parts_inherit(supervisor->parts, fds + 1);
	r = hd_program_spawn("heddle-fuse-worker", &arguments, fds, HD_ARRAY_SIZE(fds), &supervisor->worker);
	if (r < 0)
		return r;
	supervisor->foreign = false;
	hd_descriptor_close(&supervisor->watch_fd);
	r = supervisor->watch_fd = hd_process_watch(supervisor->worker);
	if (r < 0)
		return hd_fail_in(r, "watch worker %d", (int)supervisor->worker);
	hd_keeper_tell_worker(supervisor);
	return 0;
}

int hd_supervisor_hand_over(struct hd_supervisor *supervisor, json_t *message, int device)
{
	size_t i;
	int r = 0;

	for (i = 0; r >= 0 && i < supervisor->large.count; i++) {
		const struct hd_held_file *file = &supervisor->large.files[i];

		if (file->fd >= 0)
			r = hd_control_send(supervisor->link_fd,
				json_pack("{s:s, s:I}", "op", "large", "slot", (json_int_t)file->slot),
				file->fd);
	}
	hd_held_files_restart(&supervisor->large);
	if (r >= 0)
		r = hd_control_send(supervisor->link_fd, message, device);
	else
		json_decref(message);
	/* One that died meanwhile is found by its watch. */
	return r == -EPIPE ? 0 : r;
}
