/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_SUPERVISOR_SUPERVISOR_H
#define HEDDLE_MOUNT_SUPERVISOR_SUPERVISOR_H

/*
 * Supervisor: the process that owns what must outlive a worker: the mount, the two memory files, the large
 * files.
 *
 * One thread and one poll loop. It parses nothing that a client sends: clients' sockets are handed to the
 * worker. When the worker dies without having closed its overlay, the mount is detached and a salvager brings
 * the memory to disk. A .last file says why.
 *
 * Calling sequence
 *     hd_supervisor_run, from main, with no other thread in the process
 *
 * Errors      The process's exit status; the reason was reported to the one who started it, and logged.
 */

#include "mount/program_arguments.h"

/* Returns when the mount has ended, and its memory is on disk or given up. */
int hd_supervisor_run(const struct hd_program_arguments *arguments);

#endif
