/* SPDX-License-Identifier: Apache-2.0 */
#ifndef HEDDLE_MOUNT_OWNER_MAP_H
#define HEDDLE_MOUNT_OWNER_MAP_H

/*
 * Owner map: whom a mount shows as the owner and the group of what is in it: one for everything (-o uid=, gid=), or those that
 * are stored, and who mounts in the place of those whom its user namespace does not have.
 *
 * Shown, never stored: what a capture records is the owner that the base or a program gave. So a thread can be
 * mounted with and without a map in turn, and a base of somebody else's is not taken over by looking at it. What
 * is made in a mapped mount belongs to who made it, as in any other.
 *
 * Where all is shown as one owner's, giving a file to anybody else is refused (-EPERM, as vfat does), and giving it
 * to that one succeeds and changes nothing.
 *
 * Threads     Any: immutable after the session began.
 */

#include <stdint.h>

#include "mount/mount_options.h"
#include "overlay/overlay.h"
#include "overlay/platform/mounts/id_ranges.h"

struct hd_owner_map {
	uint64_t uid, gid;         /* HD_NO_ID: shown as they are, if there are such */
	uint32_t own_uid, own_gid; /* else */
	struct hd_id_ranges users, groups;
};

/* Looks which users and groups there are for this process (io). */
void hd_owner_map_init(struct hd_owner_map *map, const struct hd_mount_options *options);

static inline uint32_t hd_owner_map_uid(const struct hd_owner_map *map, uint32_t stored)
{
	if (map->uid != HD_NO_ID)
		return (uint32_t)map->uid;
	return hd_id_ranges_have(&map->users, stored) ? stored : map->own_uid;
}

static inline uint32_t hd_owner_map_gid(const struct hd_owner_map *map, uint32_t stored)
{
	if (map->gid != HD_NO_ID)
		return (uint32_t)map->gid;
	return hd_id_ranges_have(&map->groups, stored) ? stored : map->own_gid;
}

/*
 * Turns a change of INO, HD_SET_* in SET, from what the mount shows into what is stored: VALUES get the stored owner
 * where the one that is shown for everything was given. -EPERM for any other.
 */
int hd_owner_map_change(const struct hd_owner_map *map, struct hd_overlay *overlay, hd_ino ino, unsigned set,
	struct hd_attributes *values);

#endif
