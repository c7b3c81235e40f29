/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/merge/merge_rules.h"

#include <string.h>

#include "capture/smudge/smudge_blob.h"
#include "overlay/store/tree_codec.h"

HD_TREE_ASSERT_NAMED(struct hd_snapshot_node);

const struct hd_snapshot_node *hd_merge_rules_find(const struct hd_snapshot_node *directory)
{
	size_t at = hd_tree_find_name(directory->children, directory->n_children,
		sizeof(*directory->children), HD_SMUDGE_RULES, strlen(HD_SMUDGE_RULES));

	return at < directory->n_children ? &directory->children[at] : NULL;
}

bool hd_merge_rules_is_one(const struct hd_snapshot_node *node)
{
	return strcmp(node->name, HD_SMUDGE_RULES) == 0;
}

int hd_merge_rules_enter(struct hd_merge_rules *rules, enum hd_merge_tree tree, struct hd_tree_view *view,
	const struct hd_snapshot_node *rules_node, size_t base, struct hd_merge_level *level)
{
	struct hd_tree_view_entry entry;

	hd_tree_view_entry_of_node((struct hd_snapshot_node *)rules_node, &entry);
	entry.node = NULL;
	return hd_smudge_level_enter(
		&rules->names, view, &entry, base, &rules->tops[tree], &level->levels[tree]);
}

void hd_merge_rules_leave(struct hd_merge_rules *rules, struct hd_merge_level *level)
{
	for (unsigned tree = 0; tree < HD_MERGE_TREES; tree++)
		hd_smudge_level_leave(&rules->tops[tree], &level->levels[tree]);
}

void hd_merge_rules_clear(struct hd_merge_rules *rules)
{
	hd_attribute_names_clear(&rules->names);
}
