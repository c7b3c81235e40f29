/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CHANGES_CHANGES_OPEN_H
#define HEDDLE_CHANGES_CHANGES_OPEN_H

/*
 * How an overlay that is opened goes on with the numbers of its thread's changes, or says that it cannot.
 *
 * Threads     One: nobody else has the overlay yet, or any more. Errors: -ENOMEM, those of the arena and the index.
 */

#include "overlay/overlay_types.h"

/*
 * Whether STATE, whose tree the overlay begins with, is the commit that git's index of the thread is made of before anything is captured:
 * the thread's head, with nothing before it. A tree that was restored over another head differs from it without a mark.
 */
bool hd_overlay_is_at_first(struct hd_overlay *overlay, const struct hd_state *state);

/* After the arena is recovered and before its root is prepared. STATE: the one that the thread's tree began as. */
int hd_changes_open(
	struct hd_overlay *overlay, const struct hd_overlay_options *options, const struct hd_state *state);
/* After everything was made durable. */
void hd_changes_close(struct hd_overlay *overlay);
void hd_changes_free(struct hd_overlay *overlay);

#endif
