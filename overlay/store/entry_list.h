/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_STORE_ENTRY_LIST_H
#define HEDDLE_STORE_ENTRY_LIST_H

/*
 * What tree objects and attribute objects have in common (tree_format.h): a header that names the kind and counts the
 * entries, and nothing behind the last of them.
 *
 * Calling sequence
 *     encoding: hd_entry_list_begin → the caller puts its entries
 *     decoding: hd_entry_list_take → the caller takes that many → hd_entry_list_end
 *
 * Threads: none of this keeps state. Errors: the kind's own code, with what is wrong, in hd_fail.
 */

#include <stddef.h>
#include <stdint.h>

#include "overlay/platform/buffer.h"

struct hd_entry_list_kind {
	const char *magic; /* 4 bytes */
	const char *noun;  /* of messages: "tree" */
	uint16_t version;
	size_t entry_minimum; /* bytes of the shortest entry: bounds what a count can claim */
	int corrupt;          /* the error code for bytes that are no such list */
};

/* Puts the header of a list of COUNT entries. A buffer out of memory says so in its status. */
void hd_entry_list_begin(struct hd_buffer *out, const struct hd_entry_list_kind *kind, uint32_t count);

/* The header's count, which is no more than what the bytes behind it can hold. */
int hd_entry_list_take(struct hd_reader *reader, const struct hd_entry_list_kind *kind, uint32_t *ret_count);

/* Fails when anything is left behind the last entry. */
int hd_entry_list_end(const struct hd_reader *reader, const struct hd_entry_list_kind *kind);

#endif
