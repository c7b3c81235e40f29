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
#include "overlay/overlay_types.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/threads/activity.h"
#include "overlay/store/link_group.h"
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

#define TRANSACTION_ROOM 64u

/* Names of nodes, one after the other. They never move. */
#define NAMES_SIZE (64u << 10)

struct names {
	struct names *next;
	size_t used;
	char bytes[NAMES_SIZE];
};

struct pending {
	struct hd_snapshot_node *node;
	uint32_t index;
};

struct hd_snapshot {
	struct hd_overlay *overlay; /* borrowed */
	struct hd_snapshot_node root;
	struct hd_state_id parent;
	uint64_t barrier;
	bool for_capture;
	struct pending *queue; /* owned; every changed directory, in the order in which it was found */
	size_t n_queue, queue_capacity;
	struct names *
		names; /* owned: the list of what all names but the root's are in; the first is the one to fill */
	hd_ino *pinned; /* owned */
	size_t n_pinned, pinned_capacity;
	struct hd_kept_files *kept; /* owned: what these files were */
	size_t count;               /* of all nodes below the root */
	bool has_link_groups;       /* some node has one */
};

static int queue_directory(struct hd_snapshot *snapshot, struct hd_snapshot_node *node, uint32_t index)
{
	int r = HD_ARRAY_RESERVE(snapshot->queue, snapshot->n_queue, snapshot->queue_capacity);

	if (r == 0)
		snapshot->queue[snapshot->n_queue++] = (struct pending){.node = node, .index = index};
	return r;
}

static int remember_pin(struct hd_snapshot *snapshot, hd_ino ino)
{
	int r = HD_ARRAY_RESERVE(snapshot->pinned, snapshot->n_pinned, snapshot->pinned_capacity);

	if (r == 0)
		snapshot->pinned[snapshot->n_pinned++] = ino;
	return r;
}

