/* SPDX-License-Identifier: Apache-2.0 */

/*
 * Finding mounts. The mount table is the only registry: it cannot be stale, and it is there from inside a
 * mount, where the store may not be in sight. The source of a mount names store and thread,
 * "heddle:<store>#<thread>"; a thread's name may hold a '#', so the store's path ends at the first one behind
 * "/.heddle".
 *
 * Everything here is text: a path inside a dead mount cannot be resolved by any system call.
 */

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mount/mount_place.h"
#include "mount/run_file.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/mounts/mount_point.h"
#include "overlay/store/store.h"

#define SOURCE_PREFIX "heddle:"
#define STORE_END "/" HD_STORE_DIRECTORY "#"

void hd_mount_place_clear(struct hd_mount_place *place)
{
	free(place->directory);
	free(place->store);
	free(place->thread);
	free(place->below);
	*place = (struct hd_mount_place){0};
}

/* Takes SOURCE apart; 0 when it is not ours. */
static int split_source(const char *source, char **ret_store, char **ret_thread)
{
	HD_AUTO_FREE char *store = NULL;
	char *thread;
	const char *end;

	if (strncmp(source, SOURCE_PREFIX, strlen(SOURCE_PREFIX)) != 0)
		return 0;
	source += strlen(SOURCE_PREFIX);
	end = strstr(source, STORE_END);
	if (!end)
		return 0;
	end += strlen(STORE_END) - 1;
	store = strndup(source, (size_t)(end - source));
	thread = strdup(end + 1);
	if (!store || !thread) {
		free(thread);
		return -ENOMEM;
	}
	*ret_store = HD_STEAL(store);
	*ret_thread = thread;
	return 1;
}

static int place_of(const struct hd_mount_entry *entry, struct hd_mount_place *ret_place)
{
	struct hd_mount_place place = {0};
	int r;

	r = split_source(entry->source, &place.store, &place.thread);
	if (r <= 0)
		return r;
	place.directory = strdup(entry->directory);
	if (!place.directory) {
		hd_mount_place_clear(&place);
		return -ENOMEM;
	}
	*ret_place = place;
	return 1;
}

struct search {
	const char *path;  /* inside the mount, or NULL */
	const char *store; /* with `thread`, or NULL */
	const char *thread;
	struct hd_mount_place found; /* the last and longest match */
};

static bool lies_in(const char *path, const char *directory)
{
	size_t length = strlen(directory);

	if (strncmp(path, directory, length) != 0)
		return false;
	return path[length] == '\0' || path[length] == '/' || (length == 1 && directory[0] == '/');
}

/* PATH lies in the mount ENTRY: where, in the tree that is mounted. In fresh memory. */
static char *path_below(const struct hd_mount_entry *entry, const char *path)
{
	const char *root = entry->root + strspn(entry->root, "/");
	const char *rest = path + strlen(entry->directory);
	char *below;

	rest += strspn(rest, "/");
	return asprintf(&below, "%s%s%s", root, *root && *rest ? "/" : "", rest) < 0 ? NULL : below;
}

static int consider(const struct hd_mount_entry *entry, void *payload)
{
	struct search *search = payload;
	struct hd_mount_place place;
	bool matches;
	int r;

	if (search->path && !lies_in(search->path, entry->directory))
		return 0;
	r = place_of(entry, &place);
	if (r <= 0)
		return r;
	if (search->path)
		/* Later lines lie over earlier ones at the same place. */
		matches = !search->found.directory ||
			  strlen(place.directory) >= strlen(search->found.directory);
	else
		matches =
			strcmp(place.store, search->store) == 0 && strcmp(place.thread, search->thread) == 0;
	if (matches && search->path) {
		place.below = path_below(entry, search->path);
		if (!place.below) {
			hd_mount_place_clear(&place);
			return -ENOMEM;
		}
	}
	if (matches) {
		hd_mount_place_clear(&search->found);
		search->found = place;
	} else {
		hd_mount_place_clear(&place);
	}
	return 0;
}

struct listing {
	hd_mount_place_emit emit;
	void *payload;
};

