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

/* The entry before the one at POSITION. */
static const char *previous_of(const struct hd_entry_list_kind *kind, const char *entries, size_t position)
{
	return position ? entries + (position - 1) * kind->entry_size : NULL;
}

static const char *entry_problem(const struct hd_entry_list_kind *kind, const char *entries, size_t position)
{
	return kind->problem(entries + position * kind->entry_size, previous_of(kind, entries, position));
}

int hd_entry_list_encode(
	const struct hd_entry_list_kind *kind, const void *entries, size_t count, struct hd_buffer *out)
{
	if (count > UINT32_MAX)
		return hd_fail(EINVAL, "%zu %s entries", count, kind->noun);
	for (size_t i = 0; i < count; i++) {
		const char *problem = entry_problem(kind, entries, i);

		if (problem)
			return hd_fail(EINVAL, "%s entry %zu: %s", kind->noun, i, problem);
	}

	hd_buffer_reserve(out, count * (kind->entry_minimum + ENTRY_REST));
	put_header(out, kind, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		kind->put(out, (const char *)entries + i * kind->entry_size, previous_of(kind, entries, i));
	return hd_buffer_status(out);
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

static int take_entry(
	struct hd_reader *reader, const struct hd_entry_list_kind *kind, char *entries, size_t position)
{
	const char *problem = kind->take(
		reader, entries + position * kind->entry_size, previous_of(kind, entries, position));

	if (hd_reader_failed(reader))
		return hd_fail(kind->corrupt, "entry %zu is cut off", position);
	if (!problem)
		problem = entry_problem(kind, entries, position);
	return problem ? hd_fail(kind->corrupt, "entry %zu: %s", position, problem) : 0;
}

int hd_entry_list_decode(const struct hd_entry_list_kind *kind, const void *data, size_t size,
	void **ret_entries, size_t *ret_count)
{
	HD_AUTO_FREE char *entries = NULL;
	struct hd_reader reader;
	uint32_t count = 0;
	int r;

	hd_reader_init(&reader, data, size);
	r = take_header(&reader, kind, &count);
	if (r == 0 && count) {
		entries = reallocarray(NULL, count, kind->entry_size);
		if (!entries)
			return -ENOMEM;
	}
	for (size_t i = 0; i < count && r == 0; i++)
		r = take_entry(&reader, kind, entries, i);
	if (r == 0 && hd_reader_left(&reader) > 0)
		r = hd_fail(kind->corrupt, "%zu bytes behind the last entry", hd_reader_left(&reader));
	if (r < 0)
		return r;
	*ret_entries = HD_STEAL(entries);
	*ret_count = count;
	return 0;
}
