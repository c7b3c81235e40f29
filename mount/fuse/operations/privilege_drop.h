/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_FUSE_OPERATIONS_PRIVILEGE_DROP_H
#define HEDDLE_MOUNT_FUSE_OPERATIONS_PRIVILEGE_DROP_H

/*
 * Privilege drop: a file that is written, truncated or given away loses its set-user-id and set-group-id
 * bits.
 *
 * The duty that FUSE_HANDLE_KILLPRIV_V2 puts on the filesystem (linux/fuse.h, protocol 7.33). In return the
 * kernel asks for security.capability once per inode instead of before every write, and removes that
 * attribute itself.
 *
 * Threads     Any. Errors: those of the overlay.
 */

#include <stdbool.h>

#include "mount/owner_map.h"
#include "overlay/overlay.h"

/* The bits that MODE of a file loses, 0 for directories. IN_GROUP: who changes the file is a member of its group, or
 * root. */
uint32_t hd_privilege_bits(uint32_t mode, bool in_group);

/* The bits that a file shown with these attributes loses when CALLER changes it. May read /proc. */
uint32_t hd_privilege_bits_for(const struct hd_attributes *shown, const struct hd_caller *caller);

/* Drops the bits of INO, which is shown to belong to whom OWNERS says, as CALLER, if it has any. */
int hd_privilege_drop(struct hd_overlay *overlay, const struct hd_owner_map *owners,
	const struct hd_caller *caller, hd_ino ino);

#endif