static int emit_place(const struct hd_mount_entry *entry, void *payload)
{
	const struct listing *listing = payload;
	struct hd_mount_place place;
	int r = place_of(entry, &place);

	if (r <= 0)
		return r;
	r = listing->emit(&place, listing->payload);
	hd_mount_place_clear(&place);
	return r;
}

int hd_mount_place_list(hd_mount_place_emit emit, void *payload)
{
	struct listing listing = {.emit = emit, .payload = payload};

	return hd_mount_point_list(emit_place, &listing);
}

struct uppermost {
	const char *store, *thread, *directory;
	bool foreign;
};

/* Later lines lie over earlier ones at the same place. */
static int consider_uppermost(const struct hd_mount_place *place, void *payload)
{
	struct uppermost *uppermost = payload;

	if (strcmp(place->directory, uppermost->directory) == 0)
		uppermost->foreign = strcmp(place->store, uppermost->store) != 0 ||
				     strcmp(place->thread, uppermost->thread) != 0;
	return 0;
}

int hd_mount_detach_own(const char *store_path, const char *thread, const char *directory, bool lazy)
{
	struct uppermost uppermost = {.store = store_path, .thread = thread, .directory = directory};

	if (hd_mount_place_list(consider_uppermost, &uppermost) >= 0 && uppermost.foreign)
		return -EINVAL;
	return hd_mount_point_detach(directory, lazy);
}

static int run_search(struct search *search, struct hd_mount_place *ret_place)
{
	int r = hd_mount_point_list(consider, search);

	if (r >= 0 && !search->found.directory)
		r = -HD_E_NOT_MOUNTED;
	if (r < 0) {
		hd_mount_place_clear(&search->found);
		return r;
	}
	*ret_place = search->found;
	return 0;
}

/* Takes ".", ".." and doubled slashes out of absolute PATH, in place. */
static void normalize(char *path)
{
	char *end = path; /* what is done: "/a/b", without a slash at its end */
	const char *rest = path;

	while (*rest) {
		size_t length;

		rest += strspn(rest, "/");
		length = strcspn(rest, "/");
		if (length == 2 && rest[0] == '.' && rest[1] == '.') {
			while (end > path && *--end != '/')
				;
		} else if (length > 0 && !(length == 1 && rest[0] == '.')) {
			*end++ = '/';
			memmove(end, rest, length);
			end += length;
		}
		rest += length;
	}
	if (end == path)
		*end++ = '/';
	*end = '\0';
}

/* PATH from the root, by the filesystem where it answers, else by text alone. Fresh memory. */
static int make_absolute(const char *path, char **ret_absolute)
{
	HD_AUTO_FREE char *working = NULL;
	char *absolute = realpath(path, NULL);

	if (absolute) {
		*ret_absolute = absolute;
		return 0;
	}
	if (path[0] != '/') {
		/* In a detached mount the working directory has no name. */
		working = getcwd(NULL, 0);
		if (!working || working[0] != '/')
			return hd_fail(HD_E_NOT_MOUNTED, "the working directory has no name");
	}
	if (asprintf(&absolute, "%s/%s", working ? working : "", path) < 0)
		return -ENOMEM;
	normalize(absolute);
	*ret_absolute = absolute;
	return 0;
}

int hd_mount_find(const char *path, struct hd_mount_place *ret_place)
{
	HD_AUTO_FREE char *absolute = NULL;
	struct search search = {0};
	int r;

	r = make_absolute(path, &absolute);
	if (r < 0)
		return r;
	search.path = absolute;
	return run_search(&search, ret_place);
}

int hd_mount_find_thread(const char *store_path, const char *thread, struct hd_mount_place *ret_place)
{
	struct search search = {.store = store_path, .thread = thread};

	return run_search(&search, ret_place);
}

int hd_mount_open_thread(const char *store_path, const char *thread)
{
	struct hd_mount_place place;
	int fd = hd_mount_find_thread(store_path, thread, &place);

	if (fd < 0)
		return fd;
	fd = hd_directory_open(AT_FDCWD, place.directory);
	hd_mount_place_clear(&place);
	return fd;
}

void hd_mount_flush(int fd)
{
	struct hd_filesystem_space space;

	/* The second is a request that the kernel always asks, and that it queues behind what the first has begun. */
	(void)hd_file_sync_filesystem(fd);
	(void)hd_file_space(fd, &space);
}
