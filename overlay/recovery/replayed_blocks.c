/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/recovery/replayed_blocks.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/hot/hot_tier.h"
#include "overlay/journal/journal_format.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

/*
 * The memory file would clear a page for the few bytes of a small file, and be called for each of them. A page that is
 * written as a whole is not cleared before. What is gathered stays small enough for the processor's cache.
 */

#define GATHERED (64u * HD_BLOCK_SIZE)

int hd_replayed_blocks_write(struct hd_replayed_blocks *blocks)
{
	size_t size = blocks->count * HD_BLOCK_SIZE;

	blocks->count = 0;
	return size ? hd_memory_file_write(
			      blocks->fd, blocks->bytes, size, (uint64_t)blocks->first * HD_BLOCK_SIZE)
		    : 0;
}

int hd_replayed_block(struct hd_replayed_blocks *blocks, uint32_t block, const void *data, size_t size)
{
	uint64_t offset = (uint64_t)block * HD_BLOCK_SIZE;
	size_t count = (size + HD_BLOCK_SIZE - 1) / HD_BLOCK_SIZE;
	uint8_t *place;
	int r = 0;

	if (block < HD_BLOCK_FIRST || size > HD_ITEM_LIMIT || offset > hd_hot_file_size() ||
		size > hd_hot_file_size() - offset)
		return hd_fail(HD_E_JOURNAL_CORRUPT, "data for hot block %u", block);
	if (!blocks->bytes)
		blocks->bytes = malloc(GATHERED + HD_ITEM_LIMIT);
	if (!blocks->bytes)
		return -ENOMEM;
	if (blocks->count > 0 && block != blocks->first + blocks->count)
		r = hd_replayed_blocks_write(blocks);
	if (r < 0)
		return r;
	if (blocks->count == 0)
		blocks->first = block;
	place = blocks->bytes + blocks->count * HD_BLOCK_SIZE;
	memcpy(place, data, size);
	memset(place + size, 0, count * HD_BLOCK_SIZE - size);
	blocks->count += count;
	return blocks->count * HD_BLOCK_SIZE >= GATHERED ? hd_replayed_blocks_write(blocks) : 0;
}

void hd_replayed_blocks_clear(struct hd_replayed_blocks *blocks)
{
	free(blocks->bytes);
	blocks->bytes = NULL;
}
