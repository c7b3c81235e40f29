/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_WORKER_AUDITOR_H
#define HEDDLE_MOUNT_WORKER_AUDITOR_H

/*
 * Auditor: a thread that looks at all of the memory that a dead worker left, while its successor serves already. Programs
 * waited for that one, so it begins a moment later, and does not compute for long at a time.
 *
 * Threads     One starts and stops it. What it finds is said by the overlay's on_damage.
 */

#include "overlay/overlay.h"

struct hd_auditor;

/* OVERLAY is borrowed until hd_auditor_stop. */
int hd_auditor_start(struct hd_overlay *overlay, struct hd_auditor **ret_auditor);
/* Returns when all was looked at, which it does without pauses now. NULL is fine. */
void hd_auditor_stop(struct hd_auditor *auditor);

#endif
