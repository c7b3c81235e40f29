/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_SAME_CONTENT_H
#define HEDDLE_CAPTURE_COMPARE_SAME_CONTENT_H

/*
 * Have two entries of two trees the same content? What is cheap is asked first: references tell of whole trees, and of all
 * that one store or git wrote; sizes of most of the rest. Only then are bytes read, no further than their first difference.
 *
 * Ownership   Everything is borrowed. Threads: one at a time per view. Errors: those of the views, -HD_E_INTERRUPTED.
 */

#include "capture/trees/tree_view.h"

/* Whether the references alone tell that two entries have the same bytes or the same tree. */
bool hd_same_reference(
	const struct hd_tree_view_entry *old_entry, const struct hd_tree_view_entry *new_entry);

/* Whether two files or links have the same bytes; reads them only when neither references nor sizes tell. */
int hd_same_bytes(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_entry,
	struct hd_tree_view *new_view, const struct hd_tree_view_entry *new_entry, bool *ret_same);

#endif
