/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CLI_STATE_JSON_H
#define HEDDLE_CLI_STATE_JSON_H

/*
 * State as JSON, as docs/design/control-protocol.md says.
 * Ownership: the result is the caller's; NULL when memory is short. Threads: any.
 */

#include <jansson.h>

#include "overlay/store/index.h"

/* All fields; text that is not UTF-8 with U+FFFD in the place of each such byte. */
json_t *hd_state_json(const struct hd_state *state);

#endif
