/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_MOVED_BASE_H
#define HEDDLE_CAPTURE_GIT_MOVED_BASE_H

/*
 * Moved base: a repository that was moved with the store in it. The store knows its bases by absolute paths, because it may lie
 * anywhere; one that lies in its repository finds it again where it is itself.
 *
 * Ownership   The caller frees the path. Threads: any. Errors: bare -ENOENT where there is none; errors of the index.
 */

#include "overlay/store/store.h"

/*
 * The git directory of the repository that the store lies in, if it has the commits that threads of base NUMBER began at: fresh
 * memory.
 */
int hd_moved_base_find(struct hd_store *store, uint16_t number, char **ret_location);

#endif
