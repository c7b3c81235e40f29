/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/snapshot.h"
#include "overlay/inodes/orphan.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/arena/cells.h"
#include "overlay/arena/link_groups.h"
#include "overlay/contents/kept_files.h"
#include "overlay/contents/promotion.h"
#include "overlay/listings/unseen_links.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/activity.h"
#include "overlay/snapshot_types.h"
#include "overlay/store/tree_codec.h"

/*
 * Taking one is a walk along the marks (inode_table.c), breadth first, with a list of directories still to
 * do, so that no depth of the tree can exhaust the stack. Every file that is named with bytes still to be
 * settled is pinned: unlinked meanwhile, it stays an orphan until the snapshot goes.
 *
 * Raising the barrier in the same hold of the lock is what divides changes into those that this snapshot has
 * and those that the next one will have. Bytes are not copied: that no change of any is half done is the change lock's
 * work, and what is changed later is kept (contents/kept_files.h).
 */

static int queue_directory(struct hd_snapshot *snapshot, struct hd_snapshot_node *node, uint32_t index)
{
	int r = HD_ARRAY_RESERVE(snapshot->queue, snapshot->n_queue, snapshot->queue_capacity);

	if (r < 0)
		return r;
	snapshot->queue[snapshot->n_queue++] = (struct hd_snapshot_pending){.node = node, .index = index};
	node->queued = snapshot->n_queue;
	return 0;
}

static int remember_pin(struct hd_snapshot *snapshot, hd_ino ino)
{
	int r = HD_ARRAY_RESERVE(snapshot->pinned, snapshot->n_pinned, snapshot->pinned_capacity);

	if (r == 0)
		snapshot->pinned[snapshot->n_pinned++] = ino;
	return r;
}

int hd_snapshot_own(struct hd_snapshot *snapshot, void *memory)
{
	int r = memory ? HD_ARRAY_RESERVE(snapshot->owned, snapshot->n_owned, snapshot->owned_capacity)
		       : -ENOMEM;

	if (r < 0)
		free(memory);
	else
		snapshot->owned[snapshot->n_owned++] = memory;
	return r;
}

static int copy_xattrs(
	struct hd_snapshot *snapshot, const struct hd_inode *inode, struct hd_snapshot_node *node)
{
	const struct hd_arena *arena = snapshot->overlay->arena;
	int r;

	if (inode->xattrs_size == 0)
		return 0;
	node->xattrs = malloc(inode->xattrs_size);
	r = hd_snapshot_own(snapshot, node->xattrs);
	if (r < 0) {
		node->xattrs = NULL;
		return r;
	}
	node->xattrs_size = inode->xattrs_size;
	return hd_cells_load(arena, inode->xattrs, node->xattrs, node->xattrs_size) == node->xattrs_size
		       ? 0
		       : -HD_E_ARENA_CORRUPT;
}

static uint64_t link_group_of(
	const struct hd_snapshot *snapshot, const struct hd_inode *inode, uint32_t index)
{
	if (inode->link_group || inode->nlink < 2)
		return inode->link_group;
	return hd_link_group_draw(snapshot->overlay->thread, inode, index);
}

/* Fills a node whose name is set. */
static int copy_inode(struct hd_snapshot *snapshot, struct hd_snapshot_node *node, uint32_t index)
{
	const struct hd_arena *arena = snapshot->overlay->arena;
	const struct hd_inode *inode = hd_record_inode(arena, index);
	bool is_directory = hd_inode_is_directory(inode);
	int r = copy_xattrs(snapshot, inode, node);

	hd_inode_attributes(arena, index, &node->attributes);
	node->changed = inode->tree_change > hd_record_thread(arena)->captured;
	node->link_group = is_directory ? 0 : link_group_of(snapshot, inode, index);
	snapshot->has_link_groups |= node->link_group != 0;
	if (is_directory)
		node->attribute_content = inode->part.directory.attributes;
	/* A directory that is not loaded has what the base has, whatever became of its own attributes. */
	if (is_directory && node->changed && !(inode->flags & HD_INODE_UNLOADED)) {
		node->attribute_content = (struct hd_content){0};
		node->origin = inode->content;
		node->origin_attributes = inode->part.directory.attributes;
		return r < 0 ? r : queue_directory(snapshot, node, index);
	}
	node->content = inode->content;
	if (r == 0 && inode->flags & HD_INODE_UNSETTLED && !is_directory) {
		node->unsettled = true;
		node->content = (struct hd_content){0};
		r = remember_pin(snapshot, node->attributes.ino);
	}
	return r;
}

static int compare_nodes(const void *a, const void *b)
{
	const struct hd_snapshot_node *left = a, *right = b;

	return hd_tree_compare_names(left->name, left->name_length, right->name, right->name_length);
}

