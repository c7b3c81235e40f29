/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_BIG_ENDIAN_H
#define HEDDLE_CAPTURE_GIT_BIG_ENDIAN_H

/* Big-endian integers, as all of git's files have them: at the end of a buffer, whose errors are latched, and from any bytes. */

#include <endian.h>
#include <string.h>

#include "overlay/platform/buffer.h"

static inline void hd_put_be32(struct hd_buffer *buffer, uint32_t value)
{
	value = htobe32(value);
	hd_buffer_put(buffer, &value, sizeof(value));
}

static inline void hd_put_be64(struct hd_buffer *buffer, uint64_t value)
{
	value = htobe64(value);
	hd_buffer_put(buffer, &value, sizeof(value));
}

static inline uint32_t hd_get_be32(const void *bytes)
{
	uint32_t value;

	memcpy(&value, bytes, sizeof(value));
	return be32toh(value);
}

static inline uint64_t hd_get_be64(const void *bytes)
{
	uint64_t value;

	memcpy(&value, bytes, sizeof(value));
	return be64toh(value);
}

#endif
