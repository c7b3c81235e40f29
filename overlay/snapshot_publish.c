/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/arena/link_groups.h"
#include "overlay/snapshot_types.h"
#include "overlay/store/link_group.h"

/* Telling the overlay that a snapshot became a state. */

static bool is_unchanged_since(const struct hd_inode *inode, const struct hd_snapshot *snapshot)
{
	return inode && inode->tree_change <= snapshot->barrier;
}

/*
 * Of one that changed again since, the reference is what it was at the barrier, as long as it is anywhere: what did not change since
 * is in it.
 */
static int publish_directories(struct hd_snapshot *snapshot)
{
	struct hd_overlay *overlay = snapshot->overlay;
	size_t i = 0;
	int r = 0;

	while (r == 0 && i < snapshot->n_queue) {
		struct hd_transaction transaction;

		hd_transaction_begin(overlay->arena, &transaction);
		for (; i < snapshot->n_queue && hd_transaction_room(&transaction) > HD_SNAPSHOT_ROOM; i++) {
			const struct hd_snapshot_node *node = snapshot->queue[i].node;
			const struct hd_inode *seen = hd_inode_get(overlay->arena, node->attributes.ino);
			struct hd_inode *inode;

			if (!seen || seen->state != HD_INODE_LIVE || !hd_inode_is_directory(seen))
				continue;
			inode = hd_edit_inode(&transaction, hd_ino_index(node->attributes.ino));
			inode->content = node->content;
			inode->part.directory.attributes = node->attribute_content;
			inode->part.directory.recorded = snapshot->barrier;
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
		while (i < snapshot->n_queue && hd_transaction_room(&transaction) > HD_SNAPSHOT_ROOM) {
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
