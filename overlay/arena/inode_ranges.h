/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ARENA_INODE_RANGES_H
#define HEDDLE_ARENA_INODE_RANGES_H

/* Whose an id of an inode is, and whose a number (stat's st_ino). The overlay's own are below all of these. Threads: any. */

#include <stdbool.h>
#include <stdint.h>

/* Marks ids that are not of the overlay, but of trees of states (states/state_tree.h). */
#define HD_STATE_INO (1ull << 63)
/* With it: an id that is the caller's own, which no call of overlay.h or state_tree.h knows and forget takes for a step. */
#define HD_OUTER_INO (1ull << 62)

static inline bool hd_ino_is_of_state(uint64_t ino)
{
	return (ino & HD_STATE_INO) && !(ino & HD_OUTER_INO);
}

/* Inode numbers at and above this are of states; the first HD_OUTER_NUMBERS of them are the caller's to use. */
#define HD_STATE_NUMBERS (1ull << 62)
#define HD_OUTER_NUMBERS 16u

#endif
