/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_CHANGES_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_CHANGES_H

/* The reply to `changed_paths`. Contract: overlay/changes/changed_paths.h, docs/design/control-protocol.md. */

#include <jansson.h>

#include "overlay/overlay.h"

/* *RET_FD is a memory file with what git is to be told: the new token, and the paths, each with NUL; "/": everything. */
int hd_control_changed_paths(struct hd_overlay *overlay, json_t *request, json_t **ret_reply, int *ret_fd);

#endif
