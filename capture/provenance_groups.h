/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_PROVENANCE_GROUPS_H
#define HEDDLE_CAPTURE_PROVENANCE_GROUPS_H

/*
 * Provenance groups: who changed what in a state, by who it was.
 *
 * Processes with the same HEDDLE_ACTOR, HEDDLE_TOOL_CALL and executable are one group. A path that several changed is in
 * the group of each. States that nobody recorded have no groups.
 *
 * Ownership   What a callback gets is borrowed until it returns. Threads: any.
 * Errors      Those of hd_provenance_of_state but -ENOENT, -ENOMEM.
 */

#include <stdbool.h>

#include "overlay/store/provenance.h"

struct hd_provenance_group {
	const struct hd_provenance *provenance;
	const struct hd_provenance_actor *actor; /* the first of it; NULL: nobody knows who */
	size_t number;
	const size_t *group_of; /* of each actor */
	const size_t *paths;    /* indices of those that it changed, in their order */
	size_t n_paths;
};

typedef int (*hd_provenance_group_emit)(const struct hd_provenance_group *group, void *payload);

/*
 * Calls EMIT for each group that has paths, until it fails. 1 where nothing was recorded; else *RET_INCOMPLETE: something was
 * changed that there was no room for, by those who are not known.
 */
int hd_provenance_each_group(struct hd_store *store, const struct hd_state *state,
	hd_provenance_group_emit emit, void *payload, bool *ret_incomplete);

#endif
