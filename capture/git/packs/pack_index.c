/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/packs/pack_index.h"

#include <string.h>

#include "capture/git/big_endian.h"

#define ID_SIZE 20
#define SUMS_SIZE (2 * 20)
#define LARGE_OFFSET ((uint32_t)1 << 31)
#define VERSION 2

bool hd_pack_index_count(const uint8_t *header, uint32_t *ret_count)
{
	uint32_t count = 0;

	if (memcmp(header, "\377tOc", 4) != 0 || hd_get_be32(header + 4) != VERSION)
		return false;
	for (size_t first = 0; first < 256; first++) {
		uint32_t next = hd_get_be32(header + 8 + 4 * first);

		if (next < count)
			return false;
		count = next;
	}
	*ret_count = count;
	return true;
}

bool hd_pack_index_open(const void *bytes, size_t size, struct hd_pack_index *ret_index)
{
	struct hd_pack_index index = {.bytes = bytes};
	uint64_t least;

	if (size < HD_PACK_INDEX_HEADER_SIZE || !hd_pack_index_count(bytes, &index.count))
		return false;
	least = HD_PACK_INDEX_HEADER_SIZE + (uint64_t)index.count * (ID_SIZE + 4 + 4) + SUMS_SIZE;
	if (size < least || (size - least) % 8 != 0)
		return false;
	index.n_large = (size - (size_t)least) / 8;
	*ret_index = index;
	return true;
}

const uint8_t *hd_pack_index_id(const struct hd_pack_index *index, uint32_t number)
{
	return index->bytes + HD_PACK_INDEX_HEADER_SIZE + (size_t)number * ID_SIZE;
}

/* Of the tables behind the ids. */
static const uint8_t *number_at(const struct hd_pack_index *index, unsigned table, uint32_t number)
{
	return hd_pack_index_id(index, index->count) + 4 * ((size_t)table * index->count + number);
}

uint32_t hd_pack_index_sum(const struct hd_pack_index *index, uint32_t number)
{
	return hd_get_be32(number_at(index, 0, number));
}

uint64_t hd_pack_index_offset(const struct hd_pack_index *index, uint32_t number)
{
	uint32_t offset = hd_get_be32(number_at(index, 1, number));

	if (offset < LARGE_OFFSET)
		return offset;
	offset -= LARGE_OFFSET;
	return offset < index->n_large ? hd_get_be64(number_at(index, 2, 0) + 8 * (size_t)offset)
				       : UINT64_MAX;
}
