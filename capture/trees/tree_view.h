/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_TREES_TREE_VIEW_H
#define HEDDLE_CAPTURE_TREES_TREE_VIEW_H

/*
 * Tree view: one way to list directories and read files, whether they come from a state (and through it from
 * a base) or from a snapshot of a live overlay. Status, diff, capture and export compare and copy through it.
 *
 * Calling sequence
 *     hd_tree_view_of_state or _of_snapshot → hd_tree_view_root → _list / _read ... → hd_tree_view_free
 *
 * Ownership   The caller owns the view and each listing, and clears listings before the view. The bases, and the
 *             snapshot, are borrowed and must outlive the view; names of a listing live as long as the listing.
 * Threads     One at a time per view; views share nothing but the bases.
 * Errors      Those of bases, snapshots and the store. -HD_E_TREE_CORRUPT when a directory names something
 *             twice.
 */

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "overlay/bases/base.h"
#include "overlay/snapshot.h"

/* One name of a directory. */
struct hd_tree_view_entry {
	const char *name; /* borrowed from the listing, NUL-terminated; "" for a root */
	uint16_t name_length;
	uint32_t mode;             /* type and permission bits */
	uint32_t device;           /* st_rdev of device nodes */
	uint64_t size;             /* bytes of a file or of a link's target; of others meaningless */
	struct hd_content content; /* meaningless while `unreferenced` */
	struct hd_content attributes;
	bool size_unknown; /* of a listing of references: see hd_tree_view_size */
	bool unreferenced; /* a changed file or directory of a snapshot that has no content reference yet */
	struct hd_snapshot_node *node; /* borrowed; NULL outside the changed part of a snapshot */
};

struct hd_tree_view_listing {
	struct hd_tree_view_entry
		*entries; /* owned array, strictly sorted by hd_tree_compare_names; not to be changed */
	size_t count;
	char *names; /* owned: what the entries' names point into; NULL where those are a snapshot's */
	bool kept;   /* the view owns them, for whoever lists the same directory again */
};

struct hd_tree_view;

/* STATE NULL is the empty tree. */
int hd_tree_view_of_state(
	struct hd_base_set *bases, const struct hd_state *state, struct hd_tree_view **ret_view);
int hd_tree_view_of_snapshot(
	struct hd_base_set *bases, struct hd_snapshot *snapshot, struct hd_tree_view **ret_view);
void hd_tree_view_free(struct hd_tree_view *view);

/* From now on attribute objects are not read, which are more than half of a listing's work: for who compares and takes
 * over, and asks no entry for its attributes. OBJECTS, borrowed, has the view's captured trees. */
void hd_tree_view_leave_out_attributes(struct hd_tree_view *view, struct hd_object_store *objects);

/* NODE, of a snapshot, as the entry of a view of that snapshot; as the node is now. */
void hd_tree_view_entry_of_node(struct hd_snapshot_node *node, struct hd_tree_view_entry *ret_entry);

/* The root directory, from which every other entry is reached by hd_tree_view_list. */
void hd_tree_view_root(struct hd_tree_view *view, struct hd_tree_view_entry *ret_root);

/* The children of DIRECTORY, an entry of this view; -ENOTDIR for anything else. */
int hd_tree_view_list(struct hd_tree_view *view, const struct hd_tree_view_entry *directory,
	struct hd_tree_view_listing *ret_listing);
/* The same for who will not ask again, and for the size of few of the entries: git has to look for each. */
int hd_tree_view_list_references(struct hd_tree_view *view, const struct hd_tree_view_entry *directory,
	struct hd_tree_view_listing *ret_listing);
/* The size of a file or of a link's target, looked for if ENTRY does not know it. */
int hd_tree_view_size(struct hd_tree_view *view, const struct hd_tree_view_entry *entry, uint64_t *ret_size);
void hd_tree_view_listing_clear(struct hd_tree_view_listing *listing);

/*
 * A directory of each of two views, for who wants to know what differs: entries that are the same in both may be missing, on
 * both sides. That spares the second and third comparison of a capture all that did not change.
 */
int hd_tree_view_list_pair(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_directory,
	struct hd_tree_view *new_view, const struct hd_tree_view_entry *new_directory,
	struct hd_tree_view_listing *ret_old, struct hd_tree_view_listing *ret_new);
/*
 * NODE, a directory of the snapshot that NEW_VIEW shows, whose children have their contents and keep them, was compared with
 * OLD_DIRECTORY, whose listing is OLD_LISTING: hd_tree_view_list_pair knows from now on what differs. OLD_VIEW must outlive
 * NEW_VIEW's use.
 */
int hd_tree_view_note_pair(struct hd_tree_view *old_view, const struct hd_tree_view_entry *old_directory,
	const struct hd_tree_view_listing *old_listing, struct hd_tree_view *new_view,
	struct hd_snapshot_node *node);
/* The entry of this name, or NULL. */
const struct hd_tree_view_entry *hd_tree_view_listing_find(
	const struct hd_tree_view_listing *listing, const char *name, size_t name_length);

/* Up to SIZE bytes at OFFSET of a file's data or a link's target; *RET_SIZE is short only at its end. */
int hd_tree_view_read(struct hd_tree_view *view, const struct hd_tree_view_entry *file, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size);

/* All bytes of a file or link in fresh memory with a NUL behind them; -EFBIG beyond LIMIT. */
int hd_tree_view_read_whole(struct hd_tree_view *view, const struct hd_tree_view_entry *file, size_t limit,
	char **ret_data, size_t *ret_size);

#endif
