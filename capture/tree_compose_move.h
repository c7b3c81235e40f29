/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREE_COMPOSE_MOVE_H
#define HEDDLE_CAPTURE_TREE_COMPOSE_MOVE_H

/* Tree compose move: a tree with one of its directories elsewhere. Ownership, threads, durability, errors: tree_compose.h. */

#include "capture/tree_compose.h"

/*
 * Changes TARGET so that its directory FROM is at TO, as in the tree of MODEL: 1. 0, and nothing is changed, unless MODEL has
 * nothing at FROM and a directory at TO, and TARGET a directory at FROM and nothing at TO. Directories above TO that TARGET
 * lacks are MODEL's. Neither path leads into the other.
 */
int hd_tree_compose_move(const struct hd_tree_compose *compose, const struct hd_state *model,
	const char *from, const char *to, struct hd_state *target);

#endif
