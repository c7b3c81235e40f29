/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/error.h"
#include "overlay/store/objects/object_store_types.h"

/* Where an object is: in a log or in a file. The two are looked through in an order in which it cannot get past us. */

static int find_file(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_object_place *ret_place)
{
	struct hd_object_place place = {0};

	place.fd = hd_object_open(store, id, &place.size);
	if (place.fd < 0)
		return place.fd;
	*ret_place = place;
	return 0;
}

int hd_object_find(
	struct hd_object_store *store, const struct hd_object_id *id, struct hd_object_place *ret_place)
{
	int r;

	r = hd_object_log_find(store, id, false, ret_place);
	if (r != 0)
		return r < 0 ? r : 0;
	r = find_file(store, id, ret_place);
	if (r != -HD_E_OBJECT_MISSING)
		return r;
	/* Another process may have put it, and may have given it a file since the look above. */
	r = hd_object_log_find(store, id, true, ret_place);
	if (r != 0)
		return r < 0 ? r : 0;
	return find_file(store, id, ret_place);
}
