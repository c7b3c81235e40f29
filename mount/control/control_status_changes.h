/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_CONTROL_CONTROL_STATUS_CHANGES_H
#define HEDDLE_MOUNT_CONTROL_CONTROL_STATUS_CHANGES_H

/*
 * What changed in an overlay, as the protocol says it: a part of the reply to `status`, and the file `.heddle/status` of a mount.
 *
 * Ownership   Returned objects are new references. Threads: any; blocks on disks and bases, so never in a request thread that
 *             may not. Errors: those of hd_status_read_with; NULL or -ENOMEM when memory is short.
 */

#include <jansson.h>
#include <stddef.h>

#include "capture/status.h"

struct hd_overlay;

/* Thread, head, changes, entries, truncated. LIMIT bounds the listed entries. */
int hd_control_status_changes(
	struct hd_overlay *overlay, size_t limit, enum hd_status_ignored ignored, json_t **ret_object);

/* {"added", "modified", "deleted", "moved", "total"} */
json_t *hd_control_changes(const struct hd_change_counts *counts);

#endif
