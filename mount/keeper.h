/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_KEEPER_H
#define HEDDLE_MOUNT_KEEPER_H

/*
 * Keeper: a process beside the supervisor that holds the same memory and waits. If both supervisor and worker die,
 * it removes the dead mount and has the memory salvaged, as the supervisor does after the death of its worker.
 *
 * Supervisor to keeper     {"op":"worker","pid":N,"number":N}  {"op":"hold"|"drop","slot":N} (+ descriptor)
 *                          {"op":"finished"}
 *
 * What a worker announces to a supervisor that is already dead does not reach the keeper: large files made
 * in that time survive only their worker's clean end.
 *
 * Threads     None. Errors: -errno of spawning; telling a keeper that is gone is no failure.
 */

#include <stdint.h>

#include "mount/program_arguments.h"

struct hd_supervisor;

/* ---- in the supervisor ---- */

/* Starts the keeper and gives it the memory. */
int hd_keeper_spawn(struct hd_supervisor *supervisor);
/* Which worker to wait for when the supervisor is dead. */
void hd_keeper_tell_worker(struct hd_supervisor *supervisor);
/* FD -1: the large file is gone. FD is borrowed. */
void hd_keeper_tell_large(struct hd_supervisor *supervisor, uint32_t slot, int fd);
/* Nothing is left to keep. */
void hd_keeper_dismiss(struct hd_supervisor *supervisor);

/* ---- the keeper itself ---- */

/* Returns when it was dismissed, or when all that it kept is on disk. */
int hd_keeper_run(const struct hd_program_arguments *arguments);

#endif
