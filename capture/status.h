/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_STATUS_H
#define HEDDLE_CAPTURE_STATUS_H

/*
 * Status: the paths of an overlay that differ from its thread's head, as of one instant. Changes nothing and
 * stores nothing. What counts as a difference: tree_comparison.h.
 *
 * Ownership   The caller clears the result. Threads: any. Errors: those of snapshot, bases and store.
 */

#include "capture/compare/tree_comparison.h"

/* Of all listed paths together, in bytes: those of a deep tree are as long as the square of its depth. */
#define HD_STATUS_PATHS_LIMIT (16u << 20)

struct hd_status_entry {
	enum hd_change_kind kind;
	char *path; /* owned: relative, raw bytes, NUL-terminated; "." for the root itself */
	size_t path_length;
	uint32_t mode;  /* of the new entry; of the old one if DELETED */
	char *old_path; /* owned: of what was MOVED, else NULL */
	bool ignored;   /* by the rules of the tree as it is; false unless that is asked for */
};

struct hd_status {
	struct hd_state_id head;         /* what was compared with */
	struct hd_status_entry *entries; /* owned array, in the order of paths; at most the limit */
	size_t n_entries;
	struct hd_change_counts counts; /* of all differences, listed or not */
	bool truncated;                 /* there are more than `entries` */
};

/* What becomes of changes that ignore_rules.h says are of ignored files. */
enum hd_status_ignored {
	HD_STATUS_IGNORED_AS_ALL,   /* nobody asks */
	HD_STATUS_IGNORED_TOLD,     /* they are marked */
	HD_STATUS_IGNORED_LEFT_OUT, /* they are neither listed nor counted */
};

/* As hd_status_read, which nobody asks; else IGNORED says it. */
int hd_status_read_with(struct hd_overlay *overlay, size_t limit, enum hd_status_ignored ignored,
	struct hd_status *ret_status);

/* LIMIT bounds the list, not the counts, as does HD_STATUS_PATHS_LIMIT; 0 lists nothing. */
int hd_status_read(struct hd_overlay *overlay, size_t limit, struct hd_status *ret_status);
void hd_status_clear(struct hd_status *status);

#endif
