/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_SWITCH_TREE_SWITCH_TYPES_H
#define HEDDLE_SWITCH_TREE_SWITCH_TYPES_H

/*
 * The switch inside: tree_switch.c (which directories, and their listings), tree_switch_announce.c (what a death leaves),
 * tree_switch_apply.c (the edits, directory by directory), tree_switch_inode.c (those of one inode), tree_switch_links.c (those of
 * hard links) and tree_switch_run.c (what all of them note).
 *
 * Threads     Edits are made with the namespace lock held for writing.
 * Errors      Edits latch the first failure in the run's status and in its transaction's.
 */

#include "overlay/listings/base_listing.h"
#include "overlay/switch/tree_switch.h"

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
	uint32_t *unlinked; /* owned: inodes of a link group, once for each name that was taken away */
	size_t n_unlinked, unlinked_capacity;
	size_t n_unlinked_kept; /* of these, those whose name is gone for good: the transaction was committed */
	uint32_t *orphans;      /* owned: inodes that may be orphans */
	size_t n_orphans, orphans_capacity;
	struct hd_transaction transaction;
	struct timespec now;
	int status; /* the first failure of an allocation or a transaction */
};

/* All edits, and the end of the announcement. The namespace lock is held for writing. */
int hd_switch_apply(struct hd_switch *run);

/* ---- tree_switch_run.c ---- */

/* The place of a directory, or NULL: then its entries need no comparing. */
const struct hd_switch_place *hd_switch_place_of(const struct hd_switch *run, uint32_t index);

/* Whether a directory has its entries in the arena, all or some. */
bool hd_switch_is_loaded(const struct hd_inode *directory);

/* Whether the file or symbolic link has the bytes of ENTRY, as far as contents tell. */
bool hd_switch_has_bytes_of(const struct hd_inode *inode, const struct hd_base_entry *entry);

/* Latches R, a negative code. */
void hd_switch_fail(struct hd_switch *run, int r);
/* Commits what was edited so far, or, after a failure, takes it back. */
void hd_switch_next_transaction(struct hd_switch *run);
/* Begins a transaction unless this one has room for one more step that stores CELL_BYTES. */
void hd_switch_make_room(struct hd_switch *run, size_t cell_bytes);

/* Notes what became of INDEX for hd_switch_changes; NAME is of an entry in it, or NULL. */
void hd_switch_note_change(
	struct hd_switch *run, enum hd_switch_change_kind kind, uint32_t index, const char *name);
void hd_switch_note_orphan(struct hd_switch *run, uint32_t index);

/* ---- tree_switch_inode.c ---- */

/* The entry with all that is below it, from the bottom up. */
void hd_switch_remove_tree(struct hd_switch *run, uint32_t entry);

/* What ITEM says of owner, mode, times and extended attributes. CHANGED: something else of the inode has become another
 * already. */
void hd_switch_set_attributes(
	struct hd_switch *run, uint32_t index, const struct hd_listed *item, bool changed);

/* Makes the file the content of ITEM, with nothing written over it. */
void hd_switch_set_bytes(struct hd_switch *run, uint32_t index, const struct hd_listed *item);

/* ---- tree_switch_links.c ---- */

/* Whether INODE has the bytes of ITEM, or is the same file of a base. */
bool hd_switch_is_same_linked(const struct hd_inode *inode, const struct hd_listed *item);
/* INDEX does not stand for the file of its group any more: not for names that are found later either. */
void hd_switch_dethrone(struct hd_switch *run, uint32_t index);
/* That for each file that was changed and of which no name is loaded. */
void hd_switch_dethrone_changed(struct hd_switch *run);
/* Whether a file that has several names, here or in the target, stays what it is under this one. */
bool hd_switch_stays_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item);
/* ITEM's count of names is INDEX's when all edits are done. */
void hd_switch_note_linked(struct hd_switch *run, uint32_t index, const struct hd_listed *item);
/* That INDEX, which may be of a link group, has lost a name. */
void hd_switch_note_unlinked(struct hd_switch *run, uint32_t index);
/* After all edits: how many names each file has that was noted. */
void hd_switch_count_linked(struct hd_switch *run);

#endif
