/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_HOT_DIRTY_DATA_H
#define HEDDLE_HOT_DIRTY_DATA_H

/*
 * Dirty data: which blocks of which files were written since the last flush. Private to the process.
 *
 * Noting never fails: when memory is short the list says "everything" instead, which costs a flush more work
 * and loses nothing.
 *
 * Threads     The list has its own lock (rank LEAF). Resolving needs the namespace lock for reading.
 */

#include "overlay/overlay_types.h"

struct hd_dirty_range {
	hd_ino ino;
	uint64_t first, count; /* blocks */
};

struct hd_dirty_data {
	struct hd_mutex lock;          /* rank LEAF; protects all */
	struct hd_dirty_range *ranges; /* owned */
	size_t count, capacity;
	bool everything;
};

/* Where one dirty block lies. */
struct hd_dirty_block {
	uint32_t slot;  /* of a large file, or 0 */
	uint64_t block; /* hot block, or block within the large file */
};

struct hd_dirty_blocks {
	struct hd_dirty_block *blocks; /* owned; sorted, no two alike */
	size_t count, capacity;
};

/* An empty list; init and destroy frame its life. */
void hd_dirty_data_init(struct hd_dirty_data *data);
void hd_dirty_data_destroy(struct hd_dirty_data *data);
void hd_dirty_data_note(struct hd_dirty_data *data, hd_ino ino, uint64_t first, uint64_t count);
void hd_dirty_data_note_everything(struct hd_dirty_data *data);
bool hd_dirty_data_is_empty(struct hd_dirty_data *data);

/* Moves what was noted from DATA to RET, which is empty. */
void hd_dirty_data_take(struct hd_dirty_data *data, struct hd_dirty_data *ret);
/* Moves it back, behind what was noted meanwhile. */
void hd_dirty_data_give_back(struct hd_dirty_data *data, struct hd_dirty_data *taken);

/* Finds the blocks of live files that the ranges name now. The namespace lock is held. */
int hd_dirty_data_resolve(
	const struct hd_dirty_data *taken, const struct hd_arena *arena, struct hd_dirty_blocks *ret_blocks);
void hd_dirty_blocks_clear(struct hd_dirty_blocks *blocks);

#endif
