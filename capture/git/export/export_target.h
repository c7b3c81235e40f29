/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_TARGET_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_TARGET_H

/*
 * Export target: a repository that one export writes to, of one thread or of all there is.
 *
 * Calling sequence
 *     hd_export_target_open → hd_export_target_write, for each item → hd_export_target_finish → hd_export_target_move, for each
 *     → hd_export_target_note → hd_export_target_close
 *
 * Ownership   Borrows store, bases and options; the caller closes it and clears the items. Threads: one.
 * Durability  After hd_export_target_finish all is on the disk, in as few packs as there can be; before there is nothing.
 * Errors      Those of export_git.h. The target can be gone on with after one of an item.
 */

#include "capture/git/export/export_history.h"
#include "capture/git/export/export_notes.h"
#include "capture/git/export/export_options.h"
#include "capture/git/export/export_tree.h"

struct hd_export_target {
	const struct hd_export_git_options
		*options; /* repository, without_notes, with_ignored, keep_empty, is_forgotten count */
	struct hd_store *store;
	struct hd_base_set *bases;
	git_repository *repository; /* owned; NULL: not open */
	char *location;             /* owned: its common git directory */
	char *made;                 /* owned: the repository's place, if it was made; NULL: it was there */
	bool made_in;               /* its directory was there, empty */
	bool is_finished;           /* what was put in is to stay */
	struct hd_export_objects objects;
	struct hd_export_tree tree;
	struct hd_export_history history;
	struct hd_export_notes notes;
};

/* What becomes one reference. */
struct hd_export_target_item {
	char *thread;    /* owned: whose worktree may have the branch checked out */
	char *reference; /* owned */
	struct hd_state_id head;
	git_oid id;       /* what the reference is to point to: the head's commit, or a tag of it */
	uint64_t commits; /* that were written for it */
};

/* Chooses the reference and finds the head of what OPTIONS name. */
int hd_export_target_item_begin(struct hd_store *store, const struct hd_export_git_options *options,
	struct hd_export_target_item *ret_item);
void hd_export_target_item_clear(struct hd_export_target_item *item);

/*
 * Opens the repository of OPTIONS, or of the base of ITEM's history; where nothing is, one is made that has ITEM's branch
 * checked out, and that goes again unless hd_export_target_finish is reached.
 */
int hd_export_target_open(struct hd_export_target *target, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_export_target_item *item);
void hd_export_target_close(struct hd_export_target *target);

/* Puts the history of ITEM in. TAG: the name of the tag that it is exported as, or NULL. */
int hd_export_target_write(
	struct hd_export_target *target, struct hd_export_target_item *item, const char *tag);

/* Brings what was put in to the disk, and remembers it. After that nothing is stopped any more. */
int hd_export_target_finish(struct hd_export_target *target);

/* Moves the item's reference; FORCE: from wherever it is. */
int hd_export_target_move(struct hd_export_target *target, const struct hd_export_target_item *item,
	bool force, bool *ret_unchanged);

/* Moves the reference of notes to those of all items. */
int hd_export_target_note(struct hd_export_target *target);

#endif
