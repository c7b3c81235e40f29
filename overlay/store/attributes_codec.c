/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/tree_codec.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/store/content_format.h"
#include "overlay/store/entry_list.h"
#include "overlay/store/tree_format.h"

/*
 * Attribute objects.
 *
 * An entry may have the empty name: it sorts first and describes the directory itself. A root needs it, since
 * no parent's attribute object tells the root's owner, times and extended attributes.
 */

#define NANOSECONDS 1000000000

static const char *xattrs_problem(const void *xattrs, uint32_t size)
{
	struct hd_reader reader;

	if (size == 0)
		return NULL;
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

static const char *entry_problem(const void *entry_address, const void *previous_address)
{
	const struct hd_attribute_entry *entry = entry_address, *previous = previous_address;
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

static void put_time(struct hd_buffer *out, const struct timespec *time)
{
	hd_buffer_put_u64(out, (uint64_t)time->tv_sec);
	hd_buffer_put_u32(out, (uint32_t)time->tv_nsec);
}

static void put_entry(struct hd_buffer *out, const void *entry_address)
{
	const struct hd_attribute_entry *entry = entry_address;

	hd_buffer_put_u32(out, entry->uid);
	hd_buffer_put_u32(out, entry->gid);
	put_time(out, &entry->access_time);
	put_time(out, &entry->modify_time);
	put_time(out, &entry->change_time);
	put_time(out, &entry->birth_time);
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

static void take_time(struct hd_reader *reader, struct timespec *ret_time)
{
	ret_time->tv_sec = (time_t)(int64_t)hd_reader_u64(reader);
	ret_time->tv_nsec = (long)hd_reader_u32(reader);
}

static const char *take_entry(struct hd_reader *reader, void *ret_entry)
{
	struct hd_attribute_entry *entry = ret_entry;

	entry->uid = hd_reader_u32(reader);
	entry->gid = hd_reader_u32(reader);
	take_time(reader, &entry->access_time);
	take_time(reader, &entry->modify_time);
	take_time(reader, &entry->change_time);
	take_time(reader, &entry->birth_time);
	entry->link_group = hd_reader_u64(reader);
	entry->links = hd_reader_u32(reader);
	if (!hd_content_take(reader, &entry->children))
		return "the reference to the children is malformed";
	entry->xattrs_size = hd_reader_u32(reader);
	entry->xattrs = hd_reader_bytes(reader, entry->xattrs_size);
	entry->name_length = hd_reader_u8(reader);
	entry->name = hd_reader_bytes(reader, entry->name_length);
	return NULL;
}

static const struct hd_entry_list_kind kind = {
	.magic = HD_ATTRIBUTES_MAGIC,
	.noun = "attribute",
	.version = HD_ATTRIBUTES_VERSION,
	.entry_size = sizeof(struct hd_attribute_entry),
	.entry_minimum = HD_ATTRIBUTE_ENTRY_MINIMUM,
	.corrupt = HD_E_ATTRIBUTES_CORRUPT,
	.problem = entry_problem,
	.put = put_entry,
	.take = take_entry,
};

int hd_attributes_encode(const struct hd_attribute_entry *entries, size_t count, struct hd_buffer *out)
{
	return hd_entry_list_encode(&kind, entries, count, out);
}

int hd_attributes_decode(const void *data, size_t size, struct hd_attributes_list *ret_list)
{
	void *entries;
	int r = hd_entry_list_decode(&kind, data, size, &entries, &ret_list->count);

	if (r == 0)
		ret_list->entries = entries;
	return r;
}

void hd_attributes_clear(struct hd_attributes_list *list)
{
	free(list->entries);
	list->entries = NULL;
	list->count = 0;
}