static int copy_xattrs(
	const struct hd_arena *arena, const struct hd_inode *inode, struct hd_snapshot_node *node)
{
	if (inode->xattrs_size == 0)
		return 0;
	node->xattrs = malloc(inode->xattrs_size);
	if (!node->xattrs)
		return -ENOMEM;
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
	int r = copy_xattrs(arena, inode, node);

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

static char *keep_name(struct hd_snapshot *snapshot, const char *name, size_t length)
{
	struct names *names = snapshot->names;
	char *place;

	if (!names || NAMES_SIZE - names->used < length + 1) {
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

/* Names first and sorted, because afterwards the nodes' addresses must stay. */
static int list_children(struct hd_snapshot *snapshot, const struct pending *pending)
{
	const struct hd_arena *arena = snapshot->overlay->arena;
	const struct hd_directory_part *directory = &hd_record_inode(arena, pending->index)->part.directory;
	struct hd_snapshot_node *node = pending->node;
	char name[256];

	node->children = calloc(directory->entries + 1u, sizeof(*node->children));
	if (!node->children)
		return -ENOMEM;
	for (uint32_t entry = directory->first; entry && node->n_children < directory->entries;
		entry = hd_record_entry(arena, entry)->next) {
		struct hd_snapshot_node *child = &node->children[node->n_children];

		child->name_length = (uint16_t)hd_entry_name(arena, entry, name);
		child->name = keep_name(snapshot, name, child->name_length);
		if (!child->name)
			return -ENOMEM;
		child->attributes.ino = hd_record_entry(arena, entry)->child;
		node->n_children++;
	}
	if (!is_sorted(node->children, node->n_children))
		qsort(node->children, node->n_children, sizeof(*node->children), compare_nodes);
	snapshot->count += node->n_children;
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
		for (; i < snapshot->n_pinned && hd_transaction_room(&transaction) > TRANSACTION_ROOM; i++)
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

int hd_snapshot_take(struct hd_overlay *overlay, bool for_capture, struct hd_snapshot **ret_snapshot)
{
	struct hd_snapshot *snapshot = calloc(1, sizeof(*snapshot));
	int r;

	if (!snapshot)
		return -ENOMEM;
	snapshot->overlay = overlay;
	snapshot->for_capture = for_capture;
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
	for (size_t i = snapshot->n_queue; i-- > 0;) {
		struct hd_snapshot_node *node = snapshot->queue[i].node;

		for (size_t c = 0; c < node->n_children; c++)
			free(node->children[c].xattrs);
		free(node->children);
	}
	while (snapshot->names) {
		struct names *names = snapshot->names;

		snapshot->names = names->next;
		free(names);
	}
	free(snapshot->root.xattrs);
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

/* What a file was that was changed since; 1, or 0 while it is as it was. */
static int read_kept(struct hd_snapshot *snapshot, hd_ino ino, void *buffer, size_t size, uint64_t offset,
	size_t *ret_size)
{
	struct hd_rwlock *file_lock = hd_file_lock_of(snapshot->overlay, hd_ino_index(ino));
	const struct hd_kept_file *file;
	uint64_t end;
	int r;

	hd_rwlock_read(file_lock);
	r = hd_kept_file_find(snapshot->kept, ino, &file);
	hd_rwlock_unlock(file_lock);
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

	if (!node->unsettled) {
		*ret_size = 0;
		return hd_content_is_none(&node->content) ? 0
							  : hd_base_set_read(overlay->bases, &node->content,
								    buffer, size, offset, ret_size);
	}
	if ((node->attributes.mode & 0170000) != 0120000)
		return read_file(snapshot, node->attributes.ino, buffer, size, offset, ret_size);
	r = hd_overlay_readlink(overlay, node->attributes.ino, target, sizeof(target), &length);
	if (r < 0)
		return r;
	*ret_size = offset >= length ? 0 : length - offset < size ? length - offset : size;
	memcpy(buffer, target + (offset < length ? offset : 0), *ret_size);
	return 0;
}

static bool is_unchanged_since(const struct hd_inode *inode, const struct hd_snapshot *snapshot)
{
	return inode && inode->tree_change <= snapshot->barrier;
}

static int publish_directories(struct hd_snapshot *snapshot)
{
	struct hd_overlay *overlay = snapshot->overlay;
	size_t i = 0;
	int r = 0;

	while (r == 0 && i < snapshot->n_queue) {
		struct hd_transaction transaction;

		hd_transaction_begin(overlay->arena, &transaction);
		for (; i < snapshot->n_queue && hd_transaction_room(&transaction) > TRANSACTION_ROOM; i++) {
			const struct hd_snapshot_node *node = snapshot->queue[i].node;
			const struct hd_inode *seen = hd_inode_get(overlay->arena, node->attributes.ino);
			struct hd_inode *inode;

			if (!is_unchanged_since(seen, snapshot) || !hd_inode_is_directory(seen))
				continue;
			inode = hd_edit_inode(&transaction, hd_ino_index(node->attributes.ino));
			inode->content = node->content;
			inode->part.directory.attributes = node->attribute_content;
		}
		r = hd_overlay_commit(overlay, &transaction);
	}
	return r;
}

/* Whether the bytes of a settled file have another name in the state, git's for example. */
static bool has_other_content(const struct hd_inode *inode, const struct hd_snapshot_node *node)
{
	return !(inode->flags & HD_INODE_UNSETTLED) && !hd_inode_is_symlink(inode) && inode->size > 0 &&
	       node->content.kind != HD_CONTENT_HOST && !hd_content_equal(&inode->content, &node->content);
}

/* Whether the state knows the file of NODE by another group, or its bytes by another name, than the overlay does. */
static bool is_known_otherwise(const struct hd_snapshot *snapshot, const struct hd_snapshot_node *node)
{
	const struct hd_inode *inode = hd_inode_get(snapshot->overlay->arena, node->attributes.ino);

	/* One that still waits for a name waits for it under the old group. */
	return node->link_group && is_unchanged_since(inode, snapshot) && hd_inode_is_kept(inode) &&
	       inode->unseen_links == 0 &&
	       (inode->link_group != hd_link_group_kept(node->link_group, &node->content) ||
		       has_other_content(inode, node));
}

/*
 * Files with several names are from now on known as the state knows them: a switch may put names of theirs into directories
 * that nobody has looked into, and leave others alone (tree_switch_links.c), which then must be the same file by what it is told.
 */
static int publish_link_groups(struct hd_snapshot *snapshot)
{
	struct hd_overlay *overlay = snapshot->overlay;
	size_t i = 0, child = 0;
	int r = 0;

	while (r == 0 && i < snapshot->n_queue) {
		struct hd_transaction transaction;

		hd_transaction_begin(overlay->arena, &transaction);
		while (i < snapshot->n_queue && hd_transaction_room(&transaction) > TRANSACTION_ROOM) {
			const struct hd_snapshot_node *node = snapshot->queue[i].node;

			if (child == node->n_children) {
				child = 0;
				i++;
				continue;
			}
			node = &node->children[child++];
			if (is_known_otherwise(snapshot, node)) {
				uint32_t index = hd_ino_index(node->attributes.ino);
				uint64_t group = hd_link_group_kept(node->link_group, &node->content);
				struct hd_inode *inode = hd_edit_inode(&transaction, index);

				if (has_other_content(inode, node))
					inode->content = node->content;
				inode->link_group = group;
				hd_link_group_add(overlay->groups, group, index);
			}
		}
		r = hd_overlay_commit(overlay, &transaction);
	}
	return r;
}

static int publish_head(struct hd_snapshot *snapshot, const struct hd_state_id *state)
{
	struct hd_transaction transaction;
	struct hd_thread_head *head;

	hd_transaction_begin(snapshot->overlay->arena, &transaction);
	head = hd_edit_thread(&transaction);
	head->captured = snapshot->barrier;
	head->state = *state;
	return hd_overlay_commit(snapshot->overlay, &transaction);
}

int hd_snapshot_publish(struct hd_snapshot *snapshot, const struct hd_state_id *state)
{
	int r;

	hd_rwlock_write(&snapshot->overlay->lock);
	r = publish_directories(snapshot);
	/* Writers wait meanwhile: no look at every file of a large directory for nothing. */
	if (r == 0 && snapshot->has_link_groups)
		r = publish_link_groups(snapshot);
	if (r == 0)
		r = publish_head(snapshot, state);
	hd_rwlock_unlock(&snapshot->overlay->lock);
	return r;
}
