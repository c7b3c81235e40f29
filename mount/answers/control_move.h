/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_ANSWERS_CONTROL_MOVE_H
#define HEDDLE_MOUNT_ANSWERS_CONTROL_MOVE_H

/*
 * The requests that move a thread while it is open: `restore`, `undo` and `advance`. Contract: control_execute.h.
 *
 * Set *RET_REPLY without "ok".
 */

#include "mount/answers/control_execute.h"

/* Gives the thread the tree of a state, or paths of it. */
int hd_control_restore(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply);
/* Takes an operation of the thread back, or does it again. */
int hd_control_undo(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply);
/* Gives the thread another head, with what is not captured on top. */
int hd_control_advance(struct hd_overlay *overlay, const struct hd_control_environment *environment,
	json_t *request, json_t **ret_reply);

/* Makes another thread of it, with what is not captured. */
int hd_control_fork(struct hd_overlay *overlay, json_t *request, json_t **ret_reply);

#endif
