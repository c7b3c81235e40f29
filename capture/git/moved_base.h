/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_MOVED_BASE_H
#define HEDDLE_CAPTURE_GIT_MOVED_BASE_H

/*
 * Moved base: a repository that was moved with the store in it. The store knows its bases by absolute paths, because it may lie
 * anywhere; one that lies in its repository finds it again where it is itself.
 *
 * Threads     Any; processes too: the index takes one after the other.
 */

#include "overlay/store/store.h"

/*
 * Has the store know the repository that it lies in by where it is now, if it knew it elsewhere, where there is nothing any more, and
 * it has the commits that threads of that base began at. What is asked is not trusted and changes nothing else, so whoever opens a
 * store calls this first. Where it cannot be done nothing is said: who needs the base will hear that it is not there.
 *
 * Costs a stat where the store lies in the repository that it knows; a base that may stall is asked only where it lies elsewhere.
 */
void hd_moved_bases_follow(struct hd_store *store);

#endif
