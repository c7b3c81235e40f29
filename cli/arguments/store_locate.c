/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/store_locate.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/moved_base.h"
#include "mount/mount_place.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/store/store_owner.h"

/*
 * The working directory may lie in a mount whose server died, where every call fails. getcwd(2) still answers
 * there, as the kernel knows the path; what it says is compared with the table of mounts before anything is
 * opened.
 *
 * A mount's tree may itself contain directories named .heddle, or lie below another store: who stands in a
 * mount means that mount. So the search upward comes last.
 */

#define DEFAULT_THREAD "main"

static int working_directory(char **ret_path)
{
	const char *shell_says = getenv("PWD");
	char *path = getcwd(NULL, 0);

	if (!path && shell_says && shell_says[0] == '/')
		path = strdup(shell_says);
	if (!path)
		return hd_fail_errno("working directory");
	*ret_path = path;
	return 0;
}

bool hd_word_is_path(const char *word)
{
	return strchr(word, '/') || word[0] == '.';
}

char *hd_path_absolute(const char *path)
{
	HD_AUTO_FREE char *directory = NULL;
	char *absolute = NULL;

	if (path[0] == '/')
		return strdup(path);
	if (working_directory(&directory) < 0)
		return NULL;
	return asprintf(&absolute, "%s/%s", directory, path) < 0 ? NULL : absolute;
}

/* PATH itself if it looks like a store, or the .heddle in it. */
static int open_named(const char *path, struct hd_store **ret_store)
{
	HD_AUTO_FREE char *absolute = realpath(path, NULL);
	HD_AUTO_FREE char *inside = NULL;
	int r;

	if (!absolute)
		return errno == ENOENT || errno == ENOTDIR ? hd_fail(HD_E_STORE_MISSING, "'%s'", path)
							   : hd_fail_errno("store '%s'", path);
	r = hd_store_open(absolute, ret_store);
	if (r != -HD_E_STORE_MISSING)
		return r;
	if (asprintf(&inside, "%s/" HD_STORE_DIRECTORY, absolute) < 0)
		return -ENOMEM;
	r = hd_store_open(inside, ret_store);
	return r == -HD_E_STORE_MISSING ? hd_fail(HD_E_STORE_MISSING, "'%s'", path) : r;
}

static int open_discovered(const char *directory, struct hd_store **ret_store)
{
	HD_AUTO_FREE char *path = NULL;
	int r;

	r = hd_store_discover(directory, &path);
	if (r == -HD_E_STORE_MISSING)
		return hd_fail(HD_E_STORE_MISSING, "'%s' and the directories above it", directory);
	return r < 0 ? r : hd_store_open_found(path, ret_store);
}

static const char *named_store(const struct hd_invocation *invocation)
{
	const char *environment = getenv("HEDDLE_STORE");

	if (invocation->store)
		return invocation->store;
	return environment && *environment ? environment : NULL;
}

static int find_store(const struct hd_invocation *invocation, const char *directory,
	const struct hd_mount_place *place, struct hd_store **ret_store)
{
	const char *named = named_store(invocation);

	if (named)
		return open_named(named, ret_store);
	if (place->store)
		return hd_store_open_found(place->store, ret_store);
	return open_discovered(directory, ret_store);
}

int hd_locate(const struct hd_invocation *invocation, const char *thread, struct hd_location *ret_location)
{
	struct hd_location location = {.thread_named = thread != NULL};
	struct hd_mount_place place = {0};
	HD_AUTO_FREE char *directory = NULL;
	int r;

	r = thread ? hd_thread_name_check(thread) : 0;
	if (r < 0)
		return hd_fail_in(r, "thread '%s'", thread);
	r = working_directory(&directory);
	if (r < 0)
		return r;
	r = hd_mount_find(directory, &place);
	if (r < 0 && r != -HD_E_NOT_MOUNTED)
		return r;
	r = find_store(invocation, directory, &place, &location.store);
	if (r < 0)
		goto out;
	hd_moved_bases_follow(location.store);
	if (place.store && strcmp(place.store, location.store->path) == 0) {
		location.below = HD_STEAL(place.below);
		thread = thread ? thread : place.thread;
	}
	location.in_mount = thread && thread == place.thread;
	location.thread = strdup(thread ? thread : DEFAULT_THREAD);
	r = location.thread ? 0 : -ENOMEM;
	if (r < 0)
		goto out;
	*ret_location = location;
	location = (struct hd_location){0};
out:
	hd_mount_place_clear(&place);
	hd_location_clear(&location);
	return r;
}

int hd_locate_thread(
	const struct hd_invocation *invocation, const char *thread, struct hd_location *ret_location)
{
	struct hd_location location = {0};
	struct hd_thread record = {0};
	int r;

	r = hd_locate(invocation, thread, &location);
	if (r < 0)
		return r;
	r = hd_index_get_thread(location.store->index, location.thread, &record);
	if (r < 0) {
		hd_location_clear(&location);
		return r;
	}
	hd_thread_clear(&record);
	*ret_location = location;
	return 0;
}

void hd_location_clear(struct hd_location *location)
{
	hd_store_free(location->store);
	free(location->thread);
	free(location->below);
	*location = (struct hd_location){0};
}
