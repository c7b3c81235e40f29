/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/states/state_tree.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/bases/base_root.h"
#include "overlay/inodes/request_note.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/kill_point.h"
#include "overlay/states/state_view.h"

/*
 * Finding and forgetting. What is found is described first, from listings, without a lock; then one transaction makes
 * or finds its record and counts. The directory may have been forgotten in between by nobody: who looks something up
 * in it holds it.
 */

/* One lookup more of what LIKE describes, below the directory PARENT if that is not 0. */
static int hold(struct hd_overlay *overlay, hd_ino parent, const struct hd_state_node *like,
	struct hd_attributes *ret_attributes)
{
	struct hd_transaction transaction;
	uint32_t index;
	int r = -ESTALE;

	hd_rwlock_write(&overlay->lock);
	if (parent == 0 || hd_state_node_get(overlay->arena, parent)) {
		hd_transaction_begin(overlay->arena, &transaction);
		index = hd_state_nodes_hold(overlay->state_nodes, &transaction, like);
		if (index)
			hd_request_note(&transaction,
				hd_state_node_id_of(hd_view_state_node(&transaction, index), index));
		r = hd_overlay_commit(overlay, &transaction);
		hd_state_nodes_end(overlay->state_nodes, r);
		if (r == 0) {
			hd_state_view_attributes(hd_record_state_node(overlay->arena, index), ret_attributes);
			ret_attributes->ino = hd_state_node_id(overlay->arena, index);
		}
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

/* The time that is shown where the source keeps none is that of the base, in every state (recovery.c). */
static int describe_root(
	struct hd_overlay *overlay, const struct hd_state *state, struct hd_state_node *ret_node)
{
	struct hd_base_directory directory;
	struct hd_base_entry entry;
	struct hd_state first = {0};
	int r = hd_index_find_first(overlay->store->index, &state->id, &first);

	if (r == 0)
		r = hd_base_set_root(overlay->bases, state, &entry, &directory);
	if (r < 0) {
		hd_state_clear(&first);
		return r;
	}
	*ret_node = (struct hd_state_node){.kind = HD_STATE_NODE_TREE,
		.mode = S_IFDIR | (entry.mode & 07777),
		.nlink = 2,
		.uid = entry.uid,
		.gid = entry.gid,
		.size = HD_BLOCK_SIZE,
		.blocks = 8,
		.number = hd_state_tree_number(&state->id),
		.fallback_time_s = first.time_s,
		.fallback_time_ns = first.time_ns,
		.access_time = hd_time_from(&entry.access_time),
		.modify_time = hd_time_from(&entry.modify_time),
		.change_time = hd_time_from(&entry.change_time),
		.birth_time = hd_time_from(&entry.birth_time),
		.content = entry.content,
		.attributes = entry.attributes,
		.state = state->id};
	hd_base_root_clear(&entry);
	hd_state_clear(&first);
	return 0;
}

/* Whether a dead process did what the calling thread is asked for: then what it found is in RET. */
static bool was_done(struct hd_overlay *overlay, struct hd_attributes *ret_attributes)
{
	return hd_request_is_done() &&
	       hd_state_tree_getattr(overlay, hd_request_done_ino(), ret_attributes) == 0;
}

int hd_state_tree_enter(
	struct hd_overlay *overlay, const struct hd_state_id *id, struct hd_attributes *ret_attributes)
{
	struct hd_state_view view = {0};
	struct hd_state state = {0};
	int r;

	if (was_done(overlay, ret_attributes))
		return 0;
	r = hd_index_get_state(overlay->store->index, id, &state);
	if (r == 0)
		r = describe_root(overlay, &state, &view.node);
	hd_state_clear(&state);
	if (r < 0)
		return r;
	view.directory.fallback_time = (struct timespec){
		.tv_sec = view.node.fallback_time_s, .tv_nsec = (long)view.node.fallback_time_ns};
	view.directory.fallback_uid = overlay->fallback.fallback_uid;
	view.directory.fallback_gid = overlay->fallback.fallback_gid;
	hd_state_view_count_links(overlay, &view, &view.node);
	return hold(overlay, 0, &view.node, ret_attributes);
}

int hd_state_tree_link(
	struct hd_overlay *overlay, const struct hd_state_id *id, struct hd_attributes *ret_attributes)
{
	const struct {
		struct hd_state_id id;
		char kind[8];
	} key = {*id, "link"};
	struct hd_state_node node = {.kind = HD_STATE_NODE_LINK,
		.mode = S_IFLNK | 0777,
		.nlink = 1,
		.uid = overlay->fallback.fallback_uid,
		.gid = overlay->fallback.fallback_gid,
		.size = HD_STATE_ID_TEXT_SIZE - 1,
		.state = *id};
	struct hd_state state = {0};
	int r;

	if (was_done(overlay, ret_attributes))
		return 0;
	r = hd_index_get_state(overlay->store->index, id, &state);
	if (r < 0)
		return r;
	node.number = hd_state_view_number(&key, sizeof(key));
	node.modify_time.s = state.time_s;
	node.modify_time.ns = state.time_ns;
	node.access_time = node.change_time = node.birth_time = node.modify_time;
	hd_state_clear(&state);
	return hold(overlay, 0, &node, ret_attributes);
}

bool hd_state_tree_is_link(struct hd_overlay *overlay, hd_ino ino)
{
	struct hd_state_view view;

	return hd_ino_is_of_state(ino) && hd_state_view_of(overlay, ino, &view) == 0 &&
	       view.node.kind == HD_STATE_NODE_LINK;
}

int hd_state_tree_lookup(
	struct hd_overlay *overlay, hd_ino parent, const char *name, struct hd_attributes *ret_attributes)
{
	const struct hd_state_listing *listing;
	const struct hd_listed *item;
	struct hd_state_node found;
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, parent, &view);

	if (r < 0)
		return r;
	if (!S_ISDIR(view.node.mode))
		return -ENOTDIR;
	if (strnlen(name, HD_NAME_LIMIT + 1) > HD_NAME_LIMIT)
		return -ENAMETOOLONG;
	r = hd_state_listings_get(overlay, &view.directory, &listing);
	if (r < 0)
		return r;
	item = hd_listing_find(&listing->listing, name);
	if (item)
		hd_state_view_describe(&view, item, &found);
	hd_state_listings_put(overlay->state_listings, listing);
	if (!item)
		return -ENOENT;
	hd_state_view_count_links(overlay, &view, &found);
	return hold(overlay, parent, &found, ret_attributes);
}

int hd_state_tree_getattr(struct hd_overlay *overlay, hd_ino ino, struct hd_attributes *ret_attributes)
{
	struct hd_state_view view;
	int r = hd_state_view_of(overlay, ino, &view);

	if (r < 0)
		return r;
	hd_state_view_attributes(&view.node, ret_attributes);
	ret_attributes->ino = ino;
	return 0;
}

void hd_state_tree_forget(struct hd_overlay *overlay, hd_ino ino, uint64_t count)
{
	struct hd_transaction transaction;
	int r;

	hd_rwlock_write(&overlay->lock);
	hd_transaction_begin(overlay->arena, &transaction);
	if (hd_state_node_get(overlay->arena, ino))
		hd_state_nodes_let_go(overlay->state_nodes, &transaction, hd_state_node_index(ino), count);
	hd_request_step(&transaction);
	r = hd_overlay_commit(overlay, &transaction);
	hd_state_nodes_end(overlay->state_nodes, r);
	HD_KILL_POINT(forget_counted);
	hd_rwlock_unlock(&overlay->lock);
}

uint32_t hd_state_tree_count(const struct hd_overlay *overlay)
{
	return hd_state_nodes_counted(overlay->state_nodes);
}

uint64_t hd_state_tree_freed(const struct hd_overlay *overlay)
{
	return hd_state_nodes_freed(overlay->state_nodes);
}

size_t hd_state_tree_list(
	struct hd_overlay *overlay, bool roots, uint32_t *place, struct hd_state_held *ret, size_t limit)
{
	size_t n;

