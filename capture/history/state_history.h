/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_HISTORY_STATE_HISTORY_H
#define HEDDLE_CAPTURE_HISTORY_STATE_HISTORY_H

/*
 * State history: some of the states that others descend from, as a graph of their own.
 *
 * Where states are left out, a state's parents are the nearest ones that are in.
 *
 * Ownership   The caller clears the result. Threads: any.
 * Errors      Those of hd_state_log_walk_several; what the filter returns.
 */

#include "overlay/store/index/index.h"

struct hd_history_row {
	struct hd_state_id id;
	struct hd_state_id *parents; /* owned array, each once */
	size_t n_parents;
};

struct hd_history {
	struct hd_history_row *rows; /* owned array: each before its parents, by lines of work */
	size_t count;
};

/* Whether STATE is in: 1 or 0, or a negative code. */
typedef int (*hd_history_filter)(const struct hd_state *state, void *payload);

/* All states from FROM back that FILTER, which may be NULL, lets in. */
int hd_history_read(struct hd_index *index, const struct hd_state_id *from, size_t n_from,
	hd_history_filter filter, void *payload, struct hd_history *ret_history);
/* Frees what it owns; of none, does nothing. */
void hd_history_clear(struct hd_history *history);

#endif
