/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_HOT_HOT_TIER_H
#define HEDDLE_HOT_HOT_TIER_H

/*
 * Hot tier: the memory that written bytes lie in until they are promoted to the store.
 *
 * Small files share one memory file, cut into 4 KiB blocks; which blocks are in use is a bitmap in the arena,
 * so that no descriptor is needed per file. A file that grows past HD_LARGE_BLOCKS gets a memory file of its
 * own, offset for offset, whose descriptor is also handed to whoever outlives this process.
 *
 * Calling sequence
 *     hd_hot_tier_new → hd_hot_reserve → write bytes → hd_hot_use in the transaction that maps the blocks →
 *     hd_hot_committed; hd_hot_free in a transaction that unmaps them → hd_hot_committed
 *
 * Threads     All calls may run concurrently (rank LEAF inside); _use, _free and _committed need the
 *             namespace lock for writing.
 * Durability  None by itself: flush.h writes what is not promoted into the journal.
 * Errors      -HD_E_HOT_TIER_FULL, -ENOMEM.
 */

#include "overlay/arena/arena.h"
#include "overlay/overlay.h"

#define HD_LARGE_BLOCKS 1024u /* 4 MiB in the hot tier */

struct hd_hot_tier;

/* FD: the shared memory file (borrowed). The blocks in use are read from ARENA. */
int hd_hot_tier_new(int fd, const struct hd_arena *arena, uint64_t limit_bytes,
	int (*hold)(void *payload, uint32_t slot, int fd), void *hold_payload, struct hd_hot_tier **ret_tier);
void hd_hot_tier_free(struct hd_hot_tier *tier);

/* Bytes of address space of the shared memory file. */
static inline uint64_t hd_hot_file_size(void)
{
	return (uint64_t)hd_record_limit(HD_TABLE_BLOCK) * HD_BLOCKS_PER_RECORD * HD_BLOCK_SIZE;
}

/* Takes up to WANTED consecutive free blocks aside; *RET_COUNT of them from *RET_FIRST. Nobody else gets
 * them. */
int hd_hot_reserve(struct hd_hot_tier *tier, uint32_t wanted, uint32_t *ret_first, uint32_t *ret_count);
void hd_hot_unreserve(struct hd_hot_tier *tier, uint32_t first, uint32_t count);

/* Marks a reserved block as used, or a used one as free, in the arena. */
void hd_hot_use(struct hd_transaction *transaction, uint32_t block);
void hd_hot_free(struct hd_hot_tier *tier, struct hd_transaction *transaction, uint32_t block);
/* After the commit: blocks freed in the transaction become free (or stay used, if it failed). */
void hd_hot_committed(struct hd_hot_tier *tier, bool success);

/* Bytes of consecutive blocks; within them only. */
int hd_hot_read(struct hd_hot_tier *tier, uint32_t block, uint64_t offset, void *buffer, size_t size);
int hd_hot_write(struct hd_hot_tier *tier, uint32_t block, uint64_t offset, const void *data, size_t size);

/* Memory files of large files. */
int hd_hot_large_new(struct hd_hot_tier *tier, uint32_t *ret_slot);
/* Puts a descriptor that somebody kept, or that was made anew, under its slot (a copy is made), and gives it to the
 * holder. */
int hd_hot_large_adopt(struct hd_hot_tier *tier, uint32_t slot, int fd);
/* The descriptor, borrowed, or -EIO when there is none. */
int hd_hot_large_fd(struct hd_hot_tier *tier, uint32_t slot);
void hd_hot_large_drop(struct hd_hot_tier *tier, uint32_t slot);
/* Accounts blocks of large files that appear (or, negative, go). */
void hd_hot_large_account(struct hd_hot_tier *tier, int64_t blocks);

/* While held, freed blocks and dropped files keep their bytes: a flush is still reading them. */
void hd_hot_hold(struct hd_hot_tier *tier);
void hd_hot_unhold(struct hd_hot_tier *tier);
/* Asked under the namespace lock: whether a flush may still read what was mapped before. */
bool hd_hot_is_held(struct hd_hot_tier *tier);

struct hd_hot_usage {
	uint64_t bytes, limit;
	uint64_t large_files;
};
/* The numbers of this moment, reservations included. */
struct hd_hot_usage hd_hot_usage(struct hd_hot_tier *tier);

#endif
