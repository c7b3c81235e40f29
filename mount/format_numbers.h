/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FORMAT_NUMBERS_H
#define HEDDLE_MOUNT_FORMAT_NUMBERS_H

/* Format numbers: what two processes that share a mount's memory and store must have in common; and the version. */

#include <stdint.h>

/* Of the conversation in adoption.h, and of the messages that follow it on the link. */
#define HD_ADOPTION_VERSION 1u
/* Of what is answered to INIT: a worker that takes over must answer the same. */
#define HD_SESSION_VERSION 1u

struct hd_format_number {
	const char *name;
	uint32_t number;
};

extern const char *const hd_version;

#define HD_FORMAT_NUMBERS 7
extern const struct hd_format_number hd_format_numbers[HD_FORMAT_NUMBERS];

#endif
