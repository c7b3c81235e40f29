/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_IMPORT_BASE_H
#define HEDDLE_CAPTURE_IMPORT_BASE_H

/*
 * Import base: a commit or a directory as a state that others can begin at, or have among their parents.
 *
 * Ownership   Borrows store and bases; the caller clears the state. Threads: any.
 * Durability  None before hd_object_store_sync and hd_index_publish. Errors: those of bases, of the index, of smudge_tree.h.
 */

#include "overlay/bases/base.h"

/* Fills STATE with what DESCRIPTION says; NUMBER is that of its base in the store. The first read proves that it can be
 * opened. In a store that smudges the files of a commit are converted. */
int hd_import_base_fill(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_base_description *description, uint16_t number, struct hd_state *state);

/* Pins a commit of the git directory LOCATION and makes it a state; the same commit always becomes the same state. */
int hd_import_base_commit(struct hd_store *store, struct hd_base_set *bases, const char *location,
	const char *commit, struct hd_state *ret_state);

#endif
