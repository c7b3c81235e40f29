/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_ALL_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_ALL_H

/*
 * Export all: every thread to a branch heddle/<thread>, every tag to a tag, and, in another repository than the one they were
 * imported from, imported branches ("git/<branch>") to branches.
 *
 * All objects are on the disk before the first reference is moved. One that must not be moved is left alone, and the others go on:
 * as of `git push`, each is one decision.
 *
 * Ownership   The caller clears the result. Threads, durability: as export_git.h.
 * Errors      As export_git.h, but for references that must not be moved.
 */

#include "capture/git/export/export_git.h"

struct hd_export_item {
	char *reference; /* owned */
	char *target;    /* owned: hex id; NULL: it was left alone */
	char *reason;    /* owned: why it was left alone */
	uint64_t commits;
	bool unchanged;
};

struct hd_export_all_result {
	char *repository;             /* owned */
	struct hd_export_item *items; /* owned array */
	size_t n_items, capacity;
	size_t n_refused;
	uint64_t commits, notes, skipped, ignored; /* as of hd_export_git_result */
};

/* OPTIONS says which thread's base's repository it is, if none is named; branch, head and tag are not looked at. */
int hd_export_all(struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, struct hd_export_all_result *ret_result);

/* Frees what the result owns and empties it. */
void hd_export_all_result_clear(struct hd_export_all_result *result);

#endif
