/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/steps/fork_thread.h"

#include <errno.h>

#include "capture/threads/thread_fork.h"
#include "cli/terminal/progress.h"
#include "cli/text/operation_text.h"
#include "cli/threads/thread_command.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * A thread that was closed is forked without being opened, whatever is in it. One that is mounted, or was not closed, is
 * asked: whoever has its overlay, or opens it then, knows what there is.
 */

static int ask(const struct hd_location *location, const char *name, const char *actor,
	struct hd_operation *ret_operation, bool *ret_changes)
{
	HD_AUTO_JSON json_t *reply = NULL;
	int r = hd_thread_ask(location,
		json_pack("{s:s, s:s, s:s}", "op", "fork", "name", name, "actor", actor), "forking", &reply,
		NULL);

	if (r < 0)
		return r;
	*ret_changes = json_is_true(json_object_get(reply, "changes"));
	return hd_index_get_operation(
		location->store->index, hd_reply_number(reply, "operation"), ret_operation);
}

/* -EUCLEAN or -HD_E_THREAD_BUSY, bare: it is to be asked. */
static int fork_here(const struct hd_location *location, const char *name, const char *actor,
	struct hd_operation *ret_operation, bool *ret_changes)
{
	struct hd_thread_fork fork = {.from = location->thread, .name = name, .actor = actor};
	struct hd_index *index = location->store->index;
	struct hd_thread before = {0}, now = {0};
	HD_AUTO_CLOSE int lease_fd = -1;
	bool moved;
	int r = hd_index_get_thread(index, location->thread, &before);

	if (r >= 0)
		r = lease_fd = hd_run_lease_take(location->store->path, before.number);
	/* It may have got another directory before the lease was ours. */
	if (r >= 0)
		r = hd_index_get_thread(index, location->thread, &now);
	moved = before.number != now.number;
	hd_thread_clear(&before);
	hd_thread_clear(&now);
	if (r < 0)
		return r;
	return moved ? -HD_E_THREAD_BUSY : hd_thread_fork(location->store, &fork, ret_operation, ret_changes);
}

int hd_fork_thread(const struct hd_location *location, const char *name, struct hd_operation *ret_operation,
	bool *ret_changes)
{
	HD_AUTO_FREE char *actor = hd_operation_actor(location);
	int r;

	if (!actor)
		return -ENOMEM;
	hd_progress_begin("forking", HD_PROGRESS_STOPS);
	r = fork_here(location, name, actor, ret_operation, ret_changes);
	hd_progress_end();
	if (r != -EUCLEAN && r != -HD_E_THREAD_BUSY)
		return r;
	hd_error_clear();
	return ask(location, name, actor, ret_operation, ret_changes);
}
