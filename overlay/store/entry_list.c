/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/entry_list.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/tree_format.h"

/* What an entry has more than its minimum, mostly: a name, and a reference to bytes. */
#define ENTRY_REST 40

static void put_header(struct hd_buffer *out, const struct hd_entry_list_kind *kind, uint32_t count)
{
	hd_buffer_put(out, kind->magic, HD_TREE_MAGIC_SIZE);
	hd_buffer_put_u16(out, kind->version);
	hd_buffer_put_u16(out, 0);
	hd_buffer_put_u32(out, count);
}

int hd_entry_list_begin(const struct hd_entry_list_kind *kind, size_t count, struct hd_buffer *out)
{
	if (count > UINT32_MAX)
		return hd_fail(EINVAL, "%zu %s entries", count, kind->noun);
	hd_buffer_reserve(out, HD_TREE_HEADER_SIZE + count * (kind->entry_minimum + ENTRY_REST));
	put_header(out, kind, (uint32_t)count);
	return hd_buffer_status(out);
}

int hd_entry_list_put(
	const struct hd_entry_list_kind *kind, const void *entry, const void *previous, struct hd_buffer *out)
{
	const char *problem = kind->problem(entry, previous);

	if (problem)
		return hd_fail(EINVAL, "%s entry: %s", kind->noun, problem);
	kind->put(out, entry, previous);
	return hd_buffer_status(out);
}

int hd_entry_list_encode(
	const struct hd_entry_list_kind *kind, const void *entries, size_t count, struct hd_buffer *out)
{
	size_t begin = out->size;
	const char *previous = NULL;
	int r = hd_entry_list_begin(kind, count, out);

	for (size_t i = 0; i < count && r == 0; i++) {
		const char *entry = (const char *)entries + i * kind->entry_size;

		r = hd_entry_list_put(kind, entry, previous, out);
		previous = entry;
		if (r == -EINVAL) {
			out->size = begin;
			return hd_fail_in(r, "entry %zu", i);
		}
	}
	return r;
}

/* The header's count is no more than what the bytes behind it can hold. */
static int take_header(struct hd_reader *reader, const struct hd_entry_list_kind *kind, uint32_t *ret_count)
{
	const void *magic = hd_reader_bytes(reader, HD_TREE_MAGIC_SIZE);
	uint16_t version = hd_reader_u16(reader);
	uint16_t zero = hd_reader_u16(reader);
	uint32_t count = hd_reader_u32(reader);

	if (hd_reader_failed(reader) || memcmp(magic, kind->magic, HD_TREE_MAGIC_SIZE) != 0)
		return hd_fail(kind->corrupt, "no %s header", kind->noun);
	if (version != kind->version)
		return hd_fail(kind->corrupt, "version %u, known is %u", version, kind->version);
	if (zero)
		return hd_fail(kind->corrupt, "padding is not zero");
	if (count > hd_reader_left(reader) / kind->entry_minimum)
		return hd_fail(kind->corrupt, "%u entries do not fit the object", count);
	*ret_count = count;
	return 0;
}

int hd_entry_list_open(const struct hd_entry_list_kind *kind, const void *data, size_t size,
	struct hd_entry_cursor *ret_cursor)
{
	*ret_cursor = (struct hd_entry_cursor){.count = 0};
	hd_reader_init(&ret_cursor->reader, data, size);
	return take_header(&ret_cursor->reader, kind, &ret_cursor->count);
}

int hd_entry_list_next(const struct hd_entry_list_kind *kind, struct hd_entry_cursor *cursor,
	const void *previous, void *ret_entry)
{
	const char *problem;

	if (cursor->position == cursor->count) {
		size_t left = hd_reader_left(&cursor->reader);

		return left > 0 ? hd_fail(kind->corrupt, "%zu bytes behind the last entry", left) : 0;
	}
	problem = kind->take(&cursor->reader, ret_entry, previous);
	if (hd_reader_failed(&cursor->reader))
		return hd_fail(kind->corrupt, "entry %u is cut off", cursor->position);
	if (!problem)
		problem = kind->problem(ret_entry, previous);
	if (problem)
		return hd_fail(kind->corrupt, "entry %u: %s", cursor->position, problem);
	cursor->position++;
	return 1;
}

int hd_entry_list_decode(const struct hd_entry_list_kind *kind, const void *data, size_t size,
	void **ret_entries, size_t *ret_count)
{
	HD_AUTO_FREE char *entries = NULL;
	struct hd_entry_cursor cursor;
	int r = hd_entry_list_open(kind, data, size, &cursor);

	if (r == 0 && cursor.count) {
		entries = reallocarray(NULL, cursor.count, kind->entry_size);
		if (!entries)
			return -ENOMEM;
	}
	if (r == 0)
		r = 1;
	while (r > 0) {
		char *entry = cursor.count ? entries + cursor.position * kind->entry_size : NULL;

		r = hd_entry_list_next(
			kind, &cursor, cursor.position ? entry - kind->entry_size : NULL, entry);
	}
	if (r < 0)
		return r;
	*ret_entries = HD_STEAL(entries);
	*ret_count = cursor.count;
	return 0;
}
