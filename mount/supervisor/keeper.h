/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_SUPERVISOR_KEEPER_H
#define HEDDLE_MOUNT_SUPERVISOR_KEEPER_H

/*
 * Keeper: a process beside the supervisor that holds the same parts of the mount and waits. When the supervisor dies it
 * takes its place: it adopts the worker, or replaces it if that is dead too, and starts a keeper of its own.
 *
 * Supervisor to keeper     {"op":"device","there":B} + /dev/fuse if it is there; else the mount is gone
 *                          {"op":"worker","pid":N,"number":N,"restarts":N,"last_restart":S} + the link to it
 *                          {"op":"hold"|"drop",…} (large_files.h)
 *                          {"op":"finished"}
 *
 * Keeper to supervisor     {"op":"again"}: it had no descriptor for something, and wants to be told everything once more
 *
 * With the supervisor's end of the worker's link it holds what the worker has said and
 * the supervisor has not heard.
 *
 * Threads     None. Errors: a mount without a keeper is served all the same; a log line says so.
 */

#include <jansson.h>

#include "mount/program_arguments.h"

struct hd_supervisor;

/* ---- in the supervisor ---- */

/* There is no keeper, or it has ended: starts one and tells it everything. What fails is tried again. */
void hd_keeper_ensure(struct hd_supervisor *supervisor);
/* Its end of the link is readable: it has ended, or lacks something. */
void hd_keeper_hear(struct hd_supervisor *supervisor);
/* Which worker there is now. */
void hd_keeper_tell_worker(struct hd_supervisor *supervisor);
/* The device, or that there is none any more. */
void hd_keeper_tell_device(struct hd_supervisor *supervisor);
/* What the worker said of a large file. MESSAGE and FD are borrowed. */
void hd_keeper_tell_large(struct hd_supervisor *supervisor, const json_t *message, int fd);
/* Nothing is left to keep: returns when the keeper has ended. */
void hd_keeper_dismiss(struct hd_supervisor *supervisor);

/* ---- the keeper itself ---- */

/* Returns when it was dismissed, or when the mount whose supervisor it became has ended. */
int hd_keeper_run(const struct hd_program_arguments *arguments);

#endif
