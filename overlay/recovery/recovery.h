/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_RECOVERY_RECOVERY_H
#define HEDDLE_RECOVERY_RECOVERY_H

/*
 * Recovery: fills the arena when an overlay is opened, and puts right what the last process could not finish.
 *
 * Calling sequence, once, by hd_overlay_open, in this order, while nobody else uses the overlay
 *     hd_recover → [hot tier] → hd_recover_large → hd_prepare_root → [link groups] → hd_recover_truncations
 *     → hd_recover_orphans
 *
 * Errors      -HD_E_ARENA_CORRUPT, -HD_E_JOURNAL_CORRUPT, -HD_E_JOURNAL_VERSION, -ENOMEM.
 */

#include "overlay/overlay_types.h"

struct hd_recovered_large {
	uint32_t slot;
	int fd; /* owned */
};

struct hd_recovered {
	uint64_t journal_size, journal_epochs;
	struct hd_recovered_large *large; /* owned; memory files that the journal's replay made */
	size_t n_large;
};

/*
 * Maps the arena, and attaches to a dead worker's memory, or replays the journal. What was to be attached and does not
 * verify is left alone: the journal is replayed into memory of the overlay's own, and *OPTIONS becomes what fits that.
 */
int hd_recover(struct hd_overlay *overlay, struct hd_overlay_options *options, struct hd_recovered *ret);
void hd_recovered_clear(struct hd_recovered *recovered);

/* Gives large files their memory files back, and accounts for them. */
int hd_recover_large(
	struct hd_overlay *overlay, const struct hd_overlay_options *options, struct hd_recovered *recovered);

/* Makes the root of a new thread; notes the times and owners that base entries without any show. */
int hd_prepare_root(struct hd_overlay *overlay, const struct hd_state *state);

/* Unmaps what truncations had still to unmap when the last process ended. */
int hd_recover_truncations(struct hd_overlay *overlay);

/* Releases inodes that were unlinked but open when the last process ended. */
int hd_recover_orphans(struct hd_overlay *overlay);

#endif
