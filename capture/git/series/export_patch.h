/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_EXPORT_PATCH_H
#define HEDDLE_CAPTURE_GIT_SERIES_EXPORT_PATCH_H

/*
 * Export patch: states as mails, a patch each, in one mailbox, as `git format-patch --stdout` writes and `git am` takes them.
 *
 * They are those of a range (export_series.h); merges, and commits that change nothing, are left out, as git
 * leaves them out.
 *
 * Ownership   All is borrowed. Threads: any.
 * Errors      Those of export_git.h and of writing.
 */

#include <stdint.h>

#include "capture/git/export/export_options.h"
#include "overlay/bases/base.h"

struct hd_export_patch_result {
	uint64_t patches;          /* written */
	uint64_t merges, empty;    /* left out */
	uint64_t skipped, ignored; /* as of hd_export_git_result */
};

/* Of OPTIONS repository, force and is_forgotten do not count. SINCE may be NULL. */
int hd_export_patch(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since, int fd,
	struct hd_export_patch_result *ret_result);

#endif
