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
 *
 * An entry says what differs from the one before. Neighbours mostly differ in nothing: what a commit has has one time and
 * one owner. What is left are names, so that a capture of one changed file of a hundred writes a tenth of what they all
 * have. Whether a field is there follows from the two entries, so that a list has one encoding.
 */

#define NANOSECONDS 1000000000

/* What the first entry is compared with. */
static const struct hd_attribute_entry before_first;

/* A new file was read last when it was made; FIELDS must say of the birth time already. */
static const struct timespec *expected_access(
	const struct hd_attribute_entry *entry, const struct hd_attribute_entry *previous, unsigned fields)
{
	return fields & HD_ATTRIBUTE_BIRTH ? &entry->birth_time : &previous->access_time;
}

/* A file that was written was changed then; FIELDS must say of the modify time already. */
static const struct timespec *expected_change(
	const struct hd_attribute_entry *entry, const struct hd_attribute_entry *previous, unsigned fields)
{
	return fields & HD_ATTRIBUTE_MODIFY ? &entry->modify_time : &previous->change_time;
}

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

static bool same_time(const struct timespec *a, const struct timespec *b)
{
	return a->tv_sec == b->tv_sec && a->tv_nsec == b->tv_nsec;
}

/* What ENTRY has that is not as expected: HD_ATTRIBUTE_* bits. */
static unsigned fields_of(const struct hd_attribute_entry *entry, const struct hd_attribute_entry *previous)
{
	unsigned fields = 0;

	if (entry->uid != previous->uid || entry->gid != previous->gid)
		fields |= HD_ATTRIBUTE_OWNER;
	if (!same_time(&entry->birth_time, &previous->birth_time))
		fields |= HD_ATTRIBUTE_BIRTH;
	if (!same_time(&entry->access_time, expected_access(entry, previous, fields)))
		fields |= HD_ATTRIBUTE_ACCESS;
	if (!same_time(&entry->modify_time, &previous->modify_time))
		fields |= HD_ATTRIBUTE_MODIFY;
	if (!same_time(&entry->change_time, expected_change(entry, previous, fields)))
		fields |= HD_ATTRIBUTE_CHANGE;
	if (entry->link_group)
		fields |= HD_ATTRIBUTE_LINKS;
	if (entry->children.kind != HD_CONTENT_NONE)
		fields |= HD_ATTRIBUTE_CHILDREN;
	if (entry->xattrs_size)
		fields |= HD_ATTRIBUTE_XATTRS;
	return fields;
}

static void put_time(struct hd_buffer *out, const struct timespec *time)
{
	hd_buffer_put_u64(out, (uint64_t)time->tv_sec);
	hd_buffer_put_u32(out, (uint32_t)time->tv_nsec);
}

static void put_fields(struct hd_buffer *out, const struct hd_attribute_entry *entry, unsigned fields)
{
	if (fields & HD_ATTRIBUTE_OWNER) {
		hd_buffer_put_u32(out, entry->uid);
		hd_buffer_put_u32(out, entry->gid);
	}
	if (fields & HD_ATTRIBUTE_BIRTH)
		put_time(out, &entry->birth_time);
	if (fields & HD_ATTRIBUTE_ACCESS)
		put_time(out, &entry->access_time);
	if (fields & HD_ATTRIBUTE_MODIFY)
		put_time(out, &entry->modify_time);
	if (fields & HD_ATTRIBUTE_CHANGE)
		put_time(out, &entry->change_time);
	if (fields & HD_ATTRIBUTE_LINKS) {
		hd_buffer_put_u64(out, entry->link_group);
		hd_buffer_put_u32(out, entry->links);
	}
	if (fields & HD_ATTRIBUTE_CHILDREN)
		hd_content_put(out, &entry->children);
	if (fields & HD_ATTRIBUTE_XATTRS) {
		hd_buffer_put_u32(out, entry->xattrs_size);
		hd_buffer_put(out, entry->xattrs, entry->xattrs_size);
	}
}

static void put_entry(struct hd_buffer *out, const void *entry_address, const void *previous)
{
	const struct hd_attribute_entry *entry = entry_address;
	unsigned fields = fields_of(entry, previous ? previous : &before_first);

	hd_buffer_put_u8(out, (uint8_t)fields);
	if (fields)
		put_fields(out, entry, fields);
	hd_buffer_put_u8(out, (uint8_t)entry->name_length);
	hd_buffer_put(out, entry->name, entry->name_length);
}

static void take_time(struct hd_reader *reader, struct timespec *ret_time)
{
	ret_time->tv_sec = (time_t)(int64_t)hd_reader_u64(reader);
	ret_time->tv_nsec = (long)hd_reader_u32(reader);
}

/* Owner and times; what is not there is as expected. ENTRY may be PREVIOUS. */
static void take_inherited(struct hd_reader *reader, struct hd_attribute_entry *entry,
	const struct hd_attribute_entry *previous, unsigned fields)
{
	entry->uid = fields & HD_ATTRIBUTE_OWNER ? hd_reader_u32(reader) : previous->uid;
	entry->gid = fields & HD_ATTRIBUTE_OWNER ? hd_reader_u32(reader) : previous->gid;
	entry->birth_time = previous->birth_time;
	if (fields & HD_ATTRIBUTE_BIRTH)
		take_time(reader, &entry->birth_time);
	entry->access_time = *expected_access(entry, previous, fields);
	if (fields & HD_ATTRIBUTE_ACCESS)
		take_time(reader, &entry->access_time);
	entry->modify_time = previous->modify_time;
	if (fields & HD_ATTRIBUTE_MODIFY)
		take_time(reader, &entry->modify_time);
	entry->change_time = *expected_change(entry, previous, fields);
	if (fields & HD_ATTRIBUTE_CHANGE)
		take_time(reader, &entry->change_time);
}

