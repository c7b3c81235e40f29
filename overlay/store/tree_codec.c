/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/tree_codec.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/error.h"
#include "overlay/store/content_format.h"
#include "overlay/store/entry_list.h"
#include "overlay/store/tree_format.h"

int hd_tree_compare_names(const char *a, size_t a_length, const char *b, size_t b_length)
{
	size_t common = a_length < b_length ? a_length : b_length;
	int order = common ? memcmp(a, b, common) : 0;

	if (order)
		return order;
	return (a_length > b_length) - (a_length < b_length);
}

size_t hd_tree_find_name(const void *records, size_t count, size_t size, const char *name, size_t length)
{
	size_t low = 0, high = count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct hd_tree_name *record = (const void *)((const uint8_t *)records + middle * size);
		int order = hd_tree_compare_names(record->name, record->name_length, name, length);

		if (order == 0)
			return middle;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return count;
}

const char *hd_tree_name_problem(const char *name, size_t length)
{
	if (length == 0)
		return "the name is empty";
	if (length > HD_TREE_NAME_LIMIT)
		return "the name is too long";
	/* Names are short: this is less than two calls. */
	for (size_t i = 0; i < length; i++)
		if (name[i] == '/' || name[i] == '\0')
			return "the name contains '/' or NUL";
	if (name[0] == '.' && (length == 1 || (length == 2 && name[1] == '.')))
		return "the name is '.' or '..'";
	return NULL;
}

static const char *content_problem(const struct hd_tree_entry *entry)
{
	const struct hd_content *content = &entry->content;

	if (!hd_content_is_valid(content))
		return "the content reference is malformed";
	switch (entry->mode & S_IFMT) {
	case S_IFREG:
	case S_IFLNK:
		if (entry->size > 0 && hd_content_is_none(content))
			return "there are bytes but no content";
		return NULL;
	case S_IFDIR:
		if (content->kind == HD_CONTENT_CHUNKED)
			return "the content of a directory is a chunk list";
		return entry->size ? "a directory has a size" : NULL;
	case S_IFCHR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		if (!hd_content_is_none(content))
			return "a special file has content";
		return entry->size ? "a special file has a size" : NULL;
	default:
		return "the file type is unknown";
	}
}

static const char *entry_problem(const void *entry_address, const void *previous_address)
{
	const struct hd_tree_entry *entry = entry_address, *previous = previous_address;
	const char *problem = hd_tree_name_problem(entry->name, entry->name_length);

	if (!problem)
		problem = content_problem(entry);
	if (problem)
		return problem;
	if (entry->mode & ~(uint32_t)(S_IFMT | 07777))
		return "the mode has unknown bits";
	if (entry->device && !S_ISCHR(entry->mode) && !S_ISBLK(entry->mode))
		return "a device number on what is no device";
	if (previous && hd_tree_compare_names(
				previous->name, previous->name_length, entry->name, entry->name_length) >= 0)
		return "the name is not behind the one before";
	return NULL;
}

static void put_entry(struct hd_buffer *out, const void *entry_address, const void *previous)
{
	const struct hd_tree_entry *entry = entry_address;

	(void)previous;
	hd_buffer_put_u32(out, entry->mode);
	hd_buffer_put_u32(out, entry->device);
	hd_buffer_put_u64(out, entry->size);
	hd_content_put(out, &entry->content);
	hd_buffer_put_u8(out, (uint8_t)entry->name_length);
	hd_buffer_put(out, entry->name, entry->name_length);
}

static const char *take_entry(struct hd_reader *reader, void *ret_entry, const void *previous)
{
	struct hd_tree_entry *entry = ret_entry;

	(void)previous;
	entry->mode = hd_reader_u32(reader);
	entry->device = hd_reader_u32(reader);
	entry->size = hd_reader_u64(reader);
	if (!hd_content_take(reader, &entry->content))
		return "the content reference is malformed";
	entry->name_length = hd_reader_u8(reader);
	entry->name = hd_reader_bytes(reader, entry->name_length);
	return NULL;
}

