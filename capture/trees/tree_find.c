/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_find.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

/* The next part of *PATH that says something: its length, or 0 at the end. */
static int next_part(const char **path, size_t *ret_length)
{
	const char *at = *path;
	size_t length = 0;

	for (; *at; at += length) {
		at += strspn(at, "/");
		length = strcspn(at, "/");
		if (length == 2 && strncmp(at, "..", 2) == 0)
			return -EINVAL;
		if (length > 0 && !(length == 1 && *at == '.'))
			break;
	}
	*ret_length = *at ? length : 0;
	*path = at;
	return 0;
}

static int fail_outside(const char *path)
{
	return hd_fail(EINVAL, "'%s' leads out of the tree", path);
}

int hd_tree_path_clean(const char *path, char **ret_path)
{
	HD_AUTO_FREE char *cleaned = malloc(strlen(path) + 2);
	const char *at = path;
	size_t size = 0, length;
	int r;

	if (!cleaned)
		return -ENOMEM;
	while ((r = next_part(&at, &length)) == 0 && length > 0) {
		memcpy(cleaned + size, at, length);
		size += length;
		cleaned[size++] = '/';
		at += length;
	}
	if (r < 0)
		return fail_outside(path);
	cleaned[size > 0 ? size - 1 : 0] = '\0';
	*ret_path = HD_STEAL(cleaned);
	return 0;
}

/* Goes from DIRECTORY to its child of that name. */
static int step(
	struct hd_tree_view *view, const char *name, size_t length, struct hd_tree_view_entry *directory)
{
	struct hd_tree_view_listing listing = {0};
	const struct hd_tree_view_entry *child;
	int r;

	if (!S_ISDIR(directory->mode))
		return -ENOTDIR;
	r = hd_tree_view_list(view, directory, &listing);
	if (r < 0)
		return r;
	child = hd_tree_view_listing_find(&listing, name, length);
	if (child) {
		*directory = *child;
		directory->name = "";
		directory->name_length = 0;
	}
	hd_tree_view_listing_clear(&listing);
	return child ? 0 : -HD_E_PATH_MISSING;
}

int hd_tree_find(struct hd_tree_view *view, const char *path, struct hd_tree_view_entry *ret_entry)
{
	struct hd_tree_view_entry entry;
	const char *at = path;
	size_t length;
	int r = 0;

	hd_tree_view_root(view, &entry);
	while (r >= 0) {
		if (next_part(&at, &length) < 0)
			return fail_outside(path);
		if (length == 0)
			break;
		r = step(view, at, length, &entry);
		at += length;
	}
	if (r < 0)
		return hd_fail_in(r, "'%s'", path);
	*ret_entry = entry;
	return 0;
}
