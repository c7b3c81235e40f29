/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/directory/base_directory_paths.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/directory/base_directory_seen.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/beneath.h"
#include "overlay/platform/files/file.h"

struct walk {
	struct hd_index *index;
	uint16_t number;
	const struct hd_store_place *store;
	const char *path; /* of the directory that is listed, "" for the root */
	int fd;           /* of that */
	char **open;      /* owned array of owned paths: directories to be listed */
	size_t n_open, capacity;
};

/* Of the entry that is a directory, or may be one. */
static bool is_directory(const struct walk *walk, const char *name, unsigned char type)
{
	struct stat status;

	if (type != DT_DIR && type != DT_UNKNOWN)
		return false;
	return hd_file_stat_at(walk->fd, name, &status) >= 0 && S_ISDIR(status.st_mode) &&
	       !hd_store_place_is(walk->store, walk->fd, !walk->path[0], name, &status);
}

static int name_one(const char *name, unsigned char type, void *payload)
{
	struct walk *walk = payload;
	HD_AUTO_FREE char *path = NULL;
	uint8_t id[HD_PATH_ID_SIZE];
	int r;

	if (asprintf(&path, "%s%s%s", walk->path, walk->path[0] ? "/" : "", name) < 0) {
		path = NULL;
		return -ENOMEM;
	}
	r = hd_index_host_path_id(walk->index, walk->number, path, id);
	if (r < 0 || !is_directory(walk, name, type))
		return r;
	if (HD_ARRAY_RESERVE(walk->open, walk->n_open, walk->capacity) < 0)
		return -ENOMEM;
	walk->open[walk->n_open++] = HD_STEAL(path);
	return 0;
}

static int name_entries(struct walk *walk, int root_fd)
{
	HD_AUTO_CLOSE int fd = hd_beneath_open(root_fd, walk->path, O_RDONLY | O_DIRECTORY);

	if (fd < 0)
		return 0;
	walk->fd = fd;
	return hd_directory_list(fd, ".", name_one, walk);
}

int hd_base_paths_name_all(
	struct hd_index *index, uint16_t number, int root_fd, const struct hd_store_place *store)
{
	struct walk walk = {.index = index, .number = number, .store = store, .path = ""};
	int r = name_entries(&walk, root_fd);

	while (r >= 0 && walk.n_open > 0) {
		HD_AUTO_FREE char *path = walk.open[--walk.n_open];

		walk.path = path;
		r = name_entries(&walk, root_fd);
	}
	while (walk.n_open > 0)
		free(walk.open[--walk.n_open]);
	free(walk.open);
	return r;
}
