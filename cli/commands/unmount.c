/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/arguments/command.h"
#include "cli/arguments/store_locate.h"
#include "cli/steps/mount_all.h"
#include "cli/terminal/exit_status.h"
#include "cli/terminal/output.h"
#include "cli/terminal/progress.h"
#include "mount/client/mount_start.h"
#include "mount/control/control_json.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/store/store_owner.h"

/*
 * What is unmounted may be named by its thread or by any path in it. A word with a '/', and "." and "..", is
 * a path; any other word is a thread, as thread names have no '/' and no leading dot. A path also says which
 * store is meant, so that it works from anywhere.
 */

static bool lazy, all;

static const struct hd_option options[] = {
	{.long_name = "all",
		.short_name = 'a',
		.help = "unmount every thread of the store that is mounted",
		.flag = &all},
	{.long_name = "lazy",
		.short_name = 'l',
		.help = "detach the mount even if it is in use; it ends when its last user does",
		.flag = &lazy},
	{0},
};

/* Opens the store that PLACE is of. If it cannot be opened, *RET_LOCATION has the thread's name alone. */
static int locate_by_path(const char *path, struct hd_mount_place *place, struct hd_location *ret_location)
{
	int r;

	r = hd_mount_find(path, place);
	if (r < 0)
		return r == -HD_E_NOT_MOUNTED ? hd_fail(HD_E_NOT_MOUNTED, "'%s'", path) : r;
	ret_location->thread = strdup(place->thread);
	if (!ret_location->thread)
		return -ENOMEM;
	r = hd_store_open_found(place->store, &ret_location->store);
	if (r < 0)
		hd_output_remark("%s; only detaching the mount", hd_error_message(r));
	return 0;
}

static int locate_by_thread(const struct hd_invocation *invocation, const char *thread,
	struct hd_mount_place *place, struct hd_location *ret_location)
{
	int r;

	r = hd_locate_thread(invocation, thread, ret_location);
	if (r < 0)
		return r;
	/* A thread whose mount is half gone may be in no table of mounts and still have a server to stop. */
	r = hd_mount_find_thread(ret_location->store->path, ret_location->thread, place);
	return r == -HD_E_NOT_MOUNTED ? 0 : r;
}

static int locate(const struct hd_invocation *invocation, struct hd_mount_place *place,
	struct hd_location *ret_location)
{
	const char *word = invocation->n_arguments ? invocation->arguments[0] : NULL;
	int r;

	if (word && hd_word_is_path(word))
		return locate_by_path(word, place, ret_location);
	r = locate_by_thread(invocation, word, place, ret_location);
	if (!word || (r != -HD_E_THREAD_MISSING && r != -HD_E_STORE_MISSING))
		return r;
	/* What is no thread's name may be that of a mountpoint beside us. */
	if (locate_by_path(word, place, ret_location) >= 0)
		return 0;
	return hd_fail(r, "'%s' is neither a thread nor a mountpoint", word);
}

static int report(const struct hd_location *location, const char *directory, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || json_object_set_new(object, "thread", hd_control_text(location->thread)) < 0 ||
			(directory && hd_json_set_path(object, "mountpoint", directory) < 0)) {
			json_decref(object);
			return -ENOMEM;
		}
		return hd_output_json(object);
	}
	printf("Unmounted %s", location->thread);
	if (directory) {
		fputs(" from ", stdout);
		hd_output_path(stdout, directory);
	}
	fputc('\n', stdout);
	return HD_EXIT_OK;
}

static int stop(const struct hd_location *location, const struct hd_mount_place *place)
{
	int r;

	hd_progress_begin("unmounting", HD_PROGRESS_ENDS);
	if (location->store)
		r = hd_mount_stop(location->store, location->thread, lazy);
	else
		r = hd_mount_point_detach(place->directory, lazy);
	hd_progress_end();
	/* These two come without a word about what they are of. */
	if (r == -EBUSY || r == -HD_E_NOT_MOUNTED)
		return hd_fail(r, "thread '%s'", location->thread);
	return r;
}

static int run_unmount(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_mount_place place = {0};
	int r;

	if (all && invocation->n_arguments > 0)
		return hd_fail(HD_E_USAGE, "--all takes no thread and no directory");
	if (all) {
		r = hd_locate(invocation, NULL, &location);
		return r < 0 ? r : hd_unmount_all(&location, lazy, invocation->json);
	}
	r = locate(invocation, &place, &location);
	if (r >= 0)
		r = stop(&location, &place);
	if (r >= 0)
		r = report(&location, place.directory, invocation->json);
	hd_mount_place_clear(&place);
	return r;
}

const struct hd_command hd_command_unmount = {
	.name = "unmount",
	.summary = "Unmount a thread; what was written stays in it",
	.usage = "[THREAD|DIR] [--lazy]\n--all [--lazy]",
	.description = "Unmounts THREAD (default: the thread in use, or main), or the mount at or above DIR, "
		       "and returns when all "
		       "that was written is on disk. Nothing is captured, and nothing is lost: the next "
		       "mount shows it again.",
	.options = options,
	.max_arguments = 1,
	.run = run_unmount,
};
