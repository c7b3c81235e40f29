/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <stdlib.h>
#include <string.h>

#include "overlay/bases/directory/base_directory_seen.h"
#include "overlay/platform/checksum.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

/*
 * What `init` asks of a directory once. The tree is the path id of "" as the index makes it for every base
 * (content.h); opening the base makes the index know it.
 */

static int fill_places(const char *path, struct hd_base_description *description)
{
	description->location = realpath(path, NULL);
	if (!description->location)
		return hd_fail_errno("%s", path);
	description->work_tree = strdup(description->location);
	description->subject = strdup(description->location);
	description->author = strdup("");
	return description->work_tree && description->subject && description->author ? 0 : -ENOMEM;
}

int hd_base_directory_describe(const char *path, struct hd_base_description *ret_description)
{
	struct hd_base_description description = {.kind = HD_BASE_DIRECTORY};
	HD_AUTO_CLOSE int fd = -1;
	struct hd_hash128 root;
	struct stat status = {0};
	int r;

	r = fill_places(path, &description);
	if (r == 0) {
		fd = hd_directory_open(AT_FDCWD, description.location);
		r = fd < 0 ? fd : hd_file_stat(fd, &status);
		if (r < 0)
			r = hd_fail(r, "%s", description.location);
	}
	if (r < 0) {
		hd_base_description_clear(&description);
		return r;
	}
	root = hd_hash128("", 0);
	description.tree.kind = HD_CONTENT_HOST;
	description.tree.length = HD_PATH_ID_SIZE;
	memcpy(description.tree.bytes, root.bytes, sizeof(root.bytes));
	description.time_s = status.st_mtim.tv_sec;
	*ret_description = description;
	return 0;
}
