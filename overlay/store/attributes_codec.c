/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/tree_codec.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/content_format.h"
#include "overlay/store/entry_list.h"
#include "overlay/store/tree_format.h"

/*
 * Attribute objects: as tree_codec.c, one rule book for both directions.
 *
 * An entry may have the empty name: it sorts first and describes the directory itself. A root needs it, since
 * no parent's attribute object tells the root's owner, times and extended attributes.
 */

#define NANOSECONDS 1000000000

static const struct hd_entry_list_kind kind = {
	.magic = HD_ATTRIBUTES_MAGIC,
	.noun = "attribute",
	.version = HD_ATTRIBUTES_VERSION,
	.entry_minimum = HD_ATTRIBUTE_ENTRY_MINIMUM,
	.corrupt = HD_E_ATTRIBUTES_CORRUPT,
};

static const char *xattrs_problem(const void *xattrs, uint32_t size)
{
	struct hd_reader reader;

	hd_reader_init(&reader, xattrs, size);
	while (hd_reader_left(&reader) > 0) {
		uint8_t name_length = hd_reader_u8(&reader);
		uint32_t value_length = hd_reader_u32(&reader);
		const void *name = hd_reader_bytes(&reader, name_length);

		(void)hd_reader_bytes(&reader, value_length);
		if (hd_reader_failed(&reader))
			return "the extended attributes are cut off";
		if (name_length == 0 || memchr(name, '\0', name_length))
			return "the name of an extended attribute is empty or has a NUL";
		if (value_length > HD_XATTR_VALUE_LIMIT)
			return "the value of an extended attribute is too long";
	}
	return NULL;
}

static bool time_is_valid(const struct timespec *time)
{
	return time->tv_nsec >= 0 && time->tv_nsec < NANOSECONDS;
}

static const char *entry_problem(
	const struct hd_attribute_entry *entry, const struct hd_attribute_entry *previous)
{
	const char *problem = NULL;

	if (entry->name_length)
		problem = hd_tree_name_problem(entry->name, entry->name_length);
	if (!problem && previous &&
		hd_tree_compare_names(
			previous->name, previous->name_length, entry->name, entry->name_length) >= 0)
		problem = "the name is not behind the one before";
	if (!problem)
		problem = xattrs_problem(entry->xattrs, entry->xattrs_size);
	if (problem)
		return problem;
	if (!time_is_valid(&entry->access_time) || !time_is_valid(&entry->modify_time) ||
		!time_is_valid(&entry->change_time) || !time_is_valid(&entry->birth_time))
		return "a time has no valid nanoseconds";
	if ((entry->link_group == 0) != (entry->links == 0))
		return "a link group has no names, or names have no group";
	if (!hd_content_is_valid(&entry->children))
		return "the reference to the children's attributes is malformed";
	if (entry->children.kind != HD_CONTENT_NONE && entry->children.kind != HD_CONTENT_OBJECT)
		return "the children's attributes are not an object";
	return NULL;
}

static void encode_time(struct hd_buffer *out, const struct timespec *time)
{
	hd_buffer_put_u64(out, (uint64_t)time->tv_sec);
	hd_buffer_put_u32(out, (uint32_t)time->tv_nsec);
}

static void encode_entry(struct hd_buffer *out, const struct hd_attribute_entry *entry)
{
	hd_buffer_put_u32(out, entry->uid);
	hd_buffer_put_u32(out, entry->gid);
	encode_time(out, &entry->access_time);
	encode_time(out, &entry->modify_time);
	encode_time(out, &entry->change_time);
	encode_time(out, &entry->birth_time);
	hd_buffer_put_u64(out, entry->link_group);
	hd_buffer_put_u32(out, entry->links);
	hd_content_put(out, &entry->children);
	hd_buffer_put_u32(out, entry->xattrs_size);
	if (entry->xattrs_size)
		hd_buffer_put(out, entry->xattrs, entry->xattrs_size);
	hd_buffer_put_u8(out, (uint8_t)entry->name_length);
	if (entry->name_length)
		hd_buffer_put(out, entry->name, entry->name_length);
}

int hd_attributes_encode(const struct hd_attribute_entry *entries, size_t count, struct hd_buffer *out)
{
	if (count > UINT32_MAX)
		return hd_fail(EINVAL, "attributes of %zu entries", count);
	for (size_t i = 0; i < count; i++) {
		const char *problem = entry_problem(&entries[i], i ? &entries[i - 1] : NULL);

		if (problem)
			return hd_fail(EINVAL, "attribute entry %zu: %s", i, problem);
	}

	hd_entry_list_begin(out, &kind, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		encode_entry(out, &entries[i]);
	return hd_buffer_status(out);
}

static void decode_time(struct hd_reader *reader, struct timespec *ret_time)
{
	ret_time->tv_sec = (time_t)(int64_t)hd_reader_u64(reader);
	ret_time->tv_nsec = (long)hd_reader_u32(reader);
}

static int decode_entry(struct hd_reader *reader, size_t position, struct hd_attribute_entry *entries)
{
	struct hd_attribute_entry *entry = &entries[position];
	const char *problem;

	entry->uid = hd_reader_u32(reader);
	entry->gid = hd_reader_u32(reader);
	decode_time(reader, &entry->access_time);
	decode_time(reader, &entry->modify_time);
	decode_time(reader, &entry->change_time);
	decode_time(reader, &entry->birth_time);
	entry->link_group = hd_reader_u64(reader);
	entry->links = hd_reader_u32(reader);
	if (!hd_content_take(reader, &entry->children))
		return hd_fail(HD_E_ATTRIBUTES_CORRUPT,
			"entry %zu: the reference to the children is malformed", position);
	entry->xattrs_size = hd_reader_u32(reader);
	entry->xattrs = hd_reader_bytes(reader, entry->xattrs_size);
	entry->name_length = hd_reader_u8(reader);
	entry->name = hd_reader_bytes(reader, entry->name_length);
	if (hd_reader_failed(reader))
		return hd_fail(HD_E_ATTRIBUTES_CORRUPT, "entry %zu is cut off", position);
	problem = entry_problem(entry, position ? entry - 1 : NULL);
	if (problem)
		return hd_fail(HD_E_ATTRIBUTES_CORRUPT, "entry %zu: %s", position, problem);
	return 0;
}

int hd_attributes_decode(const void *data, size_t size, struct hd_attributes_list *ret_list)
{
	HD_AUTO_FREE struct hd_attribute_entry *entries = NULL;
	struct hd_reader reader;
	uint32_t count = 0;
	int r;

	hd_reader_init(&reader, data, size);
	r = hd_entry_list_take(&reader, &kind, &count);
	if (r < 0)
		return r;
	if (count) {
		entries = calloc(count, sizeof(*entries));
		if (!entries)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count; i++) {
		r = decode_entry(&reader, i, entries);
		if (r < 0)
			return r;
	}
	r = hd_entry_list_end(&reader, &kind);
	if (r < 0)
		return r;
	ret_list->entries = HD_STEAL(entries);
	ret_list->count = count;
	return 0;
}

void hd_attributes_clear(struct hd_attributes_list *list)
{
	free(list->entries);
	list->entries = NULL;
	list->count = 0;
}
