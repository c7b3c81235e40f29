/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_JOURNAL_JOURNAL_SOURCE_H
#define HEDDLE_JOURNAL_JOURNAL_SOURCE_H

/*
 * The bytes of a journal that is read: of a file, through a window of fixed size, however long the file is; or in memory.
 *
 *     hd_journal_source_file or _memory → hd_source_bytes ... → hd_journal_source_clear
 *
 * Ownership   The file and the memory are borrowed. What the calls return is valid until the next call.
 * Errors      A read that fails is kept in `status`, so that it is not taken for the journal's end.
 * Threads     One.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/journal/journal_format.h"

/* The most that is asked for at once: an item with its head. */
#define HD_SOURCE_PIECE (HD_ITEM_LIMIT + (uint32_t)sizeof(struct hd_journal_item))

struct hd_journal_source {
	const uint8_t *memory; /* borrowed, or NULL */
	int fd;                /* borrowed */
	uint64_t size;
	int status;      /* 0, or how the first read failed */
	uint8_t *window; /* owned */
	uint64_t window_at;
	size_t window_size;
};

void hd_journal_source_memory(struct hd_journal_source *source, const void *data, size_t size);
/* What is in FD now. -ENOMEM, or what fstat says. */
int hd_journal_source_file(struct hd_journal_source *source, int fd);
void hd_journal_source_clear(struct hd_journal_source *source);

/* SIZE bytes, HD_SOURCE_PIECE at the most, from AT on; NULL if there are fewer, or if they cannot be read. */
const uint8_t *hd_source_bytes(struct hd_journal_source *source, uint64_t at, size_t size);

/* All bytes at AT that lie in memory one behind the other, *RET_SIZE: HD_SOURCE_PIECE at least, or all that are left. NULL if
 * there are none, or if they cannot be read. */
const uint8_t *hd_source_window(struct hd_journal_source *source, uint64_t at, size_t *ret_size);

static inline uint64_t hd_source_left(const struct hd_journal_source *source, uint64_t at)
{
	return at < source->size ? source->size - at : 0;
}

#endif
