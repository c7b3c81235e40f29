/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/states/state_view.h"

#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/checksum.h"
#include "overlay/platform/error.h"
#include "overlay/states/state_tree.h"

int hd_state_view_of(struct hd_overlay *overlay, hd_ino ino, struct hd_state_view *ret_view)
{
	const struct hd_state_node *node;
	int r = -ESTALE;

	hd_rwlock_read(&overlay->lock);
	node = hd_state_node_get(overlay->arena, ino);
	if (node) {
		const struct hd_state_node *root = hd_record_state_node(overlay->arena, node->root);

		*ret_view = (struct hd_state_view){.node = *node, .index = hd_state_node_index(ino)};
		ret_view->directory = (struct hd_base_directory){.content = node->content,
			.attributes = node->attributes,
			.fallback_time = {.tv_sec = root->fallback_time_s, .tv_nsec = root->fallback_time_ns},
			.fallback_uid = overlay->fallback.fallback_uid,
			.fallback_gid = overlay->fallback.fallback_gid};
		r = 0;
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

uint64_t hd_state_view_name(const char *name)
{
	return hd_checksum64(name, strlen(name));
}

/* Below HD_OUTER_NUMBERS nothing comes of it: those few are somebody else's. */
uint64_t hd_state_view_number(const void *key, size_t size)
{
	uint64_t number = hd_checksum64(key, size) & (HD_STATE_NUMBERS - 1);

	return HD_STATE_NUMBERS | (number < HD_OUTER_NUMBERS ? number + HD_OUTER_NUMBERS : number);
}

uint64_t hd_state_tree_number(const struct hd_state_id *id)
{
	return hd_state_view_number(id, sizeof(*id));
}

/* Of a file with several names: of its group in this state, so that all of them have it. */
static uint64_t number_of(const struct hd_state_view *view, const struct hd_state_node *node)
{
	struct {
		uint64_t parent, name;
		struct hd_state_id state;
		uint64_t group;
	} key = {.parent = view->node.number, .name = node->name};

	if (node->link_group) {
		key.parent = key.name = 0;
		key.state = view->node.state;
		key.group = node->link_group;
	}
	return hd_state_view_number(&key, sizeof(key));
}

static uint64_t blocks_of(const struct hd_listed *item)
{
	uint64_t blocks = (item->entry.size + HD_BLOCK_SIZE - 1) >> HD_BLOCK_SHIFT;

	if (S_ISDIR(item->entry.mode))
		return 8;
	if (!S_ISREG(item->entry.mode))
		return 0;
	return (item->hole_blocks < blocks ? blocks - item->hole_blocks : 0) * (HD_BLOCK_SIZE / 512);
}

void hd_state_view_describe(
	const struct hd_state_view *view, const struct hd_listed *item, struct hd_state_node *ret_node)
{
	const struct hd_base_entry *entry = &item->entry;
	bool is_directory = S_ISDIR(entry->mode);

	*ret_node = (struct hd_state_node){.kind = HD_STATE_NODE_TREE,
		.parent = view->index,
		.root = view->node.root,
		.mode = entry->mode,
		.nlink = is_directory                            ? 2
			 : entry->link_group && entry->links > 1 ? entry->links
								 : 1,
		.uid = entry->uid,
		.gid = entry->gid,
		.device = entry->device,
		.size = is_directory ? HD_BLOCK_SIZE : entry->size,
		.blocks = blocks_of(item),
		.name = hd_state_view_name(item->name),
		.link_group = is_directory ? 0 : entry->link_group,
		.access_time = hd_time_from(&entry->access_time),
		.modify_time = hd_time_from(&entry->modify_time),
		.change_time = hd_time_from(&entry->change_time),
		.birth_time = hd_time_from(&entry->birth_time),
		.content = entry->content,
		.attributes = entry->attributes,
		.state = view->node.state};
	ret_node->number = number_of(view, ret_node);
}

void hd_state_view_count_links(
	struct hd_overlay *overlay, const struct hd_state_view *view, struct hd_state_node *node)
{
	const struct hd_state_listing *listing;
	struct hd_base_directory directory = view->directory;

	if (!S_ISDIR(node->mode))
		return;
	directory.content = node->content;
	directory.attributes = node->attributes;
	if (hd_state_listings_get(overlay, &directory, &listing) < 0) {
		hd_error_clear();
		return;
	}
	node->nlink = 2 + listing->subdirectories;
	hd_state_listings_put(overlay->state_listings, listing);
}

void hd_state_view_attributes(const struct hd_state_node *node, struct hd_attributes *ret_attributes)
{
	*ret_attributes = (struct hd_attributes){
		.number = node->number,
		.mode = node->mode,
		.nlink = node->nlink,
		.uid = node->uid,
		.gid = node->gid,
		.device = node->device,
		.size = node->size,
		.blocks = node->blocks,
		.access_time = hd_time_to(&node->access_time),
		.modify_time = hd_time_to(&node->modify_time),
		.change_time = hd_time_to(&node->change_time),
		.birth_time = hd_time_to(&node->birth_time),
	};
}
