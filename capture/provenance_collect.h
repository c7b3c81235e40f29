/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_PROVENANCE_COLLECT_H
#define HEDDLE_CAPTURE_PROVENANCE_COLLECT_H

/*
 * Provenance collection: asks who witnessed the changes about each path that a state changes.
 * Threads: the capturing one. Errors: those of the comparison and of memory.
 */

#include "capture/capture.h"
#include "capture/trees/tree_view.h"
#include "overlay/store/provenance.h"

/* Fills *RET_PROVENANCE, the caller's to clear, with the paths in which STATE_VIEW, of all or some of SNAPSHOT, differs from the head. */
int hd_provenance_collect(const struct hd_capture_witness *witness, struct hd_snapshot *snapshot,
	struct hd_tree_view *head_view, struct hd_tree_view *state_view,
	struct hd_provenance *ret_provenance);
/* What was noted of these paths up to MARK is in a state now; what was noted of others is not. */
void hd_provenance_forget(const struct hd_capture_witness *witness, struct hd_snapshot *snapshot,
	const struct hd_provenance *provenance, uint64_t mark);

#endif
