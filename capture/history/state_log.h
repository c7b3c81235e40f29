/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_HISTORY_STATE_LOG_H
#define HEDDLE_CAPTURE_HISTORY_STATE_LOG_H

/*
 * State log: the history of a state, newest first.
 *
 * Ownership   States are borrowed during the callback. Threads: any; no lock is held during a callback.
 * Errors      -HD_E_STATE_MISSING, errors of the index; a nonzero result of EMIT ends the walk and is
 *             returned.
 */

#include "overlay/store/index/index.h"

enum hd_state_log_order {
	HD_STATE_LOG_FIRST_PARENT, /* the line of first parents; costs one look-up per state shown */
	/* Every ancestor once, each after all its descendants, later times first; reads all of them first. */
	HD_STATE_LOG_ALL_PARENTS,
	/* The same states, and those of one line of work one after the other. */
	HD_STATE_LOG_BY_LINES,
	HD_STATE_LOG_ORDER_COUNT
};

typedef int (*hd_state_log_emit)(const struct hd_state *state, void *payload);

/* The walk from a state, which is the first one shown. */
int hd_state_log_walk(struct hd_index *index, const struct hd_state_id *from, enum hd_state_log_order order,
	hd_state_log_emit emit, void *payload);

/* The walk from several, over all their parents, or by lines. One may be an ancestor of another. */
int hd_state_log_walk_several(struct hd_index *index, const struct hd_state_id *from, size_t n_from,
	enum hd_state_log_order order, hd_state_log_emit emit, void *payload);

#endif