char *hd_snapshot_keep_name(struct hd_snapshot *snapshot, const char *name, size_t length)
{
	struct hd_snapshot_names *names = snapshot->names;
	char *place;

	if (!names || HD_SNAPSHOT_NAMES - names->used < length + 1) {
		names = malloc(sizeof(*names));
		if (!names)
			return NULL;
		names->next = snapshot->names;
		names->used = 0;
		snapshot->names = names;
	}
	place = names->bytes + names->used;
	memcpy(place, name, length);
	place[length] = '\0';
	names->used += length + 1;
	return place;
}

/* As it is when a base listed it and nobody changed it since. */
static bool is_sorted(const struct hd_snapshot_node *nodes, size_t count)
{
	for (size_t i = 1; i < count; i++)
		if (compare_nodes(&nodes[i - 1], &nodes[i]) > 0)
			return false;
	return true;
}

/*
 * Whether the stored tree has the directory's names, and of everything that did not change since all there is to say. Of what a
 * base has without attributes nobody could say that later, and a directory of the host may be another one by then.
 */
static bool is_recorded(const struct hd_snapshot *snapshot, const struct hd_inode *inode)
{
	return !snapshot->whole && inode->self_change <= inode->part.directory.recorded &&
	       inode->content.kind == HD_CONTENT_OBJECT &&
	       inode->part.directory.attributes.kind == HD_CONTENT_OBJECT;
}

/* How many entries of DIRECTORY changed after SINCE. */
static uint32_t count_changed(
	const struct hd_arena *arena, const struct hd_directory_part *directory, uint64_t since)
{
	uint32_t left = directory->entries, changed = 0;

	for (uint32_t entry = directory->first; entry && left > 0; left--) {
		const struct hd_entry *record = hd_record_entry(arena, entry);

		changed += hd_record_inode(arena, record->child)->tree_change > since;
		entry = record->next;
	}
	return changed;
}

/* Names first and sorted, because afterwards the nodes' addresses must stay. */
static int list_children(struct hd_snapshot *snapshot, const struct hd_snapshot_pending *pending)
{
	const struct hd_arena *arena = snapshot->overlay->arena;
	const struct hd_inode *inode = hd_record_inode(arena, pending->index);
	const struct hd_directory_part *directory = &inode->part.directory;
	struct hd_snapshot_node *node = pending->node;
	uint32_t entry = directory->first, count = directory->entries;
	char name[256];

	node->partial = is_recorded(snapshot, inode);
	if (node->partial)
		count = count_changed(arena, directory, directory->recorded);
	node->children = calloc(count + 1u, sizeof(*node->children));
	if (hd_snapshot_own(snapshot, node->children) < 0) {
		node->children = NULL;
		return -ENOMEM;
	}
	for (; entry && node->n_children < count; entry = hd_record_entry(arena, entry)->next) {
		struct hd_snapshot_node *child = &node->children[node->n_children];
		uint32_t index = hd_record_entry(arena, entry)->child;

		if (node->partial && hd_record_inode(arena, index)->tree_change <= directory->recorded)
			continue;
		child->name_length = (uint16_t)hd_entry_name(arena, entry, name);
		child->name = hd_snapshot_keep_name(snapshot, name, child->name_length);
		if (!child->name)
			return -ENOMEM;
		child->attributes.ino = index;
		node->n_children++;
	}
	if (!is_sorted(node->children, node->n_children))
		qsort(node->children, node->n_children, sizeof(*node->children), compare_nodes);
	snapshot->count += node->n_children;
	snapshot->partial |= node->partial;
	return 0;
}

static int walk(struct hd_snapshot *snapshot)
{
	int r = copy_inode(snapshot, &snapshot->root, hd_ino_index(HD_ROOT_INO));

	for (size_t i = 0; r == 0 && i < snapshot->n_queue; i++) {
		struct hd_snapshot_node *node = snapshot->queue[i].node;

		r = list_children(snapshot, &snapshot->queue[i]);
		for (size_t c = 0; r == 0 && c < node->n_children; c++)
			r = copy_inode(
				snapshot, &node->children[c], (uint32_t)node->children[c].attributes.ino);
	}
	return r;
}

/* One pin more or less on every file of the snapshot; returns the first failure. */
static int pin_locked(struct hd_snapshot *snapshot, int change)
{
	struct hd_overlay *overlay = snapshot->overlay;
	size_t i = 0;
	int r = 0;

	if (change > 0)
		hd_arena_note_pins(overlay->arena);
	while (r == 0 && i < snapshot->n_pinned) {
		struct hd_transaction transaction;

		hd_transaction_begin(overlay->arena, &transaction);
		for (; i < snapshot->n_pinned && hd_transaction_room(&transaction) > HD_SNAPSHOT_ROOM; i++)
			hd_edit_reference(&transaction, hd_ino_index(snapshot->pinned[i]))->pins +=
				(uint32_t)change;
		r = hd_overlay_commit(overlay, &transaction);
	}
	return r;
}

