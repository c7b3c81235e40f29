/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_PATCH_H
#define HEDDLE_CAPTURE_GIT_EXPORT_PATCH_H

/*
 * Export patch: states as mails, a patch each, in one mailbox, as `git format-patch --stdout` writes and `git am` takes them.
 *
 * They begin after the base of the history, the commit that it began at; merges are left out, as git leaves them out. The
 * commits are those of export_git.h, made in a repository of the store that is removed again: no other one is written to.
 *
 * Ownership   All is borrowed. Threads: any.
 * Errors      Those of export_git.h and of writing.
 */

#include "capture/git/export_git.h"

struct hd_export_patch_result {
	uint64_t patches, merges;  /* written, left out */
	uint64_t skipped, ignored; /* as of hd_export_git_result */
};

/* Of OPTIONS thread, head and with_ignored count. */
int hd_export_patch(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, int fd, struct hd_export_patch_result *ret_result);

#endif
