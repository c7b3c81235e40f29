/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/control/control_status_changes.h"

#include <errno.h>

#include "mount/control/control_json.h"
#include "overlay/overlay.h"

json_t *hd_control_changes(const struct hd_change_counts *counts)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I}", "added", (json_int_t)counts->added, "modified",
		(json_int_t)counts->modified, "deleted", (json_int_t)counts->deleted, "moved",
		(json_int_t)counts->moved, "total",
		(json_int_t)(counts->added + counts->modified + counts->deleted + counts->moved));
}

static json_t *entry_json(const struct hd_status_entry *entry)
{
	json_t *object = json_pack("{s:s, s:s}", "kind", hd_change_kind_letter(entry->kind), "type",
		hd_change_type_name(entry->mode));

	if (hd_control_put_name(object, "path", entry->path, entry->path_length) < 0 ||
		hd_control_put_origin(object, entry->old_path) < 0 ||
		(entry->ignored && json_object_set_new(object, "ignored", json_true()) < 0)) {
		json_decref(object);
		return NULL;
	}
	return object;
}

static json_t *entries_json(const struct hd_status *status)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < status->n_entries; i++) {
		if (json_array_append_new(array, entry_json(&status->entries[i])) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

int hd_control_status_changes(
	struct hd_overlay *overlay, size_t limit, enum hd_status_ignored ignored, json_t **ret_object)
{
	struct hd_status status;
	json_t *object;
	int r;

	r = hd_status_read_with(overlay, limit, ignored, &status);
	if (r < 0)
		return r;
	object = json_pack("{s:s, s:o, s:o, s:o, s:b}", "thread", hd_overlay_thread(overlay), "head",
		hd_control_id(&status.head), "changes", hd_control_changes(&status.counts), "entries",
		entries_json(&status), "truncated", (int)status.truncated);
	hd_status_clear(&status);
	if (!object)
		return -ENOMEM;
	*ret_object = object;
	return 0;
}
