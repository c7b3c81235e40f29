/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_STATUS_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_STATUS_H

/* The reply to `status`. Contract: control_execute.h. */

#include "capture/status.h"
#include "mount/answers/control_execute.h"

/* LIMIT bounds the listed entries. Sets *RET_REPLY without "ok". With PARTIAL, changes that cannot be found out, because a
 * base does not answer, are no failure: "changes" is null then, and "error" says why. */
int hd_control_status(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	size_t limit, enum hd_status_ignored ignored, bool partial, json_t **ret_reply);

#endif
