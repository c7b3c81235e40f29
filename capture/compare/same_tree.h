/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_SAME_TREE_H
#define HEDDLE_CAPTURE_COMPARE_SAME_TREE_H

/*
 * Same tree: are two trees the same to who uses them? Names, types, bytes, permissions, owners, times of the last change of
 * bytes, extended attributes and which names are one file count, whatever references they have.
 *
 * Nobody sets the time of the last change of attributes, and a restore moves it: that alone is no difference. The time of the
 * last access moves with every look, and with the other one if somebody set it.
 *
 * Ownership   Everything is borrowed. Threads: one.
 * Errors      -ENOMEM, -HD_E_INTERRUPTED, those of the bases. Costs what has other references, up to the first difference.
 */

#include "overlay/bases/base.h"

enum hd_same_access {
	HD_SAME_ACCESS_IGNORED, /* who has looked since has changed nothing, nor has who set that time */
	HD_SAME_ACCESS_NOT_SET, /* only who has set that time has changed something, as far as can be told */
};

/* 1, 0, or a failure. The trees are those of the states; where these begin (hd_index_find_first) is asked by their ids. */
int hd_same_tree(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *a,
	const struct hd_state *b, enum hd_same_access access);

#endif
