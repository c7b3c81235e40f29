/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_OPTIONS_H
#define HEDDLE_CAPTURE_GIT_EXPORT_EXPORT_OPTIONS_H

/* Export options: what is to be exported to git, and how. All is borrowed. */

#include <stdbool.h>

#include "overlay/store/index/index.h"

/* What keeps a directory that is empty otherwise, by a habit of people: git itself knows no such name. */
#define HD_EXPORT_KEEP_FILE ".gitkeep"

struct hd_export_git_options {
	const char *thread;             /* whose head; with `head` what is exported is called in messages */
	const struct hd_state_id *head; /* NULL: the thread's */
	/* NULL: the repository of the thread's base. Made, bare, if nothing is there. */
	const char *repository;
	const char *branch; /* short name; NULL: "heddle/<thread>" */
	const char *tag;   /* to the tag of this name instead, as the annotated tag that it was imported as */
	bool is_forgotten; /* later exports are not told that this one was: the repository is going to move */
	bool without_notes; /* none of what states say of themselves (export_notes.h) */
	bool with_ignored;  /* also files that git would not add; see ignore_rules.h */
	bool keep_empty; /* an empty directory gets an empty file HD_EXPORT_KEEP_FILE, else it is left out */
	bool force;      /* move the branch or tag from wherever it is */
};

#endif
