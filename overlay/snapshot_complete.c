/* SPDX-License-Identifier: Apache-2.0 */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/array.h"
#include "overlay/platform/error.h"
#include "overlay/snapshot_types.h"
#include "overlay/store/tree_codec.h"

/*
 * The children that a partial directory was copied without. They did not change, so that they are what the stored tree says: a
 * merge of that with those that changed, each of which is in it.
 */

struct completing {
	struct hd_snapshot *snapshot;
	const struct hd_snapshot_node *node;
	struct hd_snapshot_node *children; /* owned */
	size_t count, capacity;
	size_t next; /* of the node's children, the first that was not met */
};

struct hd_snapshot_node hd_snapshot_node_of_entry(const struct hd_base_entry *entry)
{
	return (struct hd_snapshot_node){
		.name_length = (uint16_t)strlen(entry->name),
		.attributes = {.mode = entry->mode,
			.nlink = entry->links,
			.uid = entry->uid,
			.gid = entry->gid,
			.device = entry->device,
			.size = entry->size,
			.access_time = entry->access_time,
			.modify_time = entry->modify_time,
			.change_time = entry->change_time,
			.birth_time = entry->birth_time},
		.content = entry->content,
		.attribute_content = entry->attributes,
		.link_group = S_ISDIR(entry->mode) ? 0 : entry->link_group,
	};
}

static int fill(struct completing *completing, const struct hd_base_entry *entry, size_t length,
	struct hd_snapshot_node *child)
{
	*child = hd_snapshot_node_of_entry(entry);
	child->name = hd_snapshot_keep_name(completing->snapshot, entry->name, length);
	if (!child->name)
		return -ENOMEM;
	if (entry->xattrs_size > 0) {
		child->xattrs = malloc(entry->xattrs_size);
		if (hd_snapshot_own(completing->snapshot, child->xattrs) < 0)
			return -ENOMEM;
		memcpy(child->xattrs, entry->xattrs, entry->xattrs_size);
		child->xattrs_size = entry->xattrs_size;
	}
	return 0;
}

static int add(const struct hd_base_entry *entry, void *payload)
{
	struct completing *completing = payload;
	const struct hd_snapshot_node *node = completing->node;
	size_t length = strlen(entry->name);
	struct hd_snapshot_node *child;

	if (HD_ARRAY_RESERVE(completing->children, completing->count, completing->capacity) < 0)
		return -ENOMEM;
	child = &completing->children[completing->count++];
	if (completing->next < node->n_children) {
		const struct hd_snapshot_node *changed = &node->children[completing->next];

		if (hd_tree_compare_names(entry->name, length, changed->name, changed->name_length) == 0) {
			*child = *changed;
			completing->next++;
			return 0;
		}
	}
	return fill(completing, entry, length, child);
}

/* The children's new places; the old ones stay, for who knows them, until the snapshot goes. */
static void move_children(
	struct hd_snapshot *snapshot, struct hd_snapshot_node *node, const struct completing *completing)
{
	node->children = completing->children;
	node->n_children = completing->count;
	node->partial = false;
	for (size_t i = 0; i < node->n_children; i++)
		if (node->children[i].queued)
			snapshot->queue[node->children[i].queued - 1].node = &node->children[i];
}

int hd_snapshot_complete(struct hd_snapshot *snapshot, struct hd_snapshot_node *node)
{
	struct hd_overlay *overlay = snapshot->overlay;
	struct completing completing = {.snapshot = snapshot, .node = node};
	struct hd_base_directory directory = overlay->fallback;
	int r;

	if (!node->partial)
		return 0;
	directory.content = node->origin;
	directory.attributes = node->origin_attributes;
	r = hd_base_set_list(overlay->bases, &directory, add, &completing);
	if (r >= 0 && completing.next < node->n_children)
		r = hd_fail(HD_E_TREE_CORRUPT, "no entry '%s' where it was",
			node->children[completing.next].name);
	/* Also what is empty is an array. */
	if (r >= 0 && HD_ARRAY_RESERVE(completing.children, completing.count, completing.capacity) < 0)
		r = -ENOMEM;
	if (r < 0) {
		free(completing.children);
		return r;
	}
	r = hd_snapshot_own(snapshot, completing.children);
	if (r >= 0)
		move_children(snapshot, node, &completing);
	return r;
}
