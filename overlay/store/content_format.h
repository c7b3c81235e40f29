/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_CONTENT_FORMAT_H
#define HEDDLE_STORE_CONTENT_FORMAT_H

/*
 * The bytes of a content reference inside trees, attribute objects and state records.
 *
 *     offset  bytes  field
 *     0       1      kind       enum hd_content_kind
 *     1       1      length     number of bytes that follow at offset 4
 *     2       2      base       row of the store's table of bases, 0 for none
 *     4       length bytes
 *
 * The numbers of the kinds are part of the format: add at the end, never renumber.
 *
 * Threads     Pure functions. Errors: the buffer and the reader latch them.
 */

#include <stdbool.h>

#include "overlay/platform/buffer.h"
#include "overlay/store/objects/content.h"

/* Bytes of the shortest reference. */
#define HD_CONTENT_ENCODED_MINIMUM 4

/* CONTENT must be valid. */
void hd_content_put(struct hd_buffer *buffer, const struct hd_content *content);

/* False, with *RET_CONTENT untouched, unless the next bytes are a valid reference. */
bool hd_content_take(struct hd_reader *reader, struct hd_content *ret_content);

#endif
