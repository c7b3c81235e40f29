/* SPDX-License-Identifier: Apache-2.0 */
#include <linux/fs.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/access/access_control.h"
#include "overlay/access/attribute_string.h"
#include "overlay/changes/change_log.h"
#include "overlay/inodes/orphan.h"
#include "overlay/inodes/request.h"
#include "overlay/listings/base_loader.h"
#include "overlay/names/remove_node.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/clock.h"

/*
 * Rename: moves one entry. What is below a moved directory does not notice, loaded or not, so a directory
 * that only the base has is renamed in constant time and its children keep their inodes.
 *
 * Checks and change are one hold of the lock: NOREPLACE cannot be overtaken by a create. The directory that
 * may be replaced is loaded before, without the lock, because only a loaded one is known to be empty.
 */

struct renaming {
	hd_ino parent, new_parent;
	const char *name, *new_name;
	size_t length, new_length;
	unsigned flags;
	const struct hd_caller *caller;    /* whose the whiteout is; NULL without one */
	struct hd_inheritance inheritance; /* the whiteout's; owned */
	uint32_t entry, child;             /* what is renamed */
	uint32_t new_entry, new_child;     /* what is at the new name, or 0 */
};

static bool is_directory(const struct hd_overlay *overlay, uint32_t index)
{
	return hd_inode_is_directory(hd_record_inode(overlay->arena, index));
}

static int find_both(struct hd_overlay *overlay, struct renaming *renaming)
{
	const struct hd_inode *inode;
	int r = hd_overlay_inode(overlay, renaming->parent, &inode);

	if (r == 0)
		r = hd_overlay_inode(overlay, renaming->new_parent, &inode);
	if (r < 0)
		return r;
	if (!hd_inode_is_directory(inode))
		return -ENOTDIR;
	if (inode->state != HD_INODE_LIVE)
		return -ENOENT;
	renaming->entry = hd_entry_find(
		overlay->arena, hd_ino_index(renaming->parent), renaming->name, renaming->length);
	renaming->new_entry = hd_entry_find(
		overlay->arena, hd_ino_index(renaming->new_parent), renaming->new_name, renaming->new_length);
	if (!renaming->entry)
		return -ENOENT;
	renaming->child = hd_record_entry(overlay->arena, renaming->entry)->child;
	renaming->new_child =
		renaming->new_entry ? hd_record_entry(overlay->arena, renaming->new_entry)->child : 0;
	return 0;
}

/* True when DIRECTORY is ANCESTOR or lies below it. */
static bool is_below(const struct hd_overlay *overlay, uint32_t directory, uint32_t ancestor)
{
	while (directory != ancestor) {
		uint32_t parent = hd_inode_parent(overlay->arena, directory);

		if (parent == directory)
			return false;
		directory = parent;
	}
	return true;
}

/* rename(2), in the order in which local filesystems answer. */
static int check(const struct hd_overlay *overlay, const struct renaming *renaming)
{
	bool moves_directory = is_directory(overlay, renaming->child);
	bool exchange = renaming->flags & RENAME_EXCHANGE;

	if (renaming->new_entry && renaming->flags & RENAME_NOREPLACE)
		return -EEXIST;
	if (!renaming->new_entry && exchange)
		return -ENOENT;
	if (moves_directory && is_below(overlay, hd_ino_index(renaming->new_parent), renaming->child))
		return -EINVAL;
	if (renaming->new_child && is_directory(overlay, renaming->new_child) &&
		is_below(overlay, hd_ino_index(renaming->parent), renaming->new_child))
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (!renaming->new_child || exchange || renaming->child == renaming->new_child)
		return 0;
	if (is_directory(overlay, renaming->new_child)) {
		if (!moves_directory)
			return -EISDIR;
		return hd_check_removable(overlay->arena, renaming->new_child);
	}
	return moves_directory ? -ENOTDIR : 0;
}

