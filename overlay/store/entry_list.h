/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_ENTRY_LIST_H
#define HEDDLE_STORE_ENTRY_LIST_H

/*
 * What tree objects and attribute objects have in common (tree_format.h): a header that names the kind and counts the
 * entries, one rule book for both directions, and nothing behind the last entry. What encode accepts is what decode
 * accepts, so a list that was stored can always be read, and one that was read can be stored again with the same bytes.
 *
 * Threads     None of this keeps state.
 * Ownership   Decoded entries are the caller's, to free; what they point to is in the decoded bytes (borrowed).
 * Errors      With what is wrong and where, in hd_fail: encode -EINVAL, decode the kind's own code; -ENOMEM.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

struct hd_entry_list_kind {
	const char *magic; /* 4 bytes */
	const char *noun;  /* of messages: "tree" */
	uint16_t version;
	size_t entry_size;    /* bytes of an entry in memory */
	size_t entry_minimum; /* bytes of the shortest stored entry: bounds what a count can claim */
	int corrupt;          /* the error code for bytes that are no such list */

	/* PREVIOUS is the entry before, NULL for the first. The rule book: what is wrong with ENTRY behind it, or NULL. */
	const char *(*problem)(const void *entry, const void *previous);
	void (*put)(struct hd_buffer *out, const void *entry, const void *previous);
	/* Fills ENTRY, all of it; what cannot even be read is told as a problem. That bytes are missing is the reader's to say. */
	const char *(*take)(struct hd_reader *reader, void *ret_entry, const void *previous);
};

/* Appends the list of COUNT entries. */
int hd_entry_list_encode(
	const struct hd_entry_list_kind *kind, const void *entries, size_t count, struct hd_buffer *out);

/*
 * The same one entry after the other: begin, and then COUNT times put. Who puts no array spares memory. What is in OUT after a
 * failure is no list.
 */
int hd_entry_list_begin(const struct hd_entry_list_kind *kind, size_t count, struct hd_buffer *out);
int hd_entry_list_put(const struct hd_entry_list_kind *kind, const void *entry, const void *previous,
	struct hd_buffer *out);

/* Reading so. Next returns 1 with an entry, or 0 behind the last one, if nothing else is there. */
struct hd_entry_cursor {
	struct hd_reader reader;
	uint32_t count, position; /* all of them; those that were read */
};
int hd_entry_list_open(const struct hd_entry_list_kind *kind, const void *data, size_t size,
	struct hd_entry_cursor *ret_cursor);
int hd_entry_list_next(const struct hd_entry_list_kind *kind, struct hd_entry_cursor *cursor,
	const void *previous, void *ret_entry);

/* Reads what encode wrote. An empty list has NULL entries. */
int hd_entry_list_decode(const struct hd_entry_list_kind *kind, const void *data, size_t size,
	void **ret_entries, size_t *ret_count);

#endif
