/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_OBJECTS_CONTENT_EXTENT_H
#define HEDDLE_STORE_OBJECTS_CONTENT_EXTENT_H

/*
 * Where a content in the store has data, and where zeros that nobody needs to read. What is called a hole is zeros; of
 * zeros in between data, a part may be called data.
 *
 * Threads     As the object store. Errors: the object store's.
 */

#include <stdbool.h>

#include "overlay/store/objects/object_store.h"

/* Holes begin and end at multiples of this, or at the end. */
#define HD_EXTENT_UNIT 4096u

/* Only zeros, or nothing. */
bool hd_is_zero(const void *data, size_t size);

/* The first offset >= OFFSET with data, or, without WANT_DATA, in a hole; the content's size when there is none. Reads a
 * few chunks at the most. CONTENT: OBJECT or CHUNKED. */
int hd_content_seek(struct hd_object_store *store, const struct hd_content *content, uint64_t offset,
	bool want_data, uint64_t *ret_offset);

/* Bytes of it that are not in a whole chunk of zeros. */
int hd_content_data_size(struct hd_object_store *store, const struct hd_content *content, uint64_t *ret_size);

#endif
