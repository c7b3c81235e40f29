/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/exit_status.h"
#include "cli/output.h"
#include "cli/progress.h"
#include "cli/store_locate.h"
#include "mount/mount_start.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * What is unmounted may be named by its thread or by any path in it. A word with a '/', and "." and "..", is
 * a path; any other word is a thread, as thread names have no '/' and no leading dot. A path also says which
 * store is meant, so that it works from anywhere.
 */

static bool lazy;

static const struct hd_option options[] = {
	{.long_name = "lazy",
		.short_name = 'l',
		.help = "detach the mount even if it is in use; it ends when its last user does",
		.flag = &lazy},
	{0},
};

static bool is_path(const char *word)
{
	return strchr(word, '/') || word[0] == '.';
}

static int find_by_path(const char *path, struct hd_mount_place *ret_place)
{
	HD_AUTO_FREE char *absolute = hd_path_absolute(path);
	int r;

	if (!absolute)
		return -ENOMEM;
	r = hd_mount_find(absolute, ret_place);
	return r == -HD_E_NOT_MOUNTED ? hd_fail(HD_E_NOT_MOUNTED, "'%s'", path) : r;
}

/* Opens the store that PLACE is of; a mount whose store is gone can still be found, but not unmounted in
 * order. */
static int open_by_place(const struct hd_mount_place *place, struct hd_location *ret_location)
{
	struct hd_location location = {.thread = strdup(place->thread), .thread_named = true};
	int r;

	if (!location.thread)
		return -ENOMEM;
	r = hd_store_open(place->store, &location.store);
	if (r < 0) {
		hd_location_clear(&location);
		return hd_fail_in(r, "store '%s' of the mount", place->store);
	}
	*ret_location = location;
	return 0;
}

static int locate(const struct hd_invocation *invocation, struct hd_location *ret_location)
{
	const char *word = invocation->n_arguments ? invocation->arguments[0] : NULL;
	struct hd_mount_place place = {0};
	int r;

	if (!word || !is_path(word))
		return hd_locate(invocation, word, ret_location);
	r = find_by_path(word, &place);
	if (r >= 0)
		r = open_by_place(&place, ret_location);
	hd_mount_place_clear(&place);
	return r;
}

static int report(const struct hd_location *location, const char *directory, bool json)
{
	if (json) {
		json_t *object = json_object();

		if (!object || json_object_set_new(object, "thread", hd_json_text(location->thread)) < 0 ||
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

static int run_unmount(const struct hd_invocation *invocation)
{
	HD_AUTO_LOCATION struct hd_location location = {0};
	struct hd_mount_place place = {0};
	int r;

	r = locate(invocation, &location);
	if (r < 0)
		return r;
	r = hd_mount_find_thread(location.store->path, location.thread, &place);
	if (r < 0 && r != -HD_E_NOT_MOUNTED)
		return r;
	hd_progress_begin("unmounting", invocation->json);
	r = hd_mount_stop(location.store, location.thread, lazy);
	hd_progress_end();
	if (r >= 0)
		r = report(&location, place.directory, invocation->json);
	else
		r = hd_fail_in(r, "thread '%s'", location.thread);
	hd_mount_place_clear(&place);
	return r;
}

const struct hd_command hd_command_unmount = {
	.name = "unmount",
	.summary = "Unmount a thread; what was written stays in it",
	.usage = "[THREAD|DIR] [--lazy]",
	.description = "Unmounts THREAD (default: the thread in use, or main), or the mount at or above DIR, "
		       "and returns when all "
		       "that was written is on disk. Nothing is captured, and nothing is lost: the next "
		       "mount shows it again.",
	.options = options,
	.max_arguments = 1,
	.run = run_unmount,
};
