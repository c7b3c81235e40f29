/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "overlay/inodes/orphan.h"
#include "overlay/inodes/request_note.h"
#include "overlay/listings/base_loader.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/kill_point.h"
#include "overlay/states/state_tree.h"

/*
 * Lookup and forget: how the kernel gets hold of inodes and lets go of them.
 *
 * A lookup counts in the same hold of the lock in which the name was found, so that nothing can release the
 * inode in between; and through a transaction like any change, because the count must be exact when another
 * process takes the arena over.
 */

/* Adds one lookup to INDEX and fills the attributes; the namespace lock is held for writing. */
static int count_locked(struct hd_overlay *overlay, uint32_t index, struct hd_attributes *ret)
{
	struct hd_transaction transaction;
	int r;

	hd_transaction_begin(overlay->arena, &transaction);
	hd_edit_reference(&transaction, index)->lookups++;
	hd_request_note(&transaction, hd_inode_id(overlay->arena, index));
	r = hd_overlay_commit(overlay, &transaction);
	if (r == 0)
		hd_inode_attributes(overlay->arena, index, ret);
	return r;
}

static bool is_unloaded(const struct hd_overlay *overlay, uint32_t index)
{
	const struct hd_inode *inode = hd_record_inode(overlay->arena, index);

	return hd_inode_is_directory(inode) && inode->flags & HD_INODE_UNLOADED;
}

/* A directory's link count tells how many directories are in it: it must be loaded before it is shown. A base
 * that fails here fails again, audibly, when somebody looks inside. */
static void complete_attributes(struct hd_overlay *overlay, hd_ino ino, struct hd_attributes *attributes)
{
	if (hd_load_directory(overlay, ino) < 0)
		return;
	hd_rwlock_read(&overlay->lock);
	if (hd_inode_get(overlay->arena, ino))
		hd_inode_attributes(overlay->arena, hd_ino_index(ino), attributes);
	hd_rwlock_unlock(&overlay->lock);
}

static int find_locked(
	struct hd_overlay *overlay, hd_ino parent, const char *name, size_t length, uint32_t *ret_child)
{
	const struct hd_inode *inode;
	uint32_t entry;
	int r = hd_overlay_inode(overlay, parent, &inode);

	if (r < 0)
		return r;
	if (strcmp(name, ".") == 0) {
		*ret_child = hd_ino_index(parent);
		return 0;
	}
	if (strcmp(name, "..") == 0) {
		*ret_child = hd_inode_parent(overlay->arena, hd_ino_index(parent));
		return 0;
	}
	entry = hd_entry_find(overlay->arena, hd_ino_index(parent), name, length);
	if (!entry)
		return -ENOENT;
	*ret_child = hd_record_entry(overlay->arena, entry)->child;
	return 0;
}

int hd_overlay_lookup(struct hd_overlay *overlay, hd_ino parent, const char *name, struct hd_attributes *ret)
{
	size_t length = strnlen(name, HD_NAME_LIMIT + 1);
	bool unloaded = false;
	uint32_t child = 0;
	int r;

	if (hd_request_is_done() && hd_overlay_getattr(overlay, hd_request_done_ino(), ret) == 0)
		return 0;
	if (hd_ino_is_of_state(parent))
		return hd_state_tree_lookup(overlay, parent, name, ret);
	if (length > HD_NAME_LIMIT)
		return -ENAMETOOLONG;
	r = hd_load_directory(overlay, parent);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = find_locked(overlay, parent, name, length, &child);
	if (r == 0)
		r = count_locked(overlay, child, ret);
	if (r == 0)
		unloaded = is_unloaded(overlay, child);
	hd_rwlock_unlock(&overlay->lock);
	if (unloaded)
		complete_attributes(overlay, ret->ino, ret);
	return r;
}

bool hd_overlay_has_name(struct hd_overlay *overlay, hd_ino parent, const char *name)
{
	uint32_t child;
	bool found;

	if (hd_load_directory(overlay, parent) < 0)
		return false;
	hd_rwlock_read(&overlay->lock);
	found = find_locked(overlay, parent, name, strlen(name), &child) == 0;
	hd_rwlock_unlock(&overlay->lock);
	return found;
}

int hd_overlay_getattr(struct hd_overlay *overlay, hd_ino ino, struct hd_attributes *ret)
{
	const struct hd_inode *inode;
	bool unloaded = false;
	int r;

	if (hd_ino_is_of_state(ino))
		return hd_state_tree_getattr(overlay, ino, ret);
	hd_rwlock_read(&overlay->lock);
	r = hd_overlay_inode(overlay, ino, &inode);
	if (r == 0) {
		hd_inode_attributes(overlay->arena, hd_ino_index(ino), ret);
		unloaded = is_unloaded(overlay, hd_ino_index(ino));
	}
	hd_rwlock_unlock(&overlay->lock);
	if (unloaded)
		complete_attributes(overlay, ino, ret);
	return r;
}

void hd_overlay_forget(struct hd_overlay *overlay, hd_ino ino, uint64_t count)
{
	struct hd_transaction transaction;
	bool releasable = false, is_known;

	if (hd_ino_is_of_state(ino)) {
		hd_state_tree_forget(overlay, ino, count);
		return;
	}
	hd_rwlock_write(&overlay->lock);
	is_known = hd_inode_get(overlay->arena, ino) != NULL;
	hd_transaction_begin(overlay->arena, &transaction);
	if (is_known) {
		struct hd_reference *reference = hd_edit_reference(&transaction, hd_ino_index(ino));

		reference->lookups -= count < reference->lookups ? count : reference->lookups;
	}
	/* Of an unknown one as well: steps are counted off when a request is gone on with. */
	hd_request_step(&transaction);
	(void)hd_overlay_commit(overlay, &transaction);
	HD_KILL_POINT(forget_counted);
	if (is_known)
		releasable = hd_inode_is_releasable(overlay->arena, hd_ino_index(ino));
	hd_rwlock_unlock(&overlay->lock);
	if (releasable)
		hd_overlay_release_orphan(overlay, hd_ino_index(ino));
}
