/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_SERIES_SERIES_PLACE_H
#define HEDDLE_CAPTURE_GIT_SERIES_SERIES_PLACE_H

/*
 * Series place: a bare repository in the store's run/ for the commits that patches and bundles are made of. It borrows the
 * objects of the repository that a thread's history begins in, which is not written to.
 *
 * Threads     Each has its own. Errors: -HD_E_REPOSITORY with libgit2's words, -errno with the path.
 */

#include "overlay/store/store.h"

/* For THREAD, which is at HEAD. *RET_PLACE is fresh memory. */
int hd_series_place_make(
	struct hd_store *store, const char *thread, const struct hd_state_id *head, char **ret_place);

/* Removes it, and frees its path; NULL is nothing. */
void hd_series_place_remove(char *place);

#endif
