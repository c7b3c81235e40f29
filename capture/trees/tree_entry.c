/* SPDX-License-Identifier: Apache-2.0 */
#include <sys/stat.h>

#include "capture/trees/tree_view.h"

/*
 * A changed directory that was never loaded, a chmod of it for example, has no children here: it still is what its
 * reference says. One that was loaded gets its reference from a capture, in the end.
 */
static bool is_unstored_directory(const struct hd_snapshot_node *node)
{
	return S_ISDIR(node->attributes.mode) && node->children && hd_content_is_none(&node->content);
}

void hd_tree_view_entry_of_node(struct hd_snapshot_node *node, struct hd_tree_view_entry *ret_entry)
{
	*ret_entry = (struct hd_tree_view_entry){
		.name = node->name,
		.name_length = node->name_length,
		.mode = node->attributes.mode,
		.device = node->attributes.device,
		.size = node->attributes.size,
		.content = node->content,
		.attributes = node->attribute_content,
		.unreferenced = node->unsettled || is_unstored_directory(node),
		.node = node,
	};
}
