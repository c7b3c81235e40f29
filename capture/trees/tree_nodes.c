/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_nodes.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/base_root.h"
#include "overlay/platform/buffer.h"
#include "overlay/store/tree_codec.h"

void hd_tree_node_clear(struct hd_snapshot_node *node)
{
	free(node->name);
	free(node->xattrs);
	*node = (struct hd_snapshot_node){0};
}

void hd_tree_node_clear_children(struct hd_snapshot_node *node)
{
	for (size_t i = 0; i < node->n_children; i++)
		hd_tree_node_clear(&node->children[i]);
	free(node->children);
	node->children = NULL;
	node->n_children = 0;
}

int hd_tree_node_of_entry(const struct hd_base_entry *entry, struct hd_snapshot_node *ret_node)
{
	struct hd_snapshot_node node = hd_snapshot_node_of_entry(entry);

	node.name = strdup(entry->name);
	node.xattrs_size = entry->xattrs_size;
	if (entry->xattrs_size > 0) {
		node.xattrs = malloc(entry->xattrs_size);
		if (node.xattrs)
			memcpy(node.xattrs, entry->xattrs, entry->xattrs_size);
	}
	if (!node.name || (entry->xattrs_size > 0 && !node.xattrs)) {
		hd_tree_node_clear(&node);
		return -ENOMEM;
	}
	*ret_node = node;
	return 0;
}

int hd_tree_node_copy(const struct hd_snapshot_node *from, struct hd_snapshot_node *ret_node)
{
	const struct hd_attributes *attributes = &from->attributes;
	const struct hd_base_entry entry = {.name = from->name,
		.mode = attributes->mode,
		.uid = attributes->uid,
		.gid = attributes->gid,
		.device = attributes->device,
		.size = attributes->size,
		.access_time = attributes->access_time,
		.modify_time = attributes->modify_time,
		.change_time = attributes->change_time,
		.birth_time = attributes->birth_time,
		.link_group = from->link_group,
		.links = attributes->nlink,
		.xattrs = from->xattrs,
		.xattrs_size = from->xattrs_size,
		.content = from->content,
		.attributes = from->attribute_content};

	return hd_tree_node_of_entry(&entry, ret_node);
}

static int keep_entry(const struct hd_base_entry *entry, void *payload)
{
	struct hd_buffer *nodes = payload;
	struct hd_snapshot_node node;
	int r = hd_tree_node_of_entry(entry, &node);

	if (r < 0)
		return r;
	hd_buffer_put(nodes, &node, sizeof(node));
	r = hd_buffer_status(nodes);
	if (r < 0)
		hd_tree_node_clear(&node);
	return r;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct hd_snapshot_node *left = a, *right = b;

	return hd_tree_compare_names(left->name, left->name_length, right->name, right->name_length);
}

int hd_tree_node_list(
	struct hd_base_set *bases, const struct hd_base_directory *fallback, struct hd_snapshot_node *node)
{
	struct hd_base_directory directory = *fallback;
	struct hd_buffer nodes = {0};
	int r;

	directory.content = node->content;
	directory.attributes = node->attribute_content;
	r = hd_base_set_list(bases, &directory, keep_entry, &nodes);
	node->n_children = nodes.size / sizeof(*node->children);
	node->children = (struct hd_snapshot_node *)(void *)nodes.data;
	if (r < 0) {
		hd_tree_node_clear_children(node);
		return r;
	}
	if (node->n_children > 1)
		qsort(node->children, node->n_children, sizeof(*node->children), compare_nodes);
	return 0;
}

int hd_tree_node_root(struct hd_store *store, struct hd_base_set *bases, const struct hd_state *state,
	struct hd_snapshot_node *ret_node, struct hd_base_directory *ret_fallback)
{
	struct hd_base_entry entry;
	struct hd_state first = {0};
	int r;

	r = hd_base_set_root(bases, state, &entry, ret_fallback);
	if (r < 0)
		return r;
	r = hd_index_find_first(store->index, &state->id, &first);
	if (r < 0) {
		hd_base_root_clear(&entry);
		return r;
	}
	ret_fallback->fallback_time =
		(struct timespec){.tv_sec = first.time_s, .tv_nsec = (long)first.time_ns};
	hd_state_clear(&first);
	r = hd_tree_node_of_entry(&entry, ret_node);
	hd_base_root_clear(&entry);
	if (r < 0)
		return r;
	free(ret_node->name);
	ret_node->name = NULL;
	return 0;
}
