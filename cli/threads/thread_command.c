/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/threads/thread_command.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "mount/client/control_client.h"
#include "mount/control/control_error.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

int hd_thread_ask(const struct hd_location *location, json_t *request, const char *label, json_t **ret_reply,
	int *ret_fd)
{
	HD_AUTO_JSON json_t *owned = request;
	HD_AUTO_JSON json_t *reply = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r;

	if (!owned)
		return -ENOMEM;
	hd_progress_begin(label, HD_PROGRESS_STOPS);
	r = hd_thread_request(location->store, location->thread, owned, &reply, &fd);
	hd_progress_end();
	if (r >= 0)
		r = hd_control_reply_status(reply);
	if (r < 0)
		return r;
	*ret_reply = HD_STEAL(reply);
	if (ret_fd)
		*ret_fd = hd_steal_fd(&fd);
	return 0;
}

unsigned long long hd_reply_number(const json_t *reply, const char *key)
{
	json_int_t number = json_integer_value(json_object_get(reply, key));

	return number > 0 ? (unsigned long long)number : 0;
}

const char *hd_reply_text(const json_t *reply, const char *key)
{
	const char *text = json_string_value(json_object_get(reply, key));

	return text ? text : "";
}

static bool is_directory(const json_t *entry)
{
	return strcmp(hd_reply_text(entry, "type"), "directory") == 0;
}

bool hd_reply_entry_is_covered(const json_t *entries, size_t index)
{
	const json_t *entry = json_array_get(entries, index);
	const json_t *next = json_array_get(entries, index + 1);
	const char *path = hd_reply_text(entry, "path");
	const char *below = hd_reply_text(next, "path");
	size_t length = strlen(path);

	return is_directory(entry) && strchr("AD", hd_reply_text(entry, "kind")[0]) &&
	       strcmp(hd_reply_text(entry, "kind"), hd_reply_text(next, "kind")) == 0 &&
	       strncmp(path, below, length) == 0 && below[length] == '/';
}

char *hd_reply_entry_path(const json_t *entry)
{
	HD_AUTO_FREE char *path = hd_control_get_name(entry, "path");
	char *marked = NULL;

	if (!path || !is_directory(entry))
		return HD_STEAL(path);
	return asprintf(&marked, "%s/", path) < 0 ? NULL : marked;
}

char *hd_reply_entry_origin(const json_t *entry)
{
	const json_t *from = json_object_get(entry, "from");
	HD_AUTO_FREE char *path = from ? hd_control_get_name(from, "path") : NULL;
	char *marked = NULL;

	if (!path || !is_directory(entry))
		return HD_STEAL(path);
	return asprintf(&marked, "%s/", path) < 0 ? NULL : marked;
}