static int raise_barrier(struct hd_snapshot *snapshot)
{
	struct hd_overlay *overlay = snapshot->overlay;
	struct hd_transaction transaction;

	snapshot->barrier = hd_record_thread(overlay->arena)->change;
	/* Where nothing changed since it was raised, a capture has nothing to bring to disk either. */
	if (!snapshot->for_capture || hd_record_thread(overlay->arena)->barrier >= snapshot->barrier)
		return 0;
	hd_transaction_begin(overlay->arena, &transaction);
	hd_edit_thread(&transaction)->barrier = snapshot->barrier;
	return hd_overlay_commit(overlay, &transaction);
}

/* From now on who changes one of these files keeps what it was. */
static int keep_files(struct hd_snapshot *snapshot)
{
	int r = hd_kept_files_new(snapshot->pinned, snapshot->n_pinned, &snapshot->kept);

	if (r == 0)
		hd_kept_files_add(snapshot->overlay, snapshot->kept);
	return r;
}

void hd_overlay_hold_captures(struct hd_overlay *overlay)
{
	HD_WAITS_FOR("another capture");
	hd_mutex_lock(&overlay->capture_lock);
	while (overlay->captures > 0 && !pthread_equal(overlay->capturer, pthread_self()))
		hd_condition_wait(&overlay->capture_ended, &overlay->capture_lock);
	overlay->captures++;
	overlay->capturer = pthread_self();
	hd_mutex_unlock(&overlay->capture_lock);
}

void hd_overlay_unhold_captures(struct hd_overlay *overlay)
{
	hd_mutex_lock(&overlay->capture_lock);
	if (--overlay->captures == 0)
		hd_condition_signal(&overlay->capture_ended);
	hd_mutex_unlock(&overlay->capture_lock);
}

bool hd_overlay_is_captured(struct hd_overlay *overlay)
{
	const struct hd_inode *root;
	bool is_captured;

	hd_rwlock_read(&overlay->lock);
	root = hd_record_inode(overlay->arena, hd_ino_index(HD_ROOT_INO));
	is_captured = root->tree_change <= hd_record_thread(overlay->arena)->captured;
	hd_rwlock_unlock(&overlay->lock);
	return is_captured;
}

static int take(struct hd_overlay *overlay, bool for_capture, bool whole, struct hd_snapshot **ret_snapshot)
{
	struct hd_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int r;

	if (!snapshot)
		return -ENOMEM;
	snapshot->overlay = overlay;
	snapshot->for_capture = for_capture;
	snapshot->whole = whole;
	snapshot->root.name = strdup("");
	if (for_capture)
		hd_overlay_hold_captures(overlay);
	hd_lock_with_links_seen(overlay);
	r = snapshot->root.name ? walk(snapshot) : -ENOMEM;
	if (r == 0)
		r = pin_locked(snapshot, 1);
	else
		snapshot->n_pinned = 0;
	if (r == 0)
		r = raise_barrier(snapshot);
	if (r == 0)
		r = keep_files(snapshot);
	snapshot->parent = hd_record_thread(overlay->arena)->state;
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(&overlay->change_lock);
	if (r < 0) {
		hd_snapshot_free(snapshot);
		return hd_fail_in(r, "take a snapshot of thread '%s'", overlay->thread);
	}
	*ret_snapshot = snapshot;
	return 0;
}

int hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot)
{
	return take(overlay, for_capture, false, ret_snapshot);
}

int hd_snapshot_take_whole(struct hd_overlay *overlay, struct hd_snapshot **ret_snapshot)
{
	return take(overlay, true, true, ret_snapshot);
}

bool hd_snapshot_is_partial(const struct hd_snapshot *snapshot)
{
	return snapshot->partial;
}

void hd_snapshot_free(struct hd_snapshot *snapshot)
{
	if (!snapshot)
		return;
	hd_kept_files_remove(snapshot->overlay, snapshot->kept);
	hd_rwlock_write(&snapshot->overlay->lock);
	(void)pin_locked(snapshot, -1);
	hd_rwlock_unlock(&snapshot->overlay->lock);
	for (size_t i = 0; i < snapshot->n_pinned; i++)
		hd_overlay_release_orphan(snapshot->overlay, hd_ino_index(snapshot->pinned[i]));
	if (snapshot->for_capture)
		hd_overlay_unhold_captures(snapshot->overlay);
	for (size_t i = 0; i < snapshot->n_owned; i++)
		free(snapshot->owned[i]);
	free(snapshot->owned);
	while (snapshot->names) {
		struct hd_snapshot_names *names = snapshot->names;

		snapshot->names = names->next;
		free(names);
	}
	free(snapshot->root.name);
	free(snapshot->queue);
	free(snapshot->pinned);
	free(snapshot);
}

