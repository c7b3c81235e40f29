/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_ORPHAN_H
#define HEDDLE_OVERLAY_ORPHAN_H

/*
 * Orphans: inodes without a name, and giving back what a file holds in the hot tier.
 *
 * Threads     The functions ending in _locked need the file's lock and the namespace lock, both for
 *             writing.
 * Errors      Of the transactions. What cannot be freed now stays an orphan.
 */

#include "overlay/overlay_types.h"

/* Frees INDEX if it is an orphan that nobody holds; takes the locks itself, so the caller holds none. */
void hd_overlay_release_orphan(struct hd_overlay *overlay, uint32_t index);

/* Unmaps all blocks >= FROM of file INDEX, in as many transactions as it takes. */
int hd_unmap_from_locked(struct hd_overlay *overlay, uint32_t index, uint64_t from);

/* Unmaps all and frees the map itself. */
int hd_unmap_all_locked(struct hd_overlay *overlay, uint32_t index);

#endif
