/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/listings/unseen_links.h"

#include "overlay/arena/link_groups.h"
#include "overlay/inodes/orphan.h"
#include "overlay/listings/base_loader.h"

/*
 * Directories are found by going through the inode table, because where they lie does not matter. Loading one makes
 * inodes of its subdirectories, perhaps behind the cursor: a pass that loaded something is followed by another one.
 */

#define LOADS_BETWEEN_LOOKS 64u
#define TRANSACTION_ROOM 8u

static bool is_unloaded_directory(const struct hd_arena *arena, uint32_t index)
{
	const struct hd_inode *inode = hd_record_inode(arena, index);

	return inode->state == HD_INODE_LIVE && hd_inode_is_directory(inode) &&
	       inode->flags & HD_INODE_UNLOADED;
}

/* The next directory to load from *CURSOR on, or 0. */
static hd_ino next_unloaded(struct hd_overlay *overlay, uint32_t *cursor)
{
	hd_ino ino = 0;
	uint32_t limit;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	for (; ino == 0 && *cursor < limit; ++*cursor)
		if (is_unloaded_directory(overlay->arena, *cursor))
			ino = hd_inode_id(overlay->arena, *cursor);
	hd_rwlock_unlock(&overlay->lock);
	return ino;
}

static bool are_awaited(struct hd_overlay *overlay)
{
	bool awaited;

	hd_rwlock_write(&overlay->lock);
	awaited = hd_link_groups_are_awaited(overlay->groups, overlay->arena);
	hd_rwlock_unlock(&overlay->lock);
	return awaited;
}

/* Loads until no name is awaited or there is nothing to load; false if something could not be. */
static bool load_what_is_left(struct hd_overlay *overlay)
{
	bool all = true, again = true;

	while (again) {
		uint32_t cursor = 1;
		unsigned loads = 0;
		hd_ino ino;

		again = false;
		all = true;
		while ((ino = next_unloaded(overlay, &cursor))) {
			if (hd_load_directory(overlay, ino) < 0)
				all = false;
			else
				again = true;
			if (++loads % LOADS_BETWEEN_LOOKS == 0 && !are_awaited(overlay))
				return all;
		}
	}
	return all;
}

static bool everything_is_loaded_locked(const struct hd_overlay *overlay)
{
	uint32_t limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);

	for (uint32_t i = 1; i < limit; i++)
		if (is_unloaded_directory(overlay->arena, i))
			return false;
	return true;
}

/* Everything is loaded: names that were not met are outside. nlink goes on telling of them, as the base does. */
static int stop_waiting_locked(struct hd_overlay *overlay)
{
	size_t cursor = 0;
	uint32_t index;
	int r;

	do {
		struct hd_transaction transaction;

		index = 0;
		hd_transaction_begin(overlay->arena, &transaction);
		while (hd_transaction_room(&transaction) > TRANSACTION_ROOM &&
			(index = hd_link_groups_next(overlay->groups, overlay->arena, &cursor))) {
			struct hd_inode *inode = hd_edit_inode(&transaction, index);

			inode->outside_links += inode->unseen_links;
			inode->unseen_links = 0;
			if (inode->state == HD_INODE_HIDDEN)
				inode->state = HD_INODE_ORPHAN;
		}
		r = hd_overlay_commit(overlay, &transaction);
	} while (r == 0 && index);
	return r;
}

static bool is_orphan(struct hd_overlay *overlay, uint32_t index)
{
	bool orphan;

	hd_rwlock_read(&overlay->lock);
	orphan = hd_inode_is_releasable(overlay->arena, index);
	hd_rwlock_unlock(&overlay->lock);
	return orphan;
}

static void release_orphans(struct hd_overlay *overlay)
{
	uint32_t limit;

	hd_rwlock_read(&overlay->lock);
	limit = hd_record_high_water(overlay->arena, HD_TABLE_INODE);
	hd_rwlock_unlock(&overlay->lock);
	for (uint32_t index = 1; index < limit; index++)
		if (is_orphan(overlay, index))
			hd_overlay_release_orphan(overlay, index);
}

static void lock_all(struct hd_overlay *overlay)
{
	hd_rwlock_write(&overlay->change_lock);
	hd_rwlock_write(&overlay->lock);
}

static void unlock_all(struct hd_overlay *overlay)
{
	hd_rwlock_unlock(&overlay->lock);
	hd_rwlock_unlock(&overlay->change_lock);
}

void hd_lock_with_links_seen(struct hd_overlay *overlay)
{
	bool stopped = false, all = true;

	lock_all(overlay);
	while (all && hd_link_groups_are_awaited(overlay->groups, overlay->arena)) {
		if (everything_is_loaded_locked(overlay)) {
			stopped = stop_waiting_locked(overlay) == 0;
			break;
		}
		unlock_all(overlay);
		all = load_what_is_left(overlay);
		lock_all(overlay);
	}
	if (!stopped)
		return;
	unlock_all(overlay);
	release_orphans(overlay);
	lock_all(overlay);
}
