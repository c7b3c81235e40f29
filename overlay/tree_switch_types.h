/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_OVERLAY_TREE_SWITCH_TYPES_H
#define HEDDLE_OVERLAY_TREE_SWITCH_TYPES_H

/* What tree_switch.c (which directories, and their listings) and tree_switch_apply.c (the edits) share. */

#include "overlay/names/base_listing.h"
#include "overlay/tree_switch.h"

/* A directory of the live tree whose entries are compared with those of the target. */
struct hd_switch_place {
	hd_ino ino;
	struct hd_content content, attributes; /* what it is in the target */
	struct hd_listing listing;
	bool listed;
};

/* An inode whose blocks are another's now. */
struct hd_switch_moved {
	uint32_t from, to;
};

/* A file of which the target has so many names. */
struct hd_switch_linked {
	uint32_t index, links;
};

struct hd_switch {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_state_id target;
	struct hd_base_entry root;      /* what the root is in the target; cleared by hd_base_root_clear */
	struct hd_switch_place *places; /* owned; the root first, a directory before those in it */
	size_t n_places, places_capacity;
	uint32_t *place_of; /* owned: by inode, number of its place plus one */
	size_t n_place_of;
	struct hd_switch_change *changes; /* owned */
	size_t n_changes, changes_capacity;
	struct hd_switch_moved *moved; /* owned */
	size_t n_moved, moved_capacity;
	struct hd_switch_linked *linked; /* owned */
	size_t n_linked, linked_capacity;
	uint32_t *orphans; /* owned: inodes that may be orphans */
	size_t n_orphans, orphans_capacity;
	struct hd_transaction transaction;
	struct timespec now;
	int status; /* the first failure of an allocation or a transaction */
};

/* Room for one more of an array; false without memory. */
bool hd_switch_grow(void **array, size_t count, size_t *capacity, size_t size);

/* The place of a directory, or NULL: then its entries need no comparing. */
const struct hd_switch_place *hd_switch_place_of(const struct hd_switch *run, uint32_t index);

/* Whether a directory has its entries in the arena, all or some. */
bool hd_switch_is_loaded(const struct hd_inode *directory);

/* All edits, and the end of the announcement. The namespace lock is held for writing. */
int hd_switch_apply(struct hd_switch *run);

#endif
