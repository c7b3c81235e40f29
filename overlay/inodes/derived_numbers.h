/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_INODES_DERIVED_NUMBERS_H
#define HEDDLE_INODES_DERIVED_NUMBERS_H

/*
 * Derived numbers: files of a git base show an st_ino that follows from their path and content, so that whoever makes git's
 * index (capture/git/worktree/worktree_index.h) knows it without asking, and so that it is the same at every mount.
 */

#include "overlay/overlay.h"

/* From now on; right after the overlay was opened, by its only thread that looks into directories. */
void hd_overlay_derive_numbers(struct hd_overlay *overlay);

#endif
