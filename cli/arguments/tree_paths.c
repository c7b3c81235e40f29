/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/arguments/tree_paths.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "mount/mount_place.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/*
 * What a path leads to is not looked at: it may be gone in the mount and there in a state. Of an absolute path only the
 * directory that it ends in is resolved, since its last part may be a symbolic link of the tree.
 */

#define FROM_ROOT ":/"
#define STATES ".heddle/states/"

/* Where one stands in the tree. */
static const char *standpoint(const struct hd_location *location)
{
	const char *below = location->below ? location->below : "";
	const char *slash;

	if (strncmp(below, STATES, strlen(STATES)) != 0)
		return below;
	slash = strchr(below + strlen(STATES), '/');
	return slash ? slash + 1 : "";
}

/* Appends the parts of PATH to those that end at *SIZE; false: they lead out of the tree. */
static bool put_parts(char *joined, size_t *size, const char *path)
{
	while (*path) {
		size_t length;

		path += strspn(path, "/");
		length = strcspn(path, "/");
		if (length == 2 && strncmp(path, "..", 2) == 0) {
			if (*size == 0)
				return false;
			while (*size > 0 && joined[--*size] != '/')
				;
		} else if (length > 0 && !(length == 1 && *path == '.')) {
			if (*size > 0)
				joined[(*size)++] = '/';
			memcpy(joined + *size, path, length);
			*size += length;
		}
		path += length;
	}
	return true;
}

static int join(const char *directory, const char *path, const char *word, char **ret_path)
{
	char *joined = malloc(strlen(directory) + strlen(path) + 3);
	size_t size = 0;

	if (!joined)
		return -ENOMEM;
	if (!put_parts(joined, &size, directory) || !put_parts(joined, &size, path)) {
		free(joined);
		return hd_fail(EINVAL, "'%s' leads out of the tree", word);
	}
	if (size == 0)
		joined[size++] = '.';
	joined[size] = '\0';
	*ret_path = joined;
	return 0;
}

/* The mount of this store that PATH lies in; false when there is none. */
static int find_mount(const struct hd_location *location, const char *path, struct hd_mount_place *ret_place)
{
	struct hd_mount_place place = {0};
	int r = hd_mount_find(path, &place);

	if (r == -HD_E_NOT_MOUNTED) {
		hd_error_clear();
		return 0;
	}
	if (r >= 0 && strcmp(place.store, location->store->path) == 0) {
		*ret_place = place;
		return 1;
	}
	hd_mount_place_clear(&place);
	return r;
}

/* WORD is absolute. */
static int read_absolute(
	const struct hd_location *location, const char *thread, const char *word, char **ret_path)
{
	HD_CLEANUP(hd_mount_place_clear) struct hd_mount_place place = {0};
	HD_AUTO_FREE char *above = strdup(word);
	size_t length = strlen(word);
	const char *last;
	int r;

	if (!above)
		return -ENOMEM;
	while (length > 1 && above[length - 1] == '/')
		above[--length] = '\0';
	*strrchr(above, '/') = '\0';
	last = word + strlen(above) + 1;
	r = find_mount(location, *above ? above : "/", &place);
	/* The mountpoint itself. */
	if (r == 0) {
		last = "";
		r = find_mount(location, word, &place);
	}
	if (r < 0)
		return r;
	if (r == 0)
		return hd_fail(HD_E_USAGE,
			"'%s' is in no mount of this store; ':%s' begins at the root of the tree", word,
			word);
	if (thread && strcmp(place.thread, thread) != 0)
		return hd_fail(HD_E_USAGE, "'%s' is in the mount of thread '%s', and thread '%s' is meant",
			word, place.thread, thread);
	return join(place.below, last, word, ret_path);
}

int hd_tree_path_read(
	const struct hd_location *location, const char *thread, const char *word, char **ret_path)
{
	if (!*word)
		return hd_fail(HD_E_USAGE, "an empty path names nothing; ':/' is the whole tree");
	if (*word == '/')
		return read_absolute(location, thread, word, ret_path);
	if (strncmp(word, FROM_ROOT, strlen(FROM_ROOT)) == 0)
		return join("", word + strlen(FROM_ROOT), word, ret_path);
	return join(standpoint(location), word, word, ret_path);
}

int hd_tree_paths_add(const struct hd_location *location, const char *thread, char *const *words,
	size_t count, struct hd_tree_paths *paths)
{
	const char **items = reallocarray(paths->items, paths->count + count + 1, sizeof(*items));

	if (!items)
		return -ENOMEM;
	paths->items = items;
	for (size_t i = 0; i < count; i++) {
		char *path;
		int r = hd_tree_path_read(location, thread, words[i], &path);

		if (r < 0)
			return r;
		paths->items[paths->count++] = path;
	}
	return 0;
}

void hd_tree_paths_clear(struct hd_tree_paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free((char *)paths->items[i]);
	free(paths->items);
	*paths = (struct hd_tree_paths){0};
}

char *hd_tree_path_shown(const struct hd_location *location, const char *path)
{
	const char *from = standpoint(location);
	const char *to = strcmp(path, ".") == 0 || strcmp(path, "./") == 0 ? "" : path;
	char *shown;
	size_t size = 0;

	/* What both have in common, directory by directory. */
	while (*from) {
		size_t length = strcspn(from, "/");

		if (strncmp(from, to, length) != 0 || (to[length] != '/' && to[length] != '\0'))
			break;
		from += length + (from[length] == '/');
		to += length + (to[length] == '/');
	}
	shown = malloc(3 * strlen(from) + strlen(to) + 4);
	if (!shown)
		return NULL;
	while (*from) {
		size_t length = strcspn(from, "/");

		memcpy(shown + size, "../", 3);
		size += 3;
		from += length + (from[length] == '/');
	}
	(void)strcpy(shown + size, *to ? to : size > 0 ? "" : "./");
	return shown;
}
