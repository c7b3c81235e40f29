/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_INITIALIZE_H
#define HEDDLE_CAPTURE_INITIALIZE_H

/*
 * Initialize: makes a store with its first base, that base's own state, and the thread "main" at it.
 *
 * A git repository's commit is pinned by a reference under refs/heddle/base/, so that git's garbage
 * collection keeps what the store refers to. Neither a repository's working tree nor a base directory is
 * written to.
 *
 * Ownership   Results are the caller's to free and clear. Threads: any.
 * Durability  A store that this returned 0 for survives a power cut. On failure the store is removed
 *             again. One that smudges is made beside its place, so that a death in between leaves nothing there; the next
 *             one removes what is left.
 * Errors      -HD_E_STORE_EXISTS, -HD_E_REPOSITORY_MISSING, -HD_E_REPOSITORY_UNBORN,
 *             -HD_E_IDENTITY_INVALID, -HD_E_INTERRUPTED, -ENOENT and -ENOTDIR for a base directory, errors of the store.
 */

#include "overlay/store/store.h"

#define HD_INITIALIZE_THREAD "main"

struct hd_initialize_options {
	const char *directory; /* where the store goes (its .heddle); NULL: the working directory */
	/*
	 * A directory to be the base. NULL: the git repository that `directory` lies in, and the store goes to
	 * the root of its checkout (of a bare repository: to `directory`).
	 */
	const char *base;
	const char *revision; /* of the git repository, what `git rev-parse` takes; NULL: HEAD */
	const char *thread;   /* name of the first thread; NULL: "main" */
	const char *store;    /* absolute path of the .heddle directory itself; NULL: at its usual place */
	/* Files are as a checkout without a configuration has them, in all that will come from git; of a git base. */
	bool smudge;
};

/* Sets *RET_STORE to the open store and *RET_STATE to the base's state. */
int hd_initialize(
	const struct hd_initialize_options *options, struct hd_store **ret_store, struct hd_state *ret_state);

#endif
