/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_TEXT_OPERATION_TEXT_H
#define HEDDLE_CLI_TEXT_OPERATION_TEXT_H

/*
 * Operation text: an operation as people and programs read it, and who did it.
 *
 * Ownership   Returned values are the caller's. Threads: the main thread. Errors: -ENOMEM; NULL for it.
 */

#include <jansson.h>
#include <stdio.h>

#include "cli/arguments/store_locate.h"
#include "overlay/store/index/index_operations.h"

/* One line: "#12 2026-11-21 07:30:01 +0100  capture main: 0123456789ab -> ba9876543210". */
void hd_operation_print(struct hd_index *index, const struct hd_operation *operation, FILE *stream);

/* With all that is known of it. */
json_t *hd_operation_json(const struct hd_operation *operation);

/* A tag, whose name may be any bytes. */
json_t *hd_tag_json(const char *name, const struct hd_state_id *state);

/* Who does what is done now, in fresh memory; empty, not a failure, where nobody says who that is. */
char *hd_operation_actor(const struct hd_location *location);

#endif
