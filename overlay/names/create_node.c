/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>
#include <sys/stat.h>

#include "overlay/access/access_control.h"
#include "overlay/access/attribute_string.h"
#include "overlay/arena/cells.h"
#include "overlay/contents/promotion.h"
#include "overlay/inodes/request.h"
#include "overlay/journal/flush.h"
#include "overlay/listings/base_loader.h"
#include "overlay/overlay_types.h"
#include "overlay/platform/clock.h"

/*
 * Creating names: create, mknod, mkdir, symlink, link; and a file without one, which is an orphan from the beginning.
 *
 * All are one transaction: a new inode (or one name more for an old one), the entry, the parent's times
 * and the marks; and what a new inode inherits of its directory's default access control list. A new directory is born loaded and empty, so nothing of the base can shine through.
 */

#define SYMLINK_LIMIT 4095

struct creation {
	uint32_t mode;
	uint32_t device;
	const char *target; /* of a symbolic link */
	unsigned opens;     /* counts given with the inode */
	bool is_unnamed, may_be_named;
};

/* The parent as somewhere to create in: exists, is a directory, was not removed. */
static int check_directory_locked(struct hd_overlay *overlay, hd_ino parent)
{
	const struct hd_inode *inode;
	int r = hd_overlay_inode(overlay, parent, &inode);

	if (r < 0)
		return r;
	if (!hd_inode_is_directory(inode))
		return -ENOTDIR;
	return inode->state == HD_INODE_LIVE ? 0 : -ENOENT;
}

/* The same, and has no such name. */
static int check_parent_locked(struct hd_overlay *overlay, hd_ino parent, const char *name, size_t length)
{
	int r = check_directory_locked(overlay, parent);

	return r == 0 && hd_entry_find(overlay->arena, hd_ino_index(parent), name, length) ? -EEXIST : r;
}

static void touch_parent(struct hd_transaction *transaction, uint32_t parent, const struct timespec *now)
{
	struct hd_inode *inode = hd_edit_inode(transaction, parent);

	inode->modify_time = inode->change_time = hd_time_from(now);
	hd_inode_mark_changed(transaction, parent);
}

/* inode(7): in a set-group-ID directory a new file has the directory's group, a new directory the bit as
 * well. */
static void give_owner(struct hd_inode *inode, const struct hd_caller *caller, const struct hd_inode *parent)
{
	inode->uid = caller->uid;
	inode->gid = caller->gid;
	if (!(parent->mode & S_ISGID))
		return;
	inode->gid = parent->gid;
	if (hd_inode_is_directory(inode))
		inode->mode |= S_ISGID;
}

static void store_target(struct hd_transaction *transaction, struct hd_inode *inode, const char *target)
{
	size_t length = strlen(target);

	inode->part.link.target = hd_cells_store(transaction, target, length);
	inode->size = length;
	inode->flags |= HD_INODE_UNSETTLED;
}

static void insert_name(struct hd_transaction *transaction, uint32_t parent, const char *name, size_t length,
	uint32_t child, const struct timespec *now)
{
	(void)hd_entry_insert(transaction, parent, name, length, child,
		hd_inode_is_directory(hd_view_inode(transaction, child)));
	touch_parent(transaction, parent, now);
	hd_inode_mark_changed(transaction, child);
}

static void be_unnamed(struct hd_inode *inode, bool may_be_named)
{
	inode->nlink = 0;
	inode->state = HD_INODE_ORPHAN;
	if (may_be_named)
		inode->flags |= HD_INODE_UNNAMED;
}

/* The id that CHILD will have. */
static hd_ino new_id(const struct hd_transaction *transaction, uint32_t child)
{
	return (hd_ino)hd_view_inode(transaction, child)->generation << 32 | child;
}

static int create_locked(struct hd_overlay *overlay, const struct hd_caller *caller, uint32_t parent,
	const char *name, size_t length, const struct creation *creation, struct hd_attributes *ret)
{
	struct timespec now = hd_clock_now();
	struct hd_inheritance inheritance;
	struct hd_transaction transaction;
	struct hd_reference *reference;
	uint32_t child;
	int r;

	r = hd_access_inherit(overlay, hd_record_inode(overlay->arena, parent), creation->mode, caller->umask,
		&inheritance);
	if (r < 0)
		return r;
	hd_transaction_begin(overlay->arena, &transaction);
	child = hd_inode_new(&transaction, inheritance.mode, &now);
	if (child) {
		struct hd_inode *inode = hd_edit_inode(&transaction, child);

		give_owner(inode, caller, hd_view_inode(&transaction, parent));
		hd_attribute_string_store(&transaction, inode, &inheritance.string);
		inode->device = creation->device;
		if (creation->target)
			store_target(&transaction, inode, creation->target);
		reference = hd_edit_reference(&transaction, child);
		*reference = (struct hd_reference){
			.lookups = 1, .opens = overlay->ignores_opens ? 0 : creation->opens};
		if (creation->is_unnamed)
			be_unnamed(inode, creation->may_be_named);
		else
			insert_name(&transaction, parent, name, length, child, &now);
		hd_request_note(&transaction, new_id(&transaction, child));
	}
	r = hd_overlay_commit(overlay, &transaction);
	if (r == 0)
		hd_inode_attributes(overlay->arena, child, ret);
	hd_inheritance_clear(&inheritance);
	return r;
}

