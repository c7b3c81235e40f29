/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/trees/tree_find.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "overlay/platform/error.h"

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
	return child ? 0 : -ENOENT;
}

int hd_tree_find(struct hd_tree_view *view, const char *path, struct hd_tree_view_entry *ret_entry)
{
	struct hd_tree_view_entry entry;
	const char *at = path;
	int r = 0;

	hd_tree_view_root(view, &entry);
	while (*at && r >= 0) {
		size_t length = strcspn(at, "/");

		if (length == 2 && strncmp(at, "..", 2) == 0)
			return hd_fail(EINVAL, "'%s' leads out of the tree", path);
		if (length > 0 && !(length == 1 && *at == '.'))
			r = step(view, at, length, &entry);
		at += length + (at[length] == '/');
	}
	if (r < 0)
		return hd_fail_in(r, "'%s'", path);
	*ret_entry = entry;
	return 0;
}