size_t hd_snapshot_count(const struct hd_snapshot *snapshot)
{
	return snapshot->count;
}

struct hd_snapshot_node *hd_snapshot_root(struct hd_snapshot *snapshot)
{
	return &snapshot->root;
}

void hd_snapshot_parent(const struct hd_snapshot *snapshot, struct hd_state_id *ret_id)
{
	*ret_id = snapshot->parent;
}

static void take_settled(struct hd_snapshot_node *node, const struct hd_content *content)
{
	node->content = *content;
	node->unsettled = false;
}

int hd_snapshot_settle(struct hd_snapshot *snapshot, struct hd_snapshot_node *node)
{
	struct hd_content content;
	int r;

	if (!node->unsettled)
		return 0;
	r = hd_file_settle(snapshot->overlay, node->attributes.ino, snapshot->kept, &content);
	if (r == 0)
		take_settled(node, &content);
	return r;
}

/* How many files are settled between two that are told so: their bytes are a write or two of the store. */
#define SETTLED_TOGETHER 256u

int hd_snapshot_settle_all(struct hd_snapshot *snapshot, struct hd_snapshot_node *const *nodes, size_t count)
{
	HD_AUTO_FREE struct hd_content *settled = calloc(SETTLED_TOGETHER, sizeof(*settled));
	hd_ino inos[SETTLED_TOGETHER];

	if (!settled)
		return -ENOMEM;
	for (size_t begin = 0, end; begin < count; begin = end) {
		int r;

		for (end = begin; end < count && end - begin < SETTLED_TOGETHER; end++)
			inos[end - begin] = nodes[end]->attributes.ino;
		r = hd_files_settle(snapshot->overlay, inos, end - begin, snapshot->kept, settled);
		if (r < 0)
			return r;
		for (size_t i = begin; i < end; i++)
			take_settled(nodes[i], &settled[i - begin]);
	}
	return 0;
}

static int read_content(struct hd_snapshot *snapshot, const struct hd_content *content, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	*ret_size = 0;
	return hd_content_is_none(content)
		       ? 0
		       : hd_base_set_read(snapshot->overlay->bases, content, buffer, size, offset, ret_size);
}

/* What a file was that was changed since, or was stored; 1, or 0 while it is as it was. */
static int read_kept(struct hd_snapshot *snapshot, hd_ino ino, void *buffer, size_t size, uint64_t offset,
	size_t *ret_size)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(snapshot->overlay, hd_ino_index(ino));
	const struct hd_kept_file *file = NULL;
	struct hd_content stored;
	bool is_stored;
	uint64_t end;
	int r = 0;

	hd_rwlock_read(file_lock);
	is_stored = hd_kept_file_was_stored(snapshot->kept, ino, &stored);
	if (!is_stored)
		r = hd_kept_file_find(snapshot->kept, ino, &file);
	hd_rwlock_unlock(file_lock);
	if (is_stored) {
		r = read_content(snapshot, &stored, buffer, size, offset, ret_size);
		return r < 0 ? r : 1;
	}
	if (r < 0 || !file)
		return r;
	end = file->view.size;
	*ret_size = offset >= end ? 0 : end - offset < size ? (size_t)(end - offset) : size;
	r = hd_kept_file_read(snapshot->overlay, ino, file, buffer, *ret_size, offset);
	return r < 0 ? r : 1;
}

/* Who changes it while it is read keeps what it was first. */
static int read_file(struct hd_snapshot *snapshot, hd_ino ino, void *buffer, size_t size, uint64_t offset,
	size_t *ret_size)
{
	int r = read_kept(snapshot, ino, buffer, size, offset, ret_size);

	if (r != 0)
		return r < 0 ? r : 0;
	r = hd_overlay_read(snapshot->overlay, ino, buffer, size, offset, ret_size);
	if (r == 0)
		r = read_kept(snapshot, ino, buffer, size, offset, ret_size);
	return r < 0 ? r : 0;
}

int hd_snapshot_read(struct hd_snapshot *snapshot, const struct hd_snapshot_node *node, void *buffer,
	size_t size, uint64_t offset, size_t *ret_size)
{
	struct hd_overlay *overlay = snapshot->overlay;
	char target[4096];
	size_t length = 0;
	int r;

	if (!node->unsettled)
		return read_content(snapshot, &node->content, buffer, size, offset, ret_size);
	if ((node->attributes.mode & 0170000) != 0120000)
		return read_file(snapshot, node->attributes.ino, buffer, size, offset, ret_size);
	r = hd_overlay_readlink(overlay, node->attributes.ino, target, sizeof(target), &length);
	if (r < 0)
		return r;
	*ret_size = offset >= length ? 0 : length - offset < size ? length - offset : size;
	memcpy(buffer, target + (offset < length ? offset : 0), *ret_size);
	return 0;
}
