/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Reading the mode and setting it are two calls; the kernel holds the inode's lock around writes, truncation
 * and chmod alike, so that no other change of the mode can come between them.
 */

#include "mount/fuse/operations/privilege_drop.h"

#include <sys/stat.h>

#include "overlay/platform/processes/process.h"

uint32_t hd_privilege_bits(uint32_t mode, bool in_group)
{
	uint32_t bits = 0;

	/* chown(2) drops them of everything but directories, where set-group-ID means inheritance. */
	if (S_ISDIR(mode))
		return 0;
	if (mode & S_ISUID)
		bits |= S_ISUID;
	/* Without the group's x the bit gives nothing; but who is no member may not leave it to the group either
	 * (setattr_should_drop_sgid in the kernel's fs/attr.c). */
	if ((mode & S_ISGID) && ((mode & S_IXGRP) || !in_group))
		bits |= S_ISGID;
	return bits;
}

uint32_t hd_privilege_bits_for(const struct hd_attributes *shown, const struct hd_caller *caller)
{
	bool in_group = caller->uid == 0 || caller->gid == shown->gid;

	/* A request tells one group of its caller; of the others /proc tells, in the one case where they matter. */
	if (!in_group && (shown->mode & (S_ISGID | S_IXGRP)) == S_ISGID)
		in_group = hd_process_has_group(caller->pid, shown->gid);
	return hd_privilege_bits(shown->mode, in_group);
}

int hd_privilege_drop(struct hd_overlay *overlay, const struct hd_owner_map *owners,
	const struct hd_caller *caller, hd_ino ino)
{
	struct hd_attributes attributes;
	uint32_t bits;
	int r;

	r = hd_overlay_getattr(overlay, ino, &attributes);
	if (r < 0)
		return r;
	attributes.gid = hd_owner_map_gid(owners, attributes.gid);
	bits = hd_privilege_bits_for(&attributes, caller);
	if (bits == 0)
		return 0;
	attributes.mode &= ~bits;
	return hd_overlay_setattr(overlay, caller, ino, HD_SET_MODE, &attributes, &attributes);
}
