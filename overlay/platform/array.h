/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_PLATFORM_ARRAY_H
#define HEDDLE_PLATFORM_ARRAY_H

/*
 * Arrays that grow at their end.
 *
 * Calling sequence
 *     if (HD_ARRAY_RESERVE(list->items, list->count, list->capacity) < 0) return -ENOMEM;
 *     list->items[list->count++] = ...;
 *
 * Ownership   The array is its owner's: NULL with capacity 0 at first, free at the end.
 * Errors      -ENOMEM; the array is as it was.
 */

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>

#define HD_ARRAY_FIRST_CAPACITY 32

/* ARRAY with room for one element of SIZE bytes behind COUNT, and *CAPACITY as it is then; NULL without memory. */
static inline void *hd_array_reserved(void *array, size_t count, size_t *capacity, size_t size)
{
	size_t wanted = *capacity ? *capacity * 2 : HD_ARRAY_FIRST_CAPACITY;

	if (count < *capacity)
		return array;
	array = reallocarray(array, wanted, size);
	if (array)
		*capacity = wanted;
	return array;
}

/* Makes room for one element behind COUNT in ARRAY, a variable that points to elements; 0 or -ENOMEM. */
#define HD_ARRAY_RESERVE(array, count, capacity)                                                      \
	__extension__({                                                                               \
		void *reserved_ = hd_array_reserved((array), (count), &(capacity), sizeof(*(array))); \
		if (reserved_)                                                                        \
			(array) = reserved_;                                                          \
		reserved_ ? 0 : -ENOMEM;                                                              \
	})

#endif
