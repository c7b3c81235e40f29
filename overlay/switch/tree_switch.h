/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_SWITCH_TREE_SWITCH_H
#define HEDDLE_SWITCH_TREE_SWITCH_H

/*
 * Tree switch: makes the live tree that of a state, at one instant, under the programs that use it.
 *
 * What both trees have under a name and with a type stays the inode that it is, so that open files, working directories
 * and mappings go on with it and show the new tree; what the new tree does not have becomes an orphan, as if it had been
 * removed. Nothing is read but the directories that differ and that somebody looked into.
 *
 * Calling sequence
 *     hd_overlay_hold_captures → [keep what is not captured] → hd_switch_new → hd_switch_announce → [move the thread in
 *     the index] → hd_switch_run, or hd_switch_cancel → [tell the kernel of hd_switch_changes] → hd_switch_told →
 *     hd_switch_free
 *
 * From before the keeping until after hd_switch_run nobody may change the tree: the caller holds such requests back. Reads
 * go on, and see the old tree or the new one.
 *
 * Ownership   The caller frees the switch; changes are borrowed from it.
 * Threads     One. Blocks on bases and disks.
 * Durability  Announced is durable when hd_switch_announce returns, with the log's last operation. Who opens the overlay
 *             after a death finishes the switch if a later operation gave the thread that tree, and forgets it if not.
 * Errors      Those of bases, the index and the arena. If hd_switch_run fails, after several attempts, the switch stays announced, and
 *             the tree is one part of each: nothing more may be changed, or be made of it, before the overlay is opened anew.
 */

#include "overlay/overlay.h"

struct hd_switch;

enum hd_switch_change_kind {
	HD_SWITCH_ENTRY,      /* parent, name: another inode, or none, or one where there was none */
	HD_SWITCH_FILE,       /* ino: a file's bytes and attributes */
	HD_SWITCH_DIRECTORY,  /* ino: a directory's listing and attributes */
	HD_SWITCH_UNREAD,     /* ino: the same of one that nobody has looked into, and all below it */
	HD_SWITCH_ATTRIBUTES, /* ino */
};

struct hd_switch_change {
	enum hd_switch_change_kind kind;
	bool held;  /* the kernel has the inode */
	hd_ino ino; /* of an ENTRY: the directory */
	char *name; /* owned by the switch; NULL but for an ENTRY */
};

/* Reads what it takes to switch to the tree of the state TARGET. */
int hd_switch_new(
	struct hd_overlay *overlay, const struct hd_state_id *target, struct hd_switch **ret_switch);
void hd_switch_free(struct hd_switch *run);

/* Says in the arena and in the journal what is going to be done, or, if it fails, in neither; takes that back; does it. */
int hd_switch_announce(struct hd_switch *run);
int hd_switch_cancel(struct hd_switch *run);
int hd_switch_run(struct hd_switch *run);

/* What became another, also if hd_switch_run failed: what is held the kernel must hear. */
const struct hd_switch_change *hd_switch_changes(const struct hd_switch *run, size_t *ret_count);

/* Whether what was announced is not done. */
bool hd_switch_is_announced(struct hd_overlay *overlay);

/* The kernel has heard of the changes, or there is none. */
int hd_switch_told(struct hd_overlay *overlay);

/* When the overlay is opened: finishes or forgets what was announced. */
int hd_switch_recover(struct hd_overlay *overlay);
/* Afterwards: whether a process died before the kernel had heard of all changes. */
bool hd_switch_is_untold(struct hd_overlay *overlay);
/* Calls EMIT, with no lock held, for each inode that the kernel has. */
void hd_overlay_each_known(
	struct hd_overlay *overlay, void (*emit)(void *payload, hd_ino ino), void *payload);

/*
 * Takes the head over that the index has for the thread: its last state is another one now, and the tree stays. Nobody
 * captures meanwhile.
 */
int hd_overlay_follow_head(struct hd_overlay *overlay);
/* The same for who knows that head, from memory alone. */
int hd_overlay_take_head(struct hd_overlay *overlay, const struct hd_state_id *head);

/* Stores the bytes of files that are not in the store yet, so that a capture that follows has less to do. */
void hd_overlay_settle(struct hd_overlay *overlay);

/* Calls EMIT, with no lock held, for each name of INO that was looked at, if it is a file. */
int hd_overlay_each_name(struct hd_overlay *overlay, hd_ino ino,
	void (*emit)(void *payload, hd_ino parent, const char *name), void *payload);

/* Where INO is, relative to the root, in fresh memory; -ENOENT for what has no name. */
int hd_overlay_path(struct hd_overlay *overlay, hd_ino ino, char **ret_path);

#endif
