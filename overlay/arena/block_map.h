/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_BLOCK_MAP_H
#define HEDDLE_ARENA_BLOCK_MAP_H

/*
 * Block map: where each 4 KiB block of a file is, for the blocks that were written since the file's content
 * was last named. Everything else shows the content below inode.backed, and zeros above it.
 *
 * Eight blocks fit the inode; then a radix tree of map pages, 1024 slots each, as deep as the offset
 * needs.
 *
 * Threads     Reads need the namespace lock for reading and the file's lock; changes need both for
 *             writing.
 * Errors      Latched in the transaction.
 */

#include "overlay/arena/arena.h"

#define HD_BLOCK_COUNT_LIMIT ((uint64_t)1 << 51) /* 8 EiB of 4 KiB blocks */

/* The value of one block: enum hd_block_value or a hot block. */
uint32_t hd_block_get(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t block);

/* The first block >= FROM that is mapped (not NONE); false when there is none. */
bool hd_block_next(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t from,
	uint64_t *ret_block, uint32_t *ret_value);

/* The same below END: a map keeps pages whose blocks are gone, and looking through them all for nothing is dear. */
bool hd_block_next_before(const struct hd_arena *arena, const struct hd_inode *inode, uint64_t from,
	uint64_t end, uint64_t *ret_block, uint32_t *ret_value);

/* Sets one block and keeps inode.part.file.mapped, which counts blocks that hold memory (not NONE, not HOLE).
 */
void hd_block_set(struct hd_transaction *transaction, uint32_t inode, uint64_t block, uint32_t value);

/* Frees map pages of an inode whose blocks are all NONE, as many as fit the transaction; true when none is left. */
bool hd_block_map_clear(struct hd_transaction *transaction, uint32_t inode);

#endif
