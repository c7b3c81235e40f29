/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_REQUESTS_MESSAGE_COUNTERS_H
#define HEDDLE_MOUNT_FUSE_REQUESTS_MESSAGE_COUNTERS_H

/*
 * Message counters: how many requests of each kind the kernel sent, and how many answers carried each
 * failure.
 *
 * Threads     Any; the numbers are exact, a reading of several is not one instant.
 */

#include <jansson.h>
#include <stdint.h>

struct hd_message_counters;

/* Kinds of messages are below this. */
#define HD_MESSAGE_KINDS 64u

/* OPCODE as in enum fuse_opcode: "LOOKUP"; "OTHER" for unknown ones. */
const char *hd_message_name(uint32_t opcode);

/* NULL when memory is short. */
struct hd_message_counters *hd_message_counters_new(void);
void hd_message_counters_free(struct hd_message_counters *counters);

/* OPCODE as in enum fuse_opcode; unknown ones count as "OTHER". */
void hd_message_counters_request(struct hd_message_counters *counters, uint32_t opcode);

/* R as a function returned it, negative. Returns how often this code was answered before. */
uint64_t hd_message_counters_failure(struct hd_message_counters *counters, int r);

/* {"LOOKUP": 12, ..., "failures": {"ENOENT": 3}}, without zeros. NULL when memory is short. */
json_t *hd_message_counters_json(const struct hd_message_counters *counters);

#endif
