/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_REMOVE_NODE_H
#define HEDDLE_OVERLAY_REMOVE_NODE_H

/*
 * What removal shares with rename, truncation and promotion.
 *
 * Threads     The namespace lock is held for writing; for hd_unmap_from_locked also the file's lock.
 */

#include <time.h>

#include "overlay/overlay_types.h"

/* 0; -ENOTEMPTY for a directory with entries; -EAGAIN for one that must be loaded before it can be known. */
int hd_check_removable(const struct hd_arena *arena, uint32_t child);

/* Takes a name away within a transaction: entry, link count, the parent's times, marks. */
void hd_remove_entry(struct hd_transaction *transaction, uint32_t entry, const struct timespec *now);

/* Unmaps all blocks >= FROM of file INDEX, in as many transactions as it takes. */
int hd_unmap_from_locked(struct hd_overlay *overlay, uint32_t index, uint64_t from);

/* Unmaps all and frees the map itself. */
int hd_unmap_all_locked(struct hd_overlay *overlay, uint32_t index);

#endif