static void touch(
	struct hd_transaction *transaction, uint32_t index, bool modified, const struct timespec *now)
{
	struct hd_inode *inode = hd_edit_inode(transaction, index);

	inode->change_time = hd_time_from(now);
	if (modified)
		inode->modify_time = inode->change_time;
	hd_inode_mark_changed(transaction, index);
}

static void exchange(
	struct hd_transaction *transaction, const struct renaming *renaming, const struct timespec *now)
{
	uint32_t parent = hd_ino_index(renaming->parent), new_parent = hd_ino_index(renaming->new_parent);
	bool first = hd_inode_is_directory(hd_view_inode(transaction, renaming->child));
	bool second = hd_inode_is_directory(hd_view_inode(transaction, renaming->new_child));

	hd_entry_point(transaction, renaming->entry, renaming->new_child);
	hd_entry_point(transaction, renaming->new_entry, renaming->child);
	if (first != second) {
		uint32_t gains = first ? new_parent : parent, loses = first ? parent : new_parent;

		hd_edit_inode(transaction, gains)->part.directory.subdirectories++;
		hd_edit_inode(transaction, loses)->part.directory.subdirectories--;
	}
	touch(transaction, renaming->child, false, now);
	touch(transaction, renaming->new_child, false, now);
}

static void move(
	struct hd_transaction *transaction, const struct renaming *renaming, const struct timespec *now)
{
	bool moves_directory = hd_inode_is_directory(hd_view_inode(transaction, renaming->child));

	if (renaming->new_entry)
		hd_remove_entry(transaction, renaming->new_entry, now);
	hd_entry_remove(transaction, renaming->entry, moves_directory);
	(void)hd_entry_insert(transaction, hd_ino_index(renaming->new_parent), renaming->new_name,
		renaming->new_length, renaming->child, moves_directory);
	touch(transaction, renaming->child, false, now);
}

/* A character device 0:0 without rights, and with what its directory has it inherit, as local filesystems make it. */
static int prepare_whiteout(struct hd_overlay *overlay, struct renaming *renaming)
{
	const struct hd_inode *directory = hd_record_inode(overlay->arena, hd_ino_index(renaming->parent));

	return hd_access_inherit(overlay, directory, S_IFCHR, 0, &renaming->inheritance);
}

static void leave_whiteout(
	struct hd_transaction *transaction, const struct renaming *renaming, const struct timespec *now)
{
	uint32_t parent = hd_ino_index(renaming->parent);
	uint32_t child = hd_inode_new(transaction, renaming->inheritance.mode, now);
	const struct hd_inode *directory = hd_view_inode(transaction, parent);
	struct hd_inode *inode;

	if (!child)
		return; /* which the commit reports */
	inode = hd_edit_inode(transaction, child);
	inode->uid = renaming->caller->uid;
	inode->gid = directory->mode & S_ISGID ? directory->gid : renaming->caller->gid;
	inode->device = 0;
	hd_attribute_string_store(transaction, inode, &renaming->inheritance.string);
	(void)hd_entry_insert(transaction, parent, renaming->name, renaming->length, child, false);
	hd_inode_mark_changed(transaction, child);
}

/* What comes to a name in the place of something else is marked as changed, unless it is a directory: that one is noted. */
static void note_names(struct hd_overlay *overlay, const struct renaming *renaming)
{
	bool moves_directory = is_directory(overlay, renaming->child);

	hd_change_log_name_gone(overlay, renaming->parent, renaming->name, moves_directory);
	if (moves_directory)
		hd_change_log_moved(overlay, renaming->child);
	if (!renaming->new_child)
		return;
	hd_change_log_name_gone(overlay, renaming->new_parent, renaming->new_name,
		is_directory(overlay, renaming->new_child));
	if (renaming->flags & RENAME_EXCHANGE && is_directory(overlay, renaming->new_child))
		hd_change_log_moved(overlay, renaming->new_child);
}

