/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Other programs in the place of those that serve a mount, while it is used.
 *
 * The supervisor goes and leaves the worker behind, which needs none; the supervisor of this program adopts it, asks it
 * to make way, and starts its own worker in its place. Each of these is what happens after a death as well, and so is
 * whatever is left if one of them fails: a mount that the next command adopts.
 */

#include <errno.h>
#include <string.h>

#include "mount/client/control_client.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_channel.h"
#include "mount/control/control_error.h"
#include "mount/parts/adoption.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

static int ask(int fd, json_t *request, json_t **ret_reply)
{
	HD_AUTO_CLOSE int passed_fd = -1;
	int r;

	r = hd_control_send(fd, request, -1);
	if (r >= 0)
		r = hd_control_receive(fd, HD_CONTROL_ALIVE_MS, ret_reply, &passed_fd);
	if (r < 0)
		return r;
	r = hd_control_reply_status(*ret_reply);
	if (r < 0) {
		json_decref(*ret_reply);
		*ret_reply = NULL;
	}
	return r;
}

/* Before anything is touched: what serves now, and whether ours could go on with it. */
static int compare(int fd, char **ret_version)
{
	json_t *reply = NULL;
	const char *version;
	int r;

	r = ask(fd, json_pack("{s:s}", "op", "ping"), &reply);
	if (r < 0)
		return r;
	version = json_string_value(json_object_get(reply, "version"));
	r = hd_formats_check_all(json_object_get(reply, "formats"));
	if (r < 0)
		r = hd_fail_in(
			r, "the mount is served by heddle %s", version ? version : "of another version");
	else if (!(*ret_version = strdup(version ? version : "")))
		r = -ENOMEM;
	json_decref(reply);
	return r;
}

static int step_down(int fd)
{
	json_t *reply = NULL;
	int r;

	r = ask(fd, json_pack("{s:s}", "op", "step_down"), &reply);
	json_decref(reply);
	return r;
}

/* Without a supervisor there is none that would have to go, once it is adopted. */
static int connect_thread(const struct hd_store *store, const char *thread, uint32_t number)
{
	int fd = hd_mount_connect(store, thread, number);

	if (fd == -ENOENT || fd == -ECONNREFUSED)
		return hd_fail(HD_E_NOT_MOUNTED, "thread '%s'", thread);
	return fd < 0 ? hd_fail_in(fd, "reach the mount of thread '%s'", thread) : fd;
}

int hd_mount_upgrade(const struct hd_store *store, const char *thread, char **ret_version)
{
	HD_AUTO_FREE char *version = NULL;
	HD_AUTO_CLOSE int fd = -1;
	uint32_t number;
	int r;

	r = hd_index_thread_number(store->index, thread, &number);
	if (r < 0)
		return hd_fail_in(r, "'%s'", thread);
	r = fd = connect_thread(store, thread, number);
	if (r >= 0)
		r = compare(fd, &version);
	if (r >= 0)
		r = step_down(fd);
	if (r >= 0)
		r = hd_mount_replace(store, thread, number);
	if (r >= 0)
		*ret_version = HD_STEAL(version);
	return r;
}
