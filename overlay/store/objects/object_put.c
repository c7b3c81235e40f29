/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/store/objects/object_store_types.h"

/*
 * Putting an object: hash, look under the names 0, 1, 2, ... of that hash, in the logs and for a file, stop at the first
 * that has the bytes or is free. What is new gets its place while nobody else can give it one (hd_object_log_hold); who
 * comes second finds it there and compares.
 *
 *     under the name          what happens
 *     nothing                 appended to a log, or a large one written to a file
 *     the same bytes          nothing to write
 *     other bytes, sound      a collision: next number
 *     other bytes, damaged    replaced: the name says what it should have held (a power cut before a sync)
 */

/* What others have just put is found out when something is to be written. */
int hd_object_look_at(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_logged)
{
	struct hd_object_place place;
	int r;

	r = hd_object_log_find(store, id, false, &place);
	*ret_logged = r > 0;
	if (r <= 0)
		return r < 0 ? r : hd_object_compare_file(store, id, data, size);
	r = hd_object_compare(store, id, &place, data, size);
	hd_cleanup_close(&place.fd);
	return r;
}

/* In a log, or if that cannot be as a file; *RET_LOGGED says which. */
static int write_new(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_logged)
{
	int r = hd_object_log_append(store, id, data, size, false);

	*ret_logged = r != -EFBIG;
	return r == -EFBIG ? hd_object_write_file(store, id, data, size, HD_OBJECT_NEW) : r;
}

static int write_damaged(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, const bool *logged)
{
	if (!*logged)
		return hd_object_replace(store, id, data, size, false);
	return hd_object_log_append(store, id, data, size, true);
}

/* 0 when the bytes are under the name, 1 when the name belongs to others. *RET_WRITTEN: there is a new file; *RET_LOGGED:
 * the bytes are in a log. */
static int put_under(struct hd_object_store *store, const struct hd_object_id *id, const void *data,
	size_t size, bool *ret_written, bool *ret_logged)
{
	int r;

	*ret_written = false;
	for (;;) {
		r = hd_object_look_at(store, id, data, size, ret_logged);
		if (r < 0)
			return r;
		switch ((enum hd_object_comparison)r) {
		case HD_OBJECT_SAME:
			return 0;
		case HD_OBJECT_OTHER:
			return 1;
		case HD_OBJECT_FREE:
			r = write_new(store, id, data, size, ret_logged);
			break;
		case HD_OBJECT_DAMAGED:
			r = write_damaged(store, id, data, size, ret_logged);
			break;
		}
		/* -EEXIST: somebody was faster; what he wrote decides. */
		if (r != -EEXIST) {
			*ret_written = r == 0;
			return r;
		}
	}
}

int hd_object_store_put(
	struct hd_object_store *store, const void *data, size_t size, struct hd_content *ret_content)
{
	struct hd_object_id id = hd_object_id_compute(store, data, size);
	char path[HD_OBJECT_PATH_SIZE];
	bool written = false, logged = false;
	int r;

	while ((r = put_under(store, &id, data, size, &written, &logged)) > 0)
		id.number++;
	if (r < 0)
		return hd_fail_in(r, "store object %s", hd_object_id_path(&id, path));
	if (!logged || !hd_object_log_need(store, &id))
		r = hd_object_sync_add(store, &id, written);
	if (r < 0)
		return r;
	*ret_content = hd_object_id_to_content(&id, HD_CONTENT_OBJECT);
	return 0;
}
