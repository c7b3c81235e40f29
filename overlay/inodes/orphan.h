/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_INODES_ORPHAN_H
#define HEDDLE_INODES_ORPHAN_H

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

/* Unmaps blocks of file INDEX from *FROM on, as many as fit TRANSACTION; true while some are left, *FROM is where. Adds
 * to *LARGE what hd_hot_large_account must hear after the commit. */
bool hd_unmap_some(struct hd_overlay *overlay, struct hd_transaction *transaction, uint32_t index,
	uint64_t *from, int64_t *large);

/* Unmaps all and frees the map itself. */
int hd_unmap_all_locked(struct hd_overlay *overlay, uint32_t index);

#endif
