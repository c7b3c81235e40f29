/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/access/attribute_string.h"

#include <errno.h>
#include <linux/limits.h>
#include <string.h>

#include "overlay/arena/cells.h"

#define STRING_LIMIT (128u << 10)

bool hd_attribute_next(struct hd_reader *reader, struct hd_extended_attribute *ret)
{
	if (hd_reader_left(reader) == 0)
		return false;
	ret->name_length = hd_reader_u8(reader);
	ret->size = hd_reader_u32(reader);
	ret->name = hd_reader_bytes(reader, ret->name_length);
	ret->value = hd_reader_bytes(reader, ret->size);
	return !hd_reader_failed(reader);
}

bool hd_attribute_is_named(const struct hd_extended_attribute *attribute, const char *name)
{
	return attribute->name_length == strlen(name) &&
	       memcmp(attribute->name, name, attribute->name_length) == 0;
}

bool hd_attribute_find(const struct hd_buffer *string, const char *name, struct hd_extended_attribute *ret)
{
	struct hd_extended_attribute attribute;
	struct hd_reader reader;

	hd_reader_init(&reader, string->data, string->size);
	while (hd_attribute_next(&reader, &attribute)) {
		if (!hd_attribute_is_named(&attribute, name))
			continue;
		*ret = attribute;
		return true;
	}
	return false;
}

static void put(struct hd_buffer *string, const struct hd_extended_attribute *attribute)
{
	hd_buffer_put_u8(string, attribute->name_length);
	hd_buffer_put_u32(string, attribute->size);
	hd_buffer_put(string, attribute->name, attribute->name_length);
	hd_buffer_put(string, attribute->value, attribute->size);
}

void hd_attribute_put(struct hd_buffer *string, const char *name, const void *value, size_t size)
{
	put(string, &(struct hd_extended_attribute){.name = name,
			    .name_length = (uint8_t)strlen(name),
			    .value = value,
			    .size = (uint32_t)size});
}

bool hd_attribute_copy_without(const struct hd_buffer *old, const char *name, struct hd_buffer *new)
{
	struct hd_extended_attribute attribute;
	struct hd_reader reader;
	bool found = false;

	hd_reader_init(&reader, old->data, old->size);
	while (hd_attribute_next(&reader, &attribute)) {
		if (hd_attribute_is_named(&attribute, name))
			found = true;
		else
			put(new, &attribute);
	}
	return found;
}

int hd_attribute_string_check(const struct hd_buffer *string)
{
	struct hd_extended_attribute attribute;
	struct hd_reader reader;
	size_t names = 0;

	if (hd_buffer_status(string) < 0)
		return hd_buffer_status(string);
	hd_reader_init(&reader, string->data, string->size);
	while (hd_attribute_next(&reader, &attribute))
		names += attribute.name_length + 1u;
	return string->size > STRING_LIMIT || names > XATTR_LIST_MAX ? -ENOSPC : 0;
}

int hd_attribute_string_load(
	const struct hd_arena *arena, const struct hd_inode *inode, struct hd_buffer *ret_string)
{
	void *room;

	if (inode->xattrs_size == 0)
		return 0;
	room = hd_buffer_extend(ret_string, inode->xattrs_size);
	if (!room)
		return -ENOMEM;
	return hd_cells_load(arena, inode->xattrs, room, inode->xattrs_size) == inode->xattrs_size
		       ? 0
		       : -HD_E_ARENA_CORRUPT;
}

void hd_attribute_string_store(
	struct hd_transaction *transaction, struct hd_inode *inode, const struct hd_buffer *string)
{
	hd_cells_free(transaction, inode->xattrs);
	inode->xattrs = hd_cells_store(transaction, string->data, string->size);
	inode->xattrs_size = (uint32_t)string->size;
}
