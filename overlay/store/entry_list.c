/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/store/entry_list.h"

#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/store/tree_format.h"

void hd_entry_list_begin(struct hd_buffer *out, const struct hd_entry_list_kind *kind, uint32_t count)
{
	hd_buffer_put(out, kind->magic, HD_TREE_MAGIC_SIZE);
	hd_buffer_put_u16(out, kind->version);
	hd_buffer_put_u16(out, 0);
	hd_buffer_put_u32(out, count);
}

int hd_entry_list_take(struct hd_reader *reader, const struct hd_entry_list_kind *kind, uint32_t *ret_count)
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

int hd_entry_list_end(const struct hd_reader *reader, const struct hd_entry_list_kind *kind)
{
	if (hd_reader_left(reader) == 0)
		return 0;
	return hd_fail(kind->corrupt, "%zu bytes behind the last entry", hd_reader_left(reader));
}
