/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_RECOVERY_REPLAYED_BLOCKS_H
#define HEDDLE_RECOVERY_REPLAYED_BLOCKS_H

/*
 * Replayed blocks: data of hot blocks on its way from the journal into the hot tier's memory file. A journal has a small file
 * in each block, mostly; blocks that follow each other are written together, whole.
 *
 *     {0} with fd → hd_replayed_block ... → hd_replayed_blocks_write → hd_replayed_blocks_clear
 *
 * Threads     One. Errors: -HD_E_JOURNAL_CORRUPT for what is no place, -ENOMEM, those of the memory file.
 */

#include <stddef.h>
#include <stdint.h>

struct hd_replayed_blocks {
	int fd;         /* borrowed */
	uint8_t *bytes; /* owned; blocks that are not written yet */
	uint32_t first;
	size_t count;
};

/* SIZE bytes of consecutive blocks from BLOCK on, HD_ITEM_LIMIT at most; what is missing of the last one is zero. */
int hd_replayed_block(struct hd_replayed_blocks *blocks, uint32_t block, const void *data, size_t size);
int hd_replayed_blocks_write(struct hd_replayed_blocks *blocks);
void hd_replayed_blocks_clear(struct hd_replayed_blocks *blocks);

#endif
