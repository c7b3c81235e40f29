/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_PROGRAM_SPAWN_H
#define HEDDLE_MOUNT_PROGRAM_SPAWN_H

/*
 * Program spawn: starts heddled and heddle-fuse-worker, the ones that belong to the calling program.
 * Threads: any. Errors: -errno with a detail.
 */

#include <sys/types.h>

#include "mount/program_arguments.h"
#include "overlay/platform/processes/process.h"

/* Starts NAME with ARGUMENTS and, beside the standard ones, exactly the descriptors FDS. */
int hd_program_spawn(const char *name, const struct hd_program_arguments *arguments,
	const struct hd_inherited_fd *fds, size_t n_fds, pid_t *ret_pid);

#endif
