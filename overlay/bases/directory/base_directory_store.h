/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_STORE_H
#define HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_STORE_H

/*
 * What of a directory of the host is no part of its tree: a store in its root, and, wherever it lies, the store by which the
 * directory is used. A mount, or an import, would have its own memory in it, growing as it is read, and below the default
 * mountpoint itself, without end.
 *
 * Threads     Any. Errors: -errno with the store's path.
 */

#include <stdbool.h>
#include <sys/stat.h>

#include "overlay/store/store.h"

struct hd_store_place {
	dev_t device;
	ino_t inode;
};

/* Where STORE lies. */
int hd_store_place_find(const struct hd_store *store, struct hd_store_place *ret_place);

/* NAME, of STATUS, in the directory open as DIRECTORY_FD, which is the tree's root or is not. */
bool hd_store_place_is(const struct hd_store_place *place, int directory_fd, bool in_root, const char *name,
	const struct stat *status);

#endif
