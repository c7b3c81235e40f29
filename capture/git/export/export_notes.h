/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_NOTES_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_NOTES_H

/*
 * Export notes: what states say of themselves, in full, as git's notes of the commits that they became: `git log
 * --notes=heddle`. States without facts have none. All that one export adds is one commit of refs/notes/heddle.
 *
 * A commit that has a note is left alone, whoever wrote it. Histories that have been noted are remembered, by their heads, so
 * that they are not walked again, and a note that somebody removed stays away. Where the reference was deleted or put back, all come again.
 *
 * Calling sequence
 *     hd_export_notes_begin → hd_export_notes_add, for each head → hd_export_notes_write, before hd_export_objects_finish →
 *     hd_export_notes_move, behind it → hd_export_notes_clear
 *
 * Ownership   Borrows the history. Threads: one.
 * Durability  The reference is moved by compare-and-set, to what is on the disk; notes of others that come meanwhile stay.
 * Errors      -HD_E_REFERENCE_MOVED, -HD_E_REFERENCE_ELSEWHERE, -HD_E_REPOSITORY, those of note_text.h and note_tree.h.
 */

#include "capture/git/export/export_history.h"

#define HD_EXPORT_NOTES_REFERENCE "refs/notes/heddle"

struct hd_export_notes {
	struct hd_export_history *history; /* borrowed */
	bool is_forgotten;                 /* export_options.h */
	char *place;                       /* owned: what the export map calls the notes of the repository */
	bool has_any;                      /* some of the histories have notes */
	bool has_tip;
	git_oid tip;               /* where the reference was when it was looked at last */
	struct hd_export_map seen; /* owned: states that were looked at */
	struct hd_buffer heads;    /* owned: ids of states, asked for */
	struct hd_buffer notes;    /* owned: struct hd_note, to be added */
	struct hd_state newest;    /* owned: of those that are; it says who and when */
	git_oid commit;            /* what was written, if there are notes */
};

/* Reads where the reference is. */
int hd_export_notes_begin(
	struct hd_export_notes *notes, struct hd_export_history *history, bool is_forgotten);
void hd_export_notes_clear(struct hd_export_notes *notes);

/* Adds the notes of HEAD's history, which is written. With LEAVE_OUT they are not added, now or later. */
int hd_export_notes_add(struct hd_export_notes *notes, const struct hd_state_id *head, bool leave_out);

/* How many are to be added. */
size_t hd_export_notes_count(const struct hd_export_notes *notes);

/* Puts tree and commit, if there is anything to be added. */
int hd_export_notes_write(struct hd_export_notes *notes);

/* Moves the reference to what was written, and remembers what it has. */
int hd_export_notes_move(struct hd_export_notes *notes);

#endif
