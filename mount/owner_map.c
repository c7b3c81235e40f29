/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/owner_map.h"

#include <errno.h>
#include <unistd.h>

void hd_owner_map_init(struct hd_owner_map *map, const struct hd_mount_options *options)
{
	map->uid = options->uid;
	map->gid = options->gid;
	map->own_uid = geteuid();
	map->own_gid = getegid();
	hd_id_ranges_of_users(&map->users);
	hd_id_ranges_of_groups(&map->groups);
}

int hd_owner_map_change(const struct hd_owner_map *map, struct hd_overlay *overlay, hd_ino ino, unsigned set,
	struct hd_attributes *values)
{
	bool maps_uid = set & HD_SET_UID && map->uid != HD_NO_ID;
	bool maps_gid = set & HD_SET_GID && map->gid != HD_NO_ID;
	struct hd_attributes stored;
	int r;

	if ((maps_uid && values->uid != map->uid) || (maps_gid && values->gid != map->gid))
		return -EPERM;
	if (!maps_uid && !maps_gid)
		return 0;
	r = hd_overlay_getattr(overlay, ino, &stored);
	if (r < 0)
		return r;
	if (maps_uid)
		values->uid = stored.uid;
	if (maps_gid)
		values->gid = stored.gid;
	return 0;
}
