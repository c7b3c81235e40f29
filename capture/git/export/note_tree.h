/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_NOTE_TREE_H
#define HEDDLE_CAPTURE_GIT_EXPORT_NOTE_TREE_H

/*
 * Note tree: the tree of a notes reference: blobs named by the 40 digits of what they are notes of, the first digits of which
 * are directories of two where there are many ("fanout"). Whatever else somebody put into it stays.
 *
 * git's rule for the directories is kept, so that `git notes` makes the same tree (notes.c, determine_fanout): in each
 * directory that has at least two notes, or a directory, for each of the 16 first digits, all notes are one directory deeper.
 * libgit2's git_note_create makes no directories, and a commit for each note.
 *
 * Ownership   Borrows everything. Threads: one.
 * Errors      -HD_E_REPOSITORY with libgit2's words, -ENOMEM; those of export_objects.h.
 */

#include <stdbool.h>

#include "capture/git/export/export_objects.h"

struct hd_note {
	git_oid commit; /* what it is a note of */
	git_oid blob;   /* what it says */
};

/* Whether the tree ROOT has a note of COMMIT. */
int hd_note_tree_has(git_repository *repository, const git_oid *root, const git_oid *commit, bool *ret_has);

/*
 * Puts a tree that has the notes of ROOT (NULL: none) and of NOTES, of which COUNT is above 0; of what has one in ROOT that
 * one stays.
 */
int hd_note_tree_add(struct hd_export_objects *objects, const git_oid *root, const struct hd_note *notes,
	size_t count, git_oid *ret_root);

#endif
