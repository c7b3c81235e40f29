/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_HISTORY_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_HISTORY_H

/*
 * Export history: states as commits, parents before children, each once.
 *
 * Ownership   Borrows everything but its map. Threads: one.
 * Errors      Those of export_tree.h, -HD_E_STATE_MISSING.
 */

#include "capture/git/export/export_tree.h"
#include "overlay/platform/buffer.h"

struct hd_export_history {
	struct hd_store *store;            /* borrowed */
	struct hd_export_objects *objects; /* borrowed */
	struct hd_export_tree *tree;       /* borrowed */
	struct hd_export_map commits;      /* owned: state id → commit */
	struct hd_export_map unresolved;   /* owned: those of them that are merges with conflicts */
	struct hd_buffer written;          /* owned: ids of the states written by this export */
};

/* All but store, objects and tree is empty. */
void hd_export_history_begin(struct hd_export_history *history, struct hd_store *store,
	struct hd_export_objects *objects, struct hd_export_tree *tree);
void hd_export_history_clear(struct hd_export_history *history);

/* Makes sure that state ID, and with it its whole history, is in the repository. */
int hd_export_history_write(
	struct hd_export_history *history, const struct hd_state_id *id, git_oid *ret_commit);

/* The commit of STATE, borrowed until something is written; NULL if the repository has none. */
int hd_export_history_find(
	struct hd_export_history *history, const struct hd_state *state, const git_oid **ret_commit);

/* Remembers what was written for later exports; to be called when it is on disk (hd_export_objects_finish). */
int hd_export_history_record(struct hd_export_history *history);

/* Whether COMMIT is what state HEAD or an ancestor of it became in this repository, in any export. */
int hd_export_history_contains(struct hd_export_history *history, const struct hd_state_id *head,
	const git_oid *commit, bool *ret_contains);

#endif
