/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_OWNER_MAP_H
#define HEDDLE_MOUNT_OWNER_MAP_H

/*
 * Owner map: whom a mount shows as the owner and the group of everything (-o uid=, gid=).
 *
 * Shown, never stored: what a capture records is the owner that the base or a program gave. So a thread can be
 * mounted with and without a map in turn, and a base of somebody else's is not taken over by looking at it. What
 * is made in a mapped mount belongs to who made it, as in any other.
 *
 * With a map there is one owner, so giving a file to anybody else is refused (-EPERM, as vfat does), and giving it
 * to that one succeeds and changes nothing.
 *
 * Threads     Any: immutable after the session began.
 */

#include <stdint.h>

#include "mount/mount_options.h"
#include "overlay/overlay.h"

struct hd_owner_map {
	uint64_t uid, gid; /* HD_NO_ID: shown as they are */
};

static inline void hd_owner_map_init(struct hd_owner_map *map, const struct hd_mount_options *options)
{
	*map = (struct hd_owner_map){.uid = options->uid, .gid = options->gid};
}

static inline uint32_t hd_owner_map_uid(const struct hd_owner_map *map, uint32_t stored)
{
	return map->uid == HD_NO_ID ? stored : (uint32_t)map->uid;
}

static inline uint32_t hd_owner_map_gid(const struct hd_owner_map *map, uint32_t stored)
{
	return map->gid == HD_NO_ID ? stored : (uint32_t)map->gid;
}

/*
 * Turns a change of INO, HD_SET_* in SET, from what the mount shows into what is stored: VALUES get the stored owner
 * where the shown one was given. -EPERM for any other.
 */
int hd_owner_map_change(const struct hd_owner_map *map, struct hd_overlay *overlay, hd_ino ino, unsigned set,
	struct hd_attributes *values);

#endif
