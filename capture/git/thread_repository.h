/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_THREAD_REPOSITORY_H
#define HEDDLE_CAPTURE_GIT_THREAD_REPOSITORY_H

/*
 * Thread repository: the git repository that a thread's history begins in.
 *
 * Threads: any. Errors: -HD_E_REPOSITORY_MISSING when there is none, those of the index.
 */

#include "overlay/store/index/index.h"

/* The git directory of the base at which the first line of parents of HEAD, of THREAD, begins: fresh memory. */
int hd_thread_repository_find(
	struct hd_index *index, const char *thread, const struct hd_state_id *head, char **ret_location);

#endif
