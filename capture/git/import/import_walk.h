/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_WALK_H
#define HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_WALK_H

/*
 * Import walk: the commits that lead to some tips and that the store does not have yet, as states.
 *
 *     hd_import_walk_collect (reads commits, changes nothing) → the caller pins → hd_import_walk_publish → _clear
 *
 * Where the history is not whole, in a shallow repository or a range, the states are others than those of the whole one, and are
 * kept apart from them: so whoever imports all of it later gets all of it. What a range begins after is a base without parents,
 * as `heddle init` makes one.
 *
 * Memory: about 150 bytes for each new commit.
 *
 * Ownership   Borrows repository, location and index; the caller clears it. Threads: one.
 * Durability  States are published some hundreds at a time. An import that is stopped between them leaves states that
 *             nothing names, and the next one goes on behind them.
 * Errors      -HD_E_BASE_OBJECT, -HD_E_INTERRUPTED, those of the index.
 */

#include <git2/types.h>
#include <stdbool.h>

#include "capture/git/export/export_map.h"
#include "capture/git/import/import_tips.h"
#include "capture/smudge/smudge_tree.h"
#include "overlay/bases/base.h"

struct hd_import_walk {
	git_repository *repository; /* borrowed */
	struct hd_store *store;     /* borrowed */
	struct hd_index *index;     /* borrowed: the store's */
	struct hd_base_set *bases;  /* borrowed */
	const char *location;       /* borrowed: under which the index knows the repository's commits */
	uint16_t base;
	char *part; /* owned: under which it knows those of a history that is not whole; NULL: this one is */
	bool is_range;                 /* what is not `included` is not walked into */
	struct hd_export_map states;   /* commit → the state's id; all zero: not made yet */
	struct hd_export_map included; /* of a range: its commits */
	git_odb *odb;                  /* owned */
	git_oid *order;                /* owned array: the new commits, parents first */
	size_t n_order, order_capacity;
	struct hd_smudge *smudge; /* owned; NULL: the store does not smudge, or nothing was converted yet */
	bool *covered;            /* owned array, one for each tip: another tip leads to it */
};

/* Fills WALK, of which the members up to `base` are set. */
int hd_import_walk_collect(struct hd_import_walk *walk, const struct hd_import_tips *tips);

/* Makes the states of what was collected; what they need must not go away by now. */
int hd_import_walk_publish(struct hd_import_walk *walk);

/* The state of COMMIT, which was published or is known. */
struct hd_state_id hd_import_walk_state(const struct hd_import_walk *walk, const git_oid *commit);

/* Frees what the walk owns and empties it. */
void hd_import_walk_clear(struct hd_import_walk *walk);

#endif