static int create(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent, const char *name,
	const struct creation *creation, struct hd_attributes *ret)
{
	size_t length;
	int r = hd_overlay_check_name(name, &length);

	if (hd_request_is_done() && hd_overlay_getattr(overlay, hd_request_done_ino(), ret) == 0)
		return 0;
	if (r == -EINVAL)
		r = name[0] ? -EEXIST : -ENOENT; /* "." and ".." exist */
	if (r == 0)
		r = hd_load_directory(overlay, parent);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = check_parent_locked(overlay, parent, name, length);
	if (r == 0)
		r = create_locked(overlay, caller, hd_ino_index(parent), name, length, creation, ret);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_create(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode, struct hd_attributes *ret)
{
	struct creation creation = {.mode = S_IFREG | (mode & 07777), .opens = 1};

	return create(overlay, caller, parent, name, &creation, ret);
}

int hd_overlay_create_unnamed(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	mode_t mode, bool may_be_named, struct hd_attributes *ret)
{
	struct creation creation = {.mode = S_IFREG | (mode & 07777),
		.opens = 1,
		.is_unnamed = true,
		.may_be_named = may_be_named};
	int r;

	if (hd_request_is_done() && hd_overlay_getattr(overlay, hd_request_done_ino(), ret) == 0)
		return 0;
	hd_rwlock_write(&overlay->lock);
	r = check_directory_locked(overlay, parent);
	if (r == 0)
		r = create_locked(overlay, caller, hd_ino_index(parent), NULL, 0, &creation, ret);
	hd_rwlock_unlock(&overlay->lock);
	return r;
}

int hd_overlay_mknod(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode, uint32_t device, struct hd_attributes *ret)
{
	bool is_device = S_ISCHR(mode) || S_ISBLK(mode);
	struct creation creation = {.mode = mode & (S_IFMT | 07777), .device = is_device ? device : 0};

	if ((mode & S_IFMT) == 0)
		creation.mode |= S_IFREG;
	else if (!S_ISREG(mode) && !is_device && !S_ISFIFO(mode) && !S_ISSOCK(mode))
		return -EINVAL;
	return create(overlay, caller, parent, name, &creation, ret);
}

int hd_overlay_mkdir(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, mode_t mode, struct hd_attributes *ret)
{
	struct creation creation = {.mode = S_IFDIR | (mode & 07777)};

	return create(overlay, caller, parent, name, &creation, ret);
}

int hd_overlay_symlink(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino parent,
	const char *name, const char *target, struct hd_attributes *ret)
{
	struct creation creation = {.mode = S_IFLNK | 0777, .target = target};
	size_t length = strnlen(target, SYMLINK_LIMIT + 1);

	if (length == 0)
		return -ENOENT;
	if (length > SYMLINK_LIMIT)
		return -ENAMETOOLONG;
	return create(overlay, caller, parent, name, &creation, ret);
}

static int link_locked(struct hd_overlay *overlay, hd_ino ino, uint32_t parent, const char *name,
	size_t length, struct hd_attributes *ret)
{
	struct timespec now = hd_clock_now();
	struct hd_transaction transaction;
	const struct hd_inode *old;
	struct hd_inode *inode;
	bool is_unnamed;
	int r = hd_overlay_inode(overlay, ino, &old);

	if (r < 0)
		return r;
	if (hd_inode_is_directory(old))
		return -EPERM;
	is_unnamed = old->flags & HD_INODE_UNNAMED;
	if (!hd_inode_is_kept(old) && !is_unnamed)
		return -ENOENT;
	if (old->nlink >= HD_LINK_LIMIT)
		return -EMLINK;
	hd_transaction_begin(overlay->arena, &transaction);
	inode = hd_edit_inode(&transaction, hd_ino_index(ino));
	inode->nlink++;
	inode->state = HD_INODE_LIVE;
	inode->flags &= (uint8_t)~HD_INODE_UNNAMED;
	inode->change_time = hd_time_from(&now);
	insert_name(&transaction, parent, name, length, hd_ino_index(ino), &now);
	hd_edit_reference(&transaction, hd_ino_index(ino))->lookups++;
	hd_request_note(&transaction, ino);
	/* No flush has written the bytes of a file that nobody could find. */
	if (is_unnamed)
		hd_flusher_note_data(overlay->flusher, ino, 0, HD_BLOCK_COUNT_LIMIT);
	r = hd_overlay_commit(overlay, &transaction);
	if (r == 0)
		hd_inode_attributes(overlay->arena, hd_ino_index(ino), ret);
	return r;
}

int hd_overlay_link(struct hd_overlay *overlay, hd_ino ino, hd_ino new_parent, const char *new_name,
	struct hd_attributes *ret)
{
	size_t length;
	int r = hd_overlay_check_name(new_name, &length);

	if (hd_request_is_done() && hd_overlay_getattr(overlay, hd_request_done_ino(), ret) == 0)
		return 0;
	if (r == -EINVAL)
		r = new_name[0] ? -EEXIST : -ENOENT;
	if (r == 0)
		r = hd_load_directory(overlay, new_parent);
	if (r < 0)
		return r;
	hd_rwlock_write(&overlay->lock);
	r = check_parent_locked(overlay, new_parent, new_name, length);
	if (r == 0)
		r = link_locked(overlay, ino, hd_ino_index(new_parent), new_name, length, ret);
	hd_rwlock_unlock(&overlay->lock);
	if (r == 0)
		hd_promoter_enqueue(overlay->promoter, ino);
	return r;
}
