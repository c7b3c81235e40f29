/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_BLAME_BLAME_H
#define HEDDLE_CAPTURE_BLAME_BLAME_H

/*
 * Blame: which state brought each line of a file.
 *
 * A line belongs to the last state of which no parent has it. Files are followed through moved directories, which
 * states know, and through renames (blame_origin.h). A file without lines (a NUL among its first bytes, or more than
 * HD_DIFF_TEXT_LIMIT) belongs as a whole to the last state that changed it.
 *
 * Cost        States at which the file's reference is the parent's cost the comparison of references; only the others
 *             read it.
 *
 * Ownership   The caller clears the result. Threads: any; nothing is locked.
 * Errors      Those of hd_blame_file_find, of the index, of bases; -EINVAL for lines that the file does not have.
 */

#include "overlay/overlay.h"

/* The lines that are asked for; the first is 1. LAST 0 is the file's last. */
struct hd_blame_range {
	size_t first, last;
};

/* A state that brought lines, and what the file was called there. */
struct hd_blame_source {
	struct hd_state state; /* owned; empty if not captured */
	bool captured;         /* false: the overlay as it was looked at has these lines, and no state */
	char *path;            /* owned */
};

struct hd_blame_line {
	const char *text; /* borrowed from the result's data; without its newline */
	size_t length;
	size_t source;      /* of the result's */
	size_t source_line; /* its number there, from 1 */
};

struct hd_blame {
	char *path;                  /* owned: what was asked for, without empty parts and "." */
	bool binary;                 /* there are no lines, and one source */
	uint64_t size;               /* of the file */
	char *data;                  /* owned */
	size_t first;                /* the number of the first line */
	struct hd_blame_line *lines; /* owned array */
	size_t n_lines;
	struct hd_blame_source *sources; /* owned array */
	size_t n_sources;
};

/* PATH, relative to the root, as the state ID has it. */
int hd_blame_state(struct hd_store *store, struct hd_base_set *bases, const struct hd_state_id *id,
	const char *path, const struct hd_blame_range *range, struct hd_blame *ret_blame);

/* PATH as it is in the overlay now. */
int hd_blame_overlay(struct hd_overlay *overlay, const char *path, const struct hd_blame_range *range,
	struct hd_blame *ret_blame);

/* Frees what it owns; of none, does nothing. */
void hd_blame_clear(struct hd_blame *blame);

#endif
