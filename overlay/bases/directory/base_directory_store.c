/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/directory/base_directory_store.h"

#include <string.h>

#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

#define STORE_FORMAT HD_STORE_DIRECTORY "/format"

int hd_store_place_find(const struct hd_store *store, struct hd_store_place *ret_place)
{
	struct stat status;
	int r = hd_file_stat(store->fd, &status);

	if (r < 0)
		return hd_fail(r, "store %s", store->path);
	*ret_place = (struct hd_store_place){.device = status.st_dev, .inode = status.st_ino};
	return 0;
}

bool hd_store_place_is(const struct hd_store_place *place, int directory_fd, bool in_root, const char *name,
	const struct stat *status)
{
	if (!S_ISDIR(status->st_mode))
		return false;
	if (status->st_dev == place->device && status->st_ino == place->inode)
		return true;
	return in_root && strcmp(name, HD_STORE_DIRECTORY) == 0 && hd_file_exists(directory_fd, STORE_FORMAT);
}
