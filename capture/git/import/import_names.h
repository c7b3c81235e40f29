/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_NAMES_H
#define HEDDLE_CAPTURE_GIT_IMPORT_IMPORT_NAMES_H

/*
 * Import names: gives imported states their names, in one transaction.
 *
 * Ownership, threads, errors: as import_git.h.
 */

#include "capture/git/import/import_git.h"
#include "capture/git/import/import_walk.h"

/* Fills the result's names. */
int hd_import_names_set(struct hd_index *index, const struct hd_import_git_options *options,
	const struct hd_import_walk *walk, const struct hd_import_tips *tips,
	struct hd_import_git_result *result);

#endif