	hd_rwlock_read(&overlay->lock);
	n = hd_state_nodes_list(overlay->arena, roots, place, ret, limit);
	hd_rwlock_unlock(&overlay->lock);
	return n;
}

/* ---- listings with attributes ---- */

/* What stands at the places that INOS name; zeroed where nothing does. */
static void describe_places(const struct hd_state_view *view, const struct hd_listing *listing,
	const hd_ino *inos, size_t n, struct hd_state_node *nodes)
{
	for (size_t i = 0; i < n; i++) {
		if (inos[i] == 0 || inos[i] > listing->count)
			nodes[i] = (struct hd_state_node){0};
		else
			hd_state_view_describe(view, listing->by_name[inos[i] - 1], &nodes[i]);
	}
}

/* As a lookup of each: the id, or 0. */
static hd_ino take_one(
	struct hd_overlay *overlay, struct hd_transaction *transaction, const struct hd_state_node *node)
{
	uint32_t index = 0;

	if (node->kind != HD_STATE_NODE_FREE)
		index = hd_state_nodes_hold(overlay->state_nodes, transaction, node);
	return index ? hd_state_node_id_of(hd_view_state_node(transaction, index), index) : 0;
}

static int take_all(struct hd_overlay *overlay, hd_ino directory, const struct hd_state_node *nodes,
	const struct hd_state_taking *taking)
{
	struct hd_transaction transaction;
	int r = -ESTALE;

	hd_rwlock_write(&overlay->lock);
	if (hd_state_node_get(overlay->arena, directory)) {
		hd_transaction_begin(overlay->arena, &transaction);
		for (size_t i = 0; i < taking->n; i++)
			taking->inos[i] = take_one(overlay, &transaction, &nodes[i]);
		taking->put(taking->payload);
		hd_request_note_size(&transaction, 0, taking->reply_size);
		r = hd_overlay_commit(overlay, &transaction);
		hd_state_nodes_end(overlay->state_nodes, r);
	}
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_state_tree_take(struct hd_overlay *overlay, hd_ino directory, const struct hd_state_taking *taking)
{
	HD_AUTO_FREE struct hd_state_node *nodes = calloc(taking->n + 1, sizeof(*nodes));
	const struct hd_state_listing *listing;
	struct hd_state_view view;
	int r = nodes ? hd_state_view_of(overlay, directory, &view) : -ENOMEM;

	if (r == 0)
		r = hd_state_listings_get(overlay, &view.directory, &listing);
	if (r < 0)
		return r;
	describe_places(&view, &listing->listing, taking->inos, taking->n, nodes);
	hd_state_listings_put(overlay->state_listings, listing);
	return take_all(overlay, directory, nodes, taking);
}
