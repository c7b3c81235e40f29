/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_EXPORT_SERIES_H
#define HEDDLE_CAPTURE_GIT_SERIES_EXPORT_SERIES_H

/*
 * Export series: the commits of a range of states, in a repository of the store's own that is removed again and borrows the objects of
 * the base's: no other repository is written to. They are the commits that an export makes.
 *
 * A range is what a state is made of and another one is not: `git log SINCE..HEAD`. Without SINCE it is what came after the
 * base of the history, the commit that it began at.
 *
 * Ownership   All that is given is borrowed until hd_export_series_clear. Threads: one.
 * Errors      Those of export_git.h.
 */

#include "capture/git/export/export_target.h"

struct hd_export_series {
	char *place;                       /* owned */
	struct hd_export_git_options into; /* the options, with `place` for repository */
	struct hd_export_target target;    /* `repository` is where the commits are */
	struct hd_export_target_item item; /* of the head */
	git_oid head;                      /* its commit */
	git_oid since;                     /* the commit it comes after; all zero: none */
	git_oid *commits;                  /* owned array: the oldest first */
	size_t count;
};

/* SINCE may be NULL. */
int hd_export_series_make(struct hd_export_series *series, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since);
/* Also of one that could not be made. */
void hd_export_series_clear(struct hd_export_series *series);

#endif
