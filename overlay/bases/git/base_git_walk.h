/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_BASES_GIT_BASE_GIT_WALK_H
#define HEDDLE_BASES_GIT_BASE_GIT_WALK_H

/*
 * Walks all trees below one git tree, each distinct one once, and collects the ids of what is in them.
 *
 * Ownership   The object database is borrowed; the caller clears the ids. Threads: any.
 * Errors      -HD_E_BASE_OBJECT when the root cannot be read, -ENOMEM. A tree below the root that cannot
 *             be read is left out and counted instead.
 */

#include <stdbool.h>
#include <stdint.h>

#include "overlay/bases/git/base_git_identity.h"
#include "overlay/platform/buffer.h"

struct git_odb;

/* An id and its enum hd_git_kind. */
#define HD_GIT_RECORD_SIZE (HD_GIT_ID_SIZE + 1)

struct hd_git_ids {
	/*
	 * Records, strictly sorted by memcmp: every blob that is named, there or not, and every tree that is nothing
	 * but what it shows. Not among them are trees with a submodule, an empty subtree, a mode that git no longer
	 * writes or a name that is left out: their id does not follow from their entries.
	 */
	struct hd_buffer records;
	uint64_t unusual_trees; /* the trees that are not among the records for that reason */
	struct hd_buffer sizes; /* of the blobs, 8 bytes each, little-endian, strictly sorted */
	bool sizes_unknown;     /* some blob's size cannot be read; `sizes` is empty then */
	uint64_t unread_trees;  /* as in a partial clone; what is below them is not known */
};

/* TREE: the root. */
int hd_git_walk(struct git_odb *odb, const uint8_t tree[HD_GIT_ID_SIZE], struct hd_git_ids *ret_ids);
void hd_git_ids_clear(struct hd_git_ids *ids);

#endif
