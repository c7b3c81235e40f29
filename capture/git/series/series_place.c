/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/series/series_place.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/thread_repository.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/files/temporary_directory.h"

void hd_series_place_remove(char *place)
{
	hd_temporary_directory_remove(place);
}

/* The objects of the base's repository; a directory has none. */
static int borrow_objects(
	const char *place, struct hd_index *index, const char *thread, const struct hd_state_id *head)
{
	HD_AUTO_FREE char *location = NULL;
	HD_AUTO_FREE char *line = NULL;
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_thread_repository_find(index, thread, head, &location);

	if (r == -HD_E_REPOSITORY_MISSING) {
		hd_error_clear();
		return 0;
	}
	if (r < 0)
		return r;
	if (asprintf(&line, "%s/objects\n", location) < 0)
		line = NULL;
	if (asprintf(&path, "%s/objects/info/alternates", place) < 0)
		path = NULL;
	if (!line || !path)
		return -ENOMEM;
	fd = hd_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	r = fd < 0 ? fd : hd_file_write_at(fd, line, strlen(line), 0);
	return r < 0 ? hd_fail_in(r, "%s", path) : 0;
}

static int make_repository(const char *place)
{
	git_repository_init_options options;
	git_repository *made = NULL;

	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	if (git_repository_init_ext(&made, place, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", place);
	git_repository_free(made);
	return 0;
}

int hd_series_place_make(
	struct hd_store *store, const char *thread, const struct hd_state_id *head, char **ret_place)
{
	HD_AUTO_FREE char *run = NULL;
	char *place;
	int r;

	if (asprintf(&run, "%s/run", store->path) < 0) {
		run = NULL;
		return -ENOMEM;
	}
	r = hd_temporary_directory_make(run, "series", &place);
	if (r < 0)
		return r;
	r = make_repository(place);
	if (r >= 0)
		r = borrow_objects(place, store->index, thread, head);
	if (r < 0) {
		hd_series_place_remove(place);
		return r;
	}
	*ret_place = place;
	return 0;
}
