/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading the mode and setting it are two calls; the kernel holds the inode's lock around writes, truncation
 * and chmod alike, so that no other change of the mode can come between them.
 */

#include "mount/privilege_drop.h"

#include <sys/stat.h>

uint32_t hd_privilege_bits(uint32_t mode)
{
	uint32_t bits = 0;

	/* chown(2) drops them of everything but directories, where set-group-ID means inheritance. */
	if (S_ISDIR(mode))
		return 0;
	if (mode & S_ISUID)
		bits |= S_ISUID;
	/* Without the group's x the bit means mandatory locking, not a privilege. */
	if ((mode & S_ISGID) && (mode & S_IXGRP))
		bits |= S_ISGID;
	return bits;
}

int hd_privilege_drop(struct hd_overlay *overlay, const struct hd_caller *caller, hd_ino ino)
{
	struct hd_attributes attributes;
	uint32_t bits;
	int r;

	r = hd_overlay_getattr(overlay, ino, &attributes);
	if (r < 0)
		return r;
	bits = hd_privilege_bits(attributes.mode);
	if (bits == 0)
		return 0;
	attributes.mode &= ~bits;
	return hd_overlay_setattr(overlay, caller, ino, HD_SET_MODE, &attributes, &attributes);
}
