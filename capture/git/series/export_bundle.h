/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_EXPORT_BUNDLE_H
#define HEDDLE_CAPTURE_GIT_SERIES_EXPORT_BUNDLE_H

/*
 * Export bundle: a range of states (export_series.h) as one file that `git fetch`, `git pull` and `git clone` take for a repository.
 *
 * It needs of whoever takes it the commits that the range comes after, as `git bundle verify` says; of a history that begins
 * with no commit it needs nothing. The notes of its commits (export_notes.h) are in it as a history of their own, for `git notes
 * --ref=heddle merge`.
 *
 * Ownership   All is borrowed. Threads: any.
 * Errors      Those of export_git.h and of writing; -HD_E_NOTHING_CHANGED: there is no commit in the range.
 */

#include <stdint.h>

#include "capture/git/export/export_all.h"
#include "overlay/bases/base.h"

struct hd_export_bundle_result {
	char *reference;           /* owned: what it is called in the bundle */
	uint64_t commits;          /* in it */
	uint64_t notes;            /* of them */
	uint64_t needed;           /* commits that it needs */
	uint64_t skipped, ignored; /* as of hd_export_git_result */
};

/* The range that OPTIONS and SINCE, which may be NULL, name; repository, force and is_forgotten do not count. */
int hd_export_bundle(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since, int fd,
	struct hd_export_bundle_result *ret_result);
void hd_export_bundle_result_clear(struct hd_export_bundle_result *result);

/*
 * All that hd_export_all exports to a new repository, with all of its history, so that it needs nothing and can be cloned. The
 * result's repository is gone.
 */
int hd_export_bundle_all(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, int fd, struct hd_export_all_result *ret_result);

#endif
