/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WORKER_WORKER_H
#define HEDDLE_MOUNT_WORKER_WORKER_H

/*
 * Worker: the process that serves one mount from one overlay, and may die at any point without losing
 * anything.
 *
 *     open the overlay → "opened" → "mounted" with the device → serve → close the overlay → "closed"
 *
 * With `salvage` it serves nothing: it attaches to the memory of a worker that died and closes the
 * overlay.
 *
 * Errors      The process's exit status; the reason was told to the supervisor.
 */

#include "mount/program_arguments.h"

/* Returns when the overlay is closed. */
int hd_worker_run(const struct hd_program_arguments *arguments);

#endif
