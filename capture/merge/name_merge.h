/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_NAME_MERGE_H
#define HEDDLE_CAPTURE_MERGE_NAME_MERGE_H

/*
 * Name merge: what becomes of one name in three trees, but of directories (tree_merge.c), and what is said of both.
 *
 * Ownership   Nodes are borrowed from the listings. Threads: one. Errors: those of the views and of file_merge.h.
 */

#include "capture/merge/merge_rules.h"
#include "capture/merge/tree_merge.h"
#include "capture/trees/canonical_content.h"
#include "overlay/platform/buffer.h"

enum hd_merge_side { OURS = HD_MERGE_OURS, BASE = HD_MERGE_BASE, THEIRS = HD_MERGE_THEIRS, SIDES };

/* One name in the three trees; NULL where it is not there. */
struct hd_merge_trio {
	const struct hd_snapshot_node *nodes[SIDES];
};

struct hd_merging {
	const struct hd_tree_merge *merge;
	struct hd_base_directory fallbacks[SIDES];
	struct hd_tree_view *views[SIDES]; /* owned */
	struct hd_canonical *canonical;    /* owned */
	struct hd_conflicts *conflicts;
	struct hd_merge_rules rules; /* where files are converted */
	struct hd_buffer path;       /* of what is looked at, NUL-terminated unless empty */
	unsigned depth;
};

/* What became of a name. */
struct hd_merged {
	struct hd_snapshot_node node; /* a copy that owns nothing */
	bool exists;
	bool changed; /* it is not what OURS has */
};

/* NULL is none. */
bool hd_merge_is_directory(const struct hd_snapshot_node *node);
/* Also of links, whose permissions say nothing. */
bool hd_merge_same_permissions(const struct hd_snapshot_node *a, const struct hd_snapshot_node *b);
/* Whether two sides have the same there, but for permissions. Directories are compared by their references. */
int hd_merge_same_thing(struct hd_merging *merging, const struct hd_merge_trio *trio, enum hd_merge_side left,
	enum hd_merge_side right, bool *ret_same);

/* Notes one at the path that is looked at. */
int hd_merge_conflict(struct hd_merging *merging, enum hd_conflict_kind kind);

void hd_merge_keep_ours(const struct hd_merge_trio *trio, struct hd_merged *merged);
/* Of a file, link or device, or of a directory as a whole. */
void hd_merge_take_theirs(
	const struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_merged *merged);
/* Permissions of a name that OURS has: those of THEIRS only if these changed them. */
void hd_merge_permissions(const struct hd_merge_trio *trio, struct hd_merged *merged);
/* What git brings in is new now, and its owner is who has the file already. */
void hd_merge_stamp(
	const struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_snapshot_node *node);

/* THEIRS is another than BASE, and not all three are directories. */
int hd_merge_others(struct hd_merging *merging, const struct hd_merge_trio *trio, struct hd_merged *merged);

#endif
