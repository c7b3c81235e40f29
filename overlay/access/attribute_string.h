/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ACCESS_ATTRIBUTE_STRING_H
#define HEDDLE_ACCESS_ATTRIBUTE_STRING_H

/*
 * Attribute string: all extended attributes of an inode as one string of cells, a sequence of
 * {u8 name length, u32 value length, name, value}, the form in which bases give and states keep them.
 *
 * To change one, the string is rebuilt; nobody has many.
 *
 * Threads     Pure functions, but for _load and _store, which need the namespace lock.
 * Errors      Buffers latch -ENOMEM.
 */

#include "overlay/overlay_types.h"
#include "overlay/platform/buffer.h"

struct hd_extended_attribute {
	const char *name; /* name_length bytes, no NUL */
	const void *value;
	uint8_t name_length;
	uint32_t size;
};

/* The next of a string; false at its end, and where it is damaged. */
bool hd_attribute_next(struct hd_reader *reader, struct hd_extended_attribute *ret);
bool hd_attribute_is_named(const struct hd_extended_attribute *attribute, const char *name);
/* The one of that NAME. */
bool hd_attribute_find(const struct hd_buffer *string, const char *name, struct hd_extended_attribute *ret);

/* Adds one behind the others. */
void hd_attribute_put(struct hd_buffer *string, const char *name, const void *value, size_t size);
/* Copies all but NAME from OLD to NEW; true when NAME was there. */
bool hd_attribute_copy_without(const struct hd_buffer *old, const char *name, struct hd_buffer *new);

/* Whether a built string may be kept: -ENOSPC when it is too long, or its names are more than listxattr(2) gives. */
int hd_attribute_string_check(const struct hd_buffer *string);

/* Copies an inode's string out. -HD_E_ARENA_CORRUPT. */
int hd_attribute_string_load(
	const struct hd_arena *arena, const struct hd_inode *inode, struct hd_buffer *ret_string);
/* Makes STRING the inode's, which INODE is the transaction's copy of. */
void hd_attribute_string_store(
	struct hd_transaction *transaction, struct hd_inode *inode, const struct hd_buffer *string);

#endif
