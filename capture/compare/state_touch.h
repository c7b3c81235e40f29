/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_COMPARE_STATE_TOUCH_H
#define HEDDLE_CAPTURE_COMPARE_STATE_TOUCH_H

/*
 * State touch: whether a state changed something at some paths, against its first parent.
 *
 * What counts is what counts in tree_comparison.h. A state without parents touches what it has.
 *
 * Threads     One per set of bases' views. Errors: those of views and of the index; -EINVAL for a path that leads out of
 *             the tree.
 */

#include "overlay/bases/base.h"

/* PATHS are relative to the root. */
int hd_state_touches(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	const char *const *paths, size_t n_paths, bool *ret_touches);

#endif