static int rename_locked(struct hd_overlay *overlay, struct renaming *renaming)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	int r = find_both(overlay, renaming);

	if (r == 0)
		r = check(overlay, renaming);
	if (r < 0 || renaming->child == renaming->new_child)
		return r; /* two names of one file: nothing happens */
	if (renaming->flags & RENAME_WHITEOUT) {
		r = prepare_whiteout(overlay, renaming);
		if (r < 0)
			return r;
	}
	hd_transaction_begin(overlay->arena, &transaction);
	if (renaming->flags & RENAME_EXCHANGE)
		exchange(&transaction, renaming, &now);
	else
		move(&transaction, renaming, &now);
	if (renaming->flags & RENAME_WHITEOUT)
		leave_whiteout(&transaction, renaming, &now);
	touch(&transaction, hd_ino_index(renaming->parent), true, &now);
	touch(&transaction, hd_ino_index(renaming->new_parent), true, &now);
	hd_request_note(&transaction, 0);
	r = hd_overlay_commit(overlay, &transaction);
	if (r == 0)
		note_names(overlay, renaming);
	hd_inheritance_clear(&renaming->inheritance);
	return r;
}

/* Loads the directory that is about to be replaced, if it is one. */
static int load_target(struct hd_overlay *overlay, const struct renaming *renaming)
{
	hd_ino ino = 0;
	uint32_t entry;

	hd_rwlock_read(&overlay->lock);
	entry = hd_entry_find(
		overlay->arena, hd_ino_index(renaming->new_parent), renaming->new_name, renaming->new_length);
	if (entry && is_directory(overlay, hd_record_entry(overlay->arena, entry)->child))
		ino = hd_inode_id(overlay->arena, hd_record_entry(overlay->arena, entry)->child);
	hd_rwlock_unlock(&overlay->lock);
	return ino ? hd_load_directory(overlay, ino) : 0;
}

static int try_rename(struct hd_overlay *overlay, struct renaming *renaming)
{
	uint32_t replaced;
	int r = hd_load_directory(overlay, renaming->parent);

	if (r == 0)
		r = hd_load_directory(overlay, renaming->new_parent);
	if (r == 0)
		r = load_target(overlay, renaming);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = rename_locked(overlay, renaming);
	replaced = renaming->flags & RENAME_EXCHANGE || renaming->child == renaming->new_child
			   ? 0
			   : renaming->new_child;
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0 && replaced)
		hd_overlay_release_orphan(overlay, replaced);
	return r;
}

static int rename_node(struct hd_overlay *overlay, struct renaming *renaming)
{
	int r;

	if (hd_request_is_done())
		return 0;
	if (renaming->flags & RENAME_EXCHANGE && renaming->flags & (RENAME_NOREPLACE | RENAME_WHITEOUT))
		return -EINVAL;
	r = hd_overlay_check_name(renaming->name, &renaming->length);
	if (r == 0)
		r = hd_overlay_check_name(renaming->new_name, &renaming->new_length);
	if (r == -EINVAL)
		r = -EBUSY; /* "." and ".." */
	/* Another directory may have come to the new name since it was loaded: then again. */
	while (r == 0 || r == -EAGAIN) {
		r = try_rename(overlay, renaming);
		if (r != -EAGAIN)
			break;
	}
	return r;
}

int hd_overlay_rename(struct hd_overlay *overlay, hd_ino parent, const char *name, hd_ino new_parent,
	const char *new_name, unsigned flags)
{
	return hd_overlay_rename_as(overlay, NULL, parent, name, new_parent, new_name, flags);
}

int hd_overlay_rename_as(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, hd_ino new_parent, const char *new_name, unsigned flags)
{
	unsigned known = RENAME_NOREPLACE | RENAME_EXCHANGE | (caller ? RENAME_WHITEOUT : 0u);
	struct renaming renaming = {.parent = parent,
		.new_parent = new_parent,
		.name = name,
		.new_name = new_name,
		.flags = flags,
		.caller = caller};

	return flags & ~known ? -EINVAL : rename_node(overlay, &renaming);
}
