/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_BLAME_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_BLAME_H

/*
 * The request `blame`, and what it answers, which is also what `heddle blame` prints of a state. Contract:
 * control_execute.h.
 */

#include "capture/blame/blame.h"
#include "mount/answers/control_execute.h"

/* Sets *RET_REPLY without "ok". */
int hd_control_blame(struct hd_overlay *overlay, json_t *request, json_t **ret_reply);

/* The reply's fields. NULL when memory is short. */
json_t *hd_control_blame_json(const struct hd_blame *blame);

#endif
