/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/arguments/subcommand.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "cli/text/state_text.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_json.h"
#include "mount/format_numbers.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* What is told about the processes that serve mounts. */

struct upgrading {
	const struct hd_location *location;
	bool json;
	json_t *list; /* owned */
	unsigned count;
};

static int upgrade_thread(struct upgrading *upgrading, const char *thread)
{
	HD_AUTO_FREE char *before = NULL;
	int r;

	hd_progress_begin("upgrading", HD_PROGRESS_ENDS);
	r = hd_mount_upgrade(upgrading->location->store, thread, &before);
	hd_progress_end();
	if (r < 0)
		return hd_fail_in(r, "upgrade the mount of thread '%s'", thread);
	upgrading->count++;
	if (!upgrading->json)
		printf("Thread %s is served by heddle %s now, before by %s\n", thread, hd_version, before);
	else if (json_array_append_new(
			 upgrading->list, json_pack("{s:o, s:s, s:s}", "thread", hd_control_text(thread),
						  "before", before, "now", hd_version)) < 0)
		return -ENOMEM;
	return 0;
}

static int upgrade_mounted(struct upgrading *upgrading)
{
	const struct hd_store *store = upgrading->location->store;
	struct hd_thread_heads heads = {0};
	int r;

	r = hd_thread_heads_read(store->index, &heads);
	for (size_t i = 0; r >= 0 && i < heads.count; i++) {
		struct hd_mount_place place;

		r = hd_mount_find_thread(store->path, heads.threads[i].name, &place);
		if (r == -HD_E_NOT_MOUNTED) {
			hd_error_clear();
			r = 0;
			continue;
		}
		if (r < 0)
			break;
		hd_mount_place_clear(&place);
		r = upgrade_thread(upgrading, heads.threads[i].name);
	}
	hd_thread_heads_clear(&heads);
	return r;
}

static int run_upgrade(const struct hd_invocation *invocation)
{
	const char *thread = invocation->n_arguments ? invocation->arguments[0] : NULL;
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct upgrading upgrading = {.location = &location, .json = invocation->json};
	int r;

	r = thread ? hd_locate_thread(invocation, thread, &location) : hd_locate(invocation, NULL, &location);
	if (r < 0)
		return r;
	upgrading.list = json_array();
	r = thread ? upgrade_thread(&upgrading, location.thread) : upgrade_mounted(&upgrading);
	if (r >= 0 && invocation->json)
		r = hd_output_json(json_pack("{s:O}", "upgraded", upgrading.list));
	else if (r >= 0 && upgrading.count == 0)
		printf("Nothing is mounted\n");
	json_decref(upgrading.list);
	return r < 0 ? r : HD_EXIT_OK;
}

static const struct hd_subcommand verbs[] = {
	{.name = "upgrade", .max_arguments = 1, .run = run_upgrade},
	{0},
};

static int run_daemon(const struct hd_invocation *invocation)
{
	return hd_subcommand_run(verbs, invocation);
}

const struct hd_command hd_command_daemon = {
	.name = "daemon",
	.summary = "Replace the processes that serve mounts",
	.usage = "upgrade [THREAD]",
	.description = "Puts the programs of this heddle in the place of those that serve THREAD, or all "
		       "mounted threads "
		       "of the store. Programs that use the mounts wait for a moment and notice nothing "
		       "else; files stay "
		       "open. If this heddle keeps its memory in another format than the one that serves a "
		       "mount, it "
		       "says so and changes nothing: unmount with that one and mount with this one.",
	.min_arguments = 1,
	.max_arguments = 2,
	.run = run_daemon,
};
