/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FORMAT_NUMBERS_H
#define HEDDLE_MOUNT_FORMAT_NUMBERS_H

/* Format numbers: what two processes that share a mount's memory and store must have in common. */

#include <stdint.h>

/* Of the conversation in adoption.h, and of the messages that follow it on the link. */
#define HD_ADOPTION_VERSION 1u

struct hd_format_number {
	const char *name;
	uint32_t number;
};

#define HD_FORMAT_NUMBERS 5
extern const struct hd_format_number hd_format_numbers[HD_FORMAT_NUMBERS];

#endif
