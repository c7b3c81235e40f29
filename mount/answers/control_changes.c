/* SPDX-License-Identifier: Apache-2.0 */
#include "mount/answers/control_changes.h"

#include <errno.h>
#include <string.h>

#include "overlay/changes/changed_paths.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/memory_file.h"

#define EVERYTHING "/"

static int write_answer(const struct hd_changed_paths *changed)
{
	const void *paths = changed->everything ? (const void *)EVERYTHING : changed->paths.data;
	size_t size = changed->everything ? sizeof(EVERYTHING) : changed->paths.size;
	size_t token = strlen(changed->token) + 1;
	HD_AUTO_CLOSE int fd = hd_memory_file_create("heddle-changes", 0);
	int r = fd;

	if (r >= 0)
		r = hd_memory_file_write(fd, changed->token, token, 0);
	if (r >= 0 && size > 0)
		r = hd_memory_file_write(fd, paths, size, token);
	return r < 0 ? r : hd_steal_fd(&fd);
}

int hd_control_changed_paths(struct hd_overlay *overlay, json_t *request, json_t **ret_reply, int *ret_fd)
{
	struct hd_changed_paths changed;
	const char *token;
	int r;

	if (json_unpack(request, "{s:s}", "token", &token) != 0)
		return hd_fail(HD_E_CONTROL_PROTOCOL, "the request's 'token' is missing");
	r = hd_changes_read(overlay, token, &changed);
	if (r < 0)
		return r;
	r = write_answer(&changed);
	if (r >= 0) {
		*ret_fd = r;
		*ret_reply = json_pack(
			"{s:s, s:b}", "token", changed.token, "everything", (int)changed.everything);
	}
	hd_changed_paths_clear(&changed);
	return r < 0 ? r : *ret_reply ? 0 : -ENOMEM;
}