/* What only some entries have. */
static bool take_own(struct hd_reader *reader, struct hd_attribute_entry *entry, unsigned fields)
{
	entry->link_group = fields & HD_ATTRIBUTE_LINKS ? hd_reader_u64(reader) : 0;
	entry->links = fields & HD_ATTRIBUTE_LINKS ? hd_reader_u32(reader) : 0;
	entry->children = (struct hd_content){0};
	if (fields & HD_ATTRIBUTE_CHILDREN && !hd_content_take(reader, &entry->children))
		return false;
	entry->xattrs_size = fields & HD_ATTRIBUTE_XATTRS ? hd_reader_u32(reader) : 0;
	entry->xattrs = hd_reader_bytes(reader, entry->xattrs_size);
	return true;
}

static const char *take_entry(struct hd_reader *reader, void *ret_entry, const void *previous_address)
{
	const struct hd_attribute_entry *previous = previous_address ? previous_address : &before_first;
	struct hd_attribute_entry *entry = ret_entry;
	unsigned fields = hd_reader_u8(reader);

	take_inherited(reader, entry, previous, fields);
	if (!take_own(reader, entry, fields))
		return "the reference to the children is malformed";
	entry->name_length = hd_reader_u8(reader);
	entry->name = hd_reader_bytes(reader, entry->name_length);
	return fields_of(entry, previous) == fields ? NULL : "a field says what it would without";
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

int hd_attributes_encode_begin(size_t count, struct hd_buffer *out)
{
	return hd_entry_list_begin(&kind, count, out);
}

int hd_attributes_encode_entry(const struct hd_attribute_entry *entry,
	const struct hd_attribute_entry *previous, struct hd_buffer *out)
{
	return hd_entry_list_put(&kind, entry, previous, out);
}

/* A list that is written from another one. */
struct splice {
	struct hd_entry_cursor cursor;
	struct hd_attribute_entry now;        /* the entry that was read last */
	const uint8_t *data;                  /* borrowed: all that is read */
	size_t copied;                        /* of it, up to here */
	const struct hd_attribute_entry *put; /* the entry before in the new list, where that is not NOW */
	struct hd_buffer *out;
};

/* Reads the next entry into the one before, whose owner and times it has where it says nothing else. */
static int read_next(struct splice *splice)
{
	struct hd_reader *reader = &splice->cursor.reader;
	struct hd_attribute_entry *now = &splice->now;
	unsigned fields = hd_reader_u8(reader);

	if (fields)
		take_inherited(reader, now, now, fields);
	if (!take_own(reader, now, fields))
		return hd_fail(HD_E_ATTRIBUTES_CORRUPT, "entry %u has a malformed reference",
			splice->cursor.position);
	now->name_length = hd_reader_u8(reader);
	now->name = hd_reader_bytes(reader, now->name_length);
	if (hd_reader_failed(reader))
		return hd_fail(HD_E_ATTRIBUTES_CORRUPT, "entry %u is cut off", splice->cursor.position);
	splice->cursor.position++;
	return 1;
}

static void copy_up_to(struct splice *splice, size_t end)
{
	hd_buffer_put(splice->out, splice->data + splice->copied, end - splice->copied);
	splice->copied = end;
}

/* Replaces the entry of the name of ENTRY. */
static int replace(struct splice *splice, const struct hd_attribute_entry *entry)
{
	while (splice->cursor.position < splice->cursor.count) {
		size_t begin = splice->cursor.reader.position;
		struct hd_attribute_entry before = splice->now;
		bool is_first = splice->cursor.position == 0;
		int r = read_next(splice), order;

		if (r < 0)
			return r;
		order = hd_tree_compare_names(
			splice->now.name, splice->now.name_length, entry->name, entry->name_length);
		if (order > 0)
			break;
		if (order == 0) {
			if (!splice->put && !is_first)
				splice->put = &before;
			copy_up_to(splice, begin);
			r = hd_entry_list_put(&kind, entry, splice->put, splice->out);
			splice->put = entry;
			splice->copied = splice->cursor.reader.position;
			return r;
		}
		/* The first one behind what was replaced differs from that, and the next is again what it was. */
		if (splice->put) {
			put_entry(splice->out, &splice->now, splice->put);
			splice->put = NULL;
			splice->copied = splice->cursor.reader.position;
		}
	}
	return hd_fail(HD_E_ATTRIBUTES_CORRUPT, "no entry '%.*s' to replace", entry->name_length,
		entry->name ? entry->name : "");
}

int hd_attributes_splice(const void *data, size_t size, const struct hd_attribute_entry *entries,
	size_t count, struct hd_buffer *out)
{
	struct splice splice = {.data = data, .out = out};
	int r = hd_entry_list_open(&kind, data, size, &splice.cursor);

	hd_buffer_reserve(out, size + count * sizeof(*entries));
	for (size_t i = 0; i < count && r >= 0; i++)
		r = replace(&splice, &entries[i]);
	if (r >= 0 && splice.put && splice.cursor.position < splice.cursor.count) {
		r = read_next(&splice);
		if (r >= 0) {
			put_entry(out, &splice.now, splice.put);
			splice.copied = splice.cursor.reader.position;
		}
	}
	if (r < 0)
		return r;
	copy_up_to(&splice, size);
	return hd_buffer_status(out);
}

void hd_attributes_clear(struct hd_attributes_list *list)
{
	free(list->entries);
	list->entries = NULL;
	list->count = 0;
}
