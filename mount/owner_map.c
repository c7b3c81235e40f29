/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/owner_map.h"

#include <errno.h>

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