static const struct hd_entry_list_kind kind = {
	.magic = HD_TREE_MAGIC,
	.noun = "tree",
	.version = HD_TREE_VERSION,
	.entry_size = sizeof(struct hd_tree_entry),
	.entry_minimum = HD_TREE_ENTRY_MINIMUM,
	.corrupt = HD_E_TREE_CORRUPT,
	.problem = entry_problem,
	.put = put_entry,
	.take = take_entry,
};

int hd_tree_encode(const struct hd_tree_entry *entries, size_t count, struct hd_buffer *out)
{
	return hd_entry_list_encode(&kind, entries, count, out);
}

int hd_tree_decode(const void *data, size_t size, struct hd_tree *ret_tree)
{
	void *entries;
	int r = hd_entry_list_decode(&kind, data, size, &entries, &ret_tree->count);

	if (r == 0)
		ret_tree->entries = entries;
	return r;
}

int hd_tree_encode_begin(size_t count, struct hd_buffer *out)
{
	return hd_entry_list_begin(&kind, count, out);
}

int hd_tree_encode_entry(
	const struct hd_tree_entry *entry, const struct hd_tree_entry *previous, struct hd_buffer *out)
{
	return hd_entry_list_put(&kind, entry, previous, out);
}

int hd_tree_open(const void *data, size_t size, struct hd_entry_cursor *ret_cursor)
{
	return hd_entry_list_open(&kind, data, size, ret_cursor);
}

int hd_tree_next(
	struct hd_entry_cursor *cursor, const struct hd_tree_entry *previous, struct hd_tree_entry *ret_entry)
{
	return hd_entry_list_next(&kind, cursor, previous, ret_entry);
}

/* Where the length of an entry's content and the content's bytes are, behind the entry's begin. */
#define CONTENT_LENGTH_AT 17
#define CONTENT_BYTES_AT 20

/* The name of the next entry, of which nothing else is looked at; false where bytes are missing. */
static bool skip_entry(struct hd_reader *reader, struct hd_tree_name *ret_name)
{
	const uint8_t *fixed = hd_reader_bytes(reader, CONTENT_BYTES_AT);

	if (!fixed || !hd_reader_bytes(reader, fixed[CONTENT_LENGTH_AT]))
		return false;
	ret_name->name_length = hd_reader_u8(reader);
	ret_name->name = hd_reader_bytes(reader, ret_name->name_length);
	return ret_name->name != NULL;
}

int hd_tree_seek(struct hd_entry_cursor *cursor, const char *name, size_t length,
	struct hd_tree_entry *ret_entry, size_t *ret_begin)
{
	for (; cursor->position < cursor->count; cursor->position++) {
		size_t begin = cursor->reader.position;
		struct hd_tree_name next;
		int order;

		if (!skip_entry(&cursor->reader, &next))
			return hd_fail(HD_E_TREE_CORRUPT, "entry %u is cut off", cursor->position);
		order = hd_tree_compare_names(next.name, next.name_length, name, length);
		if (order < 0)
			continue;
		cursor->reader.position = begin;
		if (order > 0)
			return 0;
		*ret_begin = begin;
		return hd_tree_next(cursor, NULL, ret_entry);
	}
	return 0;
}

int hd_tree_splice(const void *data, size_t size, const struct hd_tree_entry *entries, size_t count,
	struct hd_buffer *out)
{
	struct hd_entry_cursor cursor;
	size_t copied = 0;
	int r = hd_tree_open(data, size, &cursor);

	hd_buffer_reserve(out, size);
	for (size_t i = 0; i < count && r >= 0; i++) {
		struct hd_tree_entry old;
		size_t begin = 0;

		r = hd_tree_seek(&cursor, entries[i].name, entries[i].name_length, &old, &begin);
		if (r == 0)
			r = hd_fail(HD_E_TREE_CORRUPT, "no entry '%.*s' to replace", entries[i].name_length,
				entries[i].name);
		if (r < 0)
			return r;
		hd_buffer_put(out, (const uint8_t *)data + copied, begin - copied);
		r = hd_entry_list_put(&kind, &entries[i], NULL, out);
		copied = cursor.reader.position;
	}
	if (r < 0)
		return r;
	hd_buffer_put(out, (const uint8_t *)data + copied, size - copied);
	return hd_buffer_status(out);
}

void hd_tree_clear(struct hd_tree *tree)
{
	free(tree->entries);
	tree->entries = NULL;
	tree->count = 0;
}
