/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_PATHS_H
#define HEDDLE_BASES_DIRECTORY_BASE_DIRECTORY_PATHS_H

/*
 * The paths of a base for ids that the index does not know. A store that cannot be written (a full or read-only disk) keeps
 * nobody from listing a base, and what the ids of such a listing stand for is then known to the process alone that gave them
 * out. Whoever has its memory after its death finds out by looking at the base: an id is the hash of a path.
 *
 * Threads     Any. Ownership: everything is borrowed.
 */

#include <stdint.h>

#include "overlay/bases/directory/base_directory_store.h"
#include "overlay/store/store.h"

/*
 * Gives every path below ROOT_FD, the root of the base NUMBER, its id once more, but for what is in STORE (io). It takes as long
 * as listing all of the base. What cannot be listed is passed over. -errno of the index, -ENOMEM.
 */
int hd_base_paths_name_all(
	struct hd_index *index, uint16_t number, int root_fd, const struct hd_store_place *store);

#endif
