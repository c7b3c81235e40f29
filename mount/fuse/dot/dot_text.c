/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/fuse/dot/dot_text.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "capture/status.h"
#include "mount/control/control_json.h"
#include "mount/control/control_status_changes.h"
#include "overlay/platform/buffer.h"
#include "overlay/platform/cleanup.h"

/* More is for `heddle status`: who reads a file wants to know whether, and about what. */
#define ENTRY_LIMIT 1000

static const char *const names[HD_DOT_TEXT_COUNT] = {
	[HD_DOT_THREAD] = "thread",
	[HD_DOT_STATUS] = "status",
	[HD_DOT_STATUS_JSON] = "status.json",
	[HD_DOT_GIT] = ".git",
};

const char *hd_dot_text_name(enum hd_dot_text kind)
{
	return names[kind];
}

/* A path on a line of its own, whatever bytes it has. */
static void put_path(struct hd_buffer *text, const char *path, size_t length)
{
	for (size_t i = 0; i < length; i++) {
		unsigned char byte = (unsigned char)path[i];

		if (byte < 0x20 || byte == 0x7f || byte == '\\')
			hd_buffer_printf(text, "\\x%02x", byte);
		else
			hd_buffer_put_u8(text, byte);
	}
}

static void put_entry(struct hd_buffer *text, const struct hd_status_entry *entry)
{
	hd_buffer_printf(text, "%s ", hd_change_kind_letter(entry->kind));
	if (entry->old_path) {
		put_path(text, entry->old_path, strlen(entry->old_path));
		hd_buffer_put_text(text, " -> ");
	}
	put_path(text, entry->path, entry->path_length);
	hd_buffer_put_u8(text, '\n');
}

static int put_head(struct hd_buffer *text, struct hd_overlay *overlay, const struct hd_state_id *head)
{
	char id[HD_STATE_ID_TEXT_SIZE];
	struct hd_state state = {0};
	int r = hd_index_get_state(hd_overlay_store(overlay)->index, head, &state);

	if (r < 0)
		return r;
	hd_state_id_format(head, id);
	hd_buffer_printf(text, "state: %s\nmessage: ", id);
	put_path(text, state.message, strcspn(state.message, "\n"));
	hd_buffer_put_u8(text, '\n');
	hd_state_clear(&state);
	return 0;
}

static int put_status(struct hd_buffer *text, struct hd_overlay *overlay)
{
	struct hd_status status;
	int r = hd_status_read(overlay, ENTRY_LIMIT, &status);

	if (r < 0)
		return r;
	hd_buffer_printf(text, "thread: %s\n", hd_overlay_thread(overlay));
	r = put_head(text, overlay, &status.head);
	hd_buffer_printf(text, "changes: %llu added, %llu modified, %llu deleted, %llu moved\n",
		(unsigned long long)status.counts.added, (unsigned long long)status.counts.modified,
		(unsigned long long)status.counts.deleted, (unsigned long long)status.counts.moved);
	for (size_t i = 0; i < status.n_entries; i++)
		put_entry(text, &status.entries[i]);
	if (status.truncated)
		hd_buffer_put_text(text, "...\n");
	hd_status_clear(&status);
	return r;
}

static int put_json(struct hd_buffer *text, struct hd_overlay *overlay)
{
	HD_AUTO_FREE char *dump = NULL;
	json_t *object;
	int r = hd_control_status_changes(overlay, ENTRY_LIMIT, HD_STATUS_IGNORED_AS_ALL, &object);

	if (r < 0)
		return r;
	dump = json_dumps(object, JSON_INDENT(2));
	json_decref(object);
	if (!dump)
		return -ENOMEM;
	hd_buffer_printf(text, "%s\n", dump);
	return 0;
}

int hd_dot_text_make(struct hd_overlay *overlay, enum hd_dot_text kind, char **ret_text, size_t *ret_size)
{
	HD_AUTO_BUFFER struct hd_buffer text = {0};
	int r = 0;

	if (kind == HD_DOT_THREAD)
		hd_buffer_printf(&text, "%s\n", hd_overlay_thread(overlay));
	else
		r = kind == HD_DOT_STATUS ? put_status(&text, overlay) : put_json(&text, overlay);
	if (r == 0)
		r = hd_buffer_status(&text);
	if (r < 0)
		return r;
	*ret_text = hd_buffer_steal(&text, ret_size);
	return *ret_text ? 0 : -ENOMEM;
}
