/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_ACCESS_ACCESS_CONTROL_H
#define HEDDLE_ACCESS_ACCESS_CONTROL_H

/*
 * Access control: an inode's mode and its POSIX ACLs, kept in step with each other.
 *
 * The lists are extended attributes like others, so that bases give and states keep them without knowing what they
 * are. What makes them more than bytes is here: whoever sets the mode changes the list, and the other way round, in
 * one transaction; what is made in a directory with a default list inherits it. Who may do what is not decided here:
 * the kernel does, which asks for the lists (default_permissions).
 *
 * Threads     Everything needs the namespace lock for writing.
 * Errors      -EINVAL, -EOPNOTSUPP, -EACCES as setxattr(2) of a local filesystem; -EIO for a list out of a
 *             base or a state that is none.
 */

#include "overlay/overlay_types.h"
#include "overlay/platform/buffer.h"

/*
 * Changes the mode of inode INDEX, the transaction's copy of which is INODE, and its access list with it. LIST is
 * what hd_access_prepare_mode found, before the transaction began.
 */
struct hd_access_change {
	struct hd_buffer string; /* owned: the attributes as they will be */
	bool has_list;
};
int hd_access_prepare_mode(struct hd_overlay *overlay, const struct hd_inode *inode, uint32_t mode,
	struct hd_access_change *ret);
void hd_access_set_mode(struct hd_transaction *transaction, struct hd_inode *inode, uint32_t mode,
	const struct hd_access_change *change);
void hd_access_change_clear(struct hd_access_change *change);

/* What something new gets from its directory. */
struct hd_inheritance {
	uint32_t mode;           /* what it is made with */
	struct hd_buffer string; /* owned: its attributes, maybe none */
};
/* MODE is what was asked for, with its type; without a default list UMASK applies. */
int hd_access_inherit(struct hd_overlay *overlay, const struct hd_inode *directory, uint32_t mode,
	uint32_t umask, struct hd_inheritance *ret);
void hd_inheritance_clear(struct hd_inheritance *inheritance);

/*
 * Sets (VALUE NULL: removes) the list NAME of INO. A list that a mode can say becomes the mode alone. DROP_SETGID: the
 * set-group-ID bit goes as well, because who asks is not of the group.
 */
int hd_access_set_list_locked(struct hd_overlay *overlay, hd_ino ino, const char *name, const void *value,
	size_t size, bool drop_setgid);

#endif
