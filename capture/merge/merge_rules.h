/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_CAPTURE_MERGE_MERGE_RULES_H
#define HEDDLE_CAPTURE_MERGE_MERGE_RULES_H

/*
 * Merge rules: what the .gitattributes of trees say of the directory that is merged, in each of them.
 *
 *     hd_merge_rules_enter, for each tree → levels below → hd_merge_rules_leave → hd_merge_rules_clear
 *
 * Ownership   The caller has the levels, which point to those above. Threads: one. Errors: those of smudge_file.h.
 */

#include "capture/smudge/smudge_file.h"
#include "overlay/snapshot.h"

enum hd_merge_tree { HD_MERGE_OURS, HD_MERGE_BASE, HD_MERGE_THEIRS, HD_MERGE_RESULT, HD_MERGE_TREES };

struct hd_merge_rules {
	struct hd_attribute_names names; /* owned */
	const struct hd_attribute_level *tops[HD_MERGE_TREES];
};

struct hd_merge_level {
	struct hd_smudge_level levels[HD_MERGE_TREES];
};

/* The node with a directory's rules; NULL: it has none. */
const struct hd_snapshot_node *hd_merge_rules_find(const struct hd_snapshot_node *directory);
/* Whether the node is that. */
bool hd_merge_rules_is_one(const struct hd_snapshot_node *node);

/* RULES_NODE has the rules of TREE for a directory whose path has BASE bytes; VIEW reads it. */
int hd_merge_rules_enter(struct hd_merge_rules *rules, enum hd_merge_tree tree, struct hd_tree_view *view,
	const struct hd_snapshot_node *rules_node, size_t base, struct hd_merge_level *level);
/* Also of a level that is all zeros. */
void hd_merge_rules_leave(struct hd_merge_rules *rules, struct hd_merge_level *level);

/* Frees the names; all levels were left. */
void hd_merge_rules_clear(struct hd_merge_rules *rules);

#endif
