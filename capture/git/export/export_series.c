/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/export/export_series.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "capture/git/thread_repository.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/atomic_file_fallback.h"
#include "overlay/platform/files/file.h"

void hd_export_series_clear(struct hd_export_series *series)
{
	hd_export_target_close(&series->target);
	hd_export_target_item_clear(&series->item);
	if (series->place)
		(void)hd_directory_remove_tree(AT_FDCWD, series->place);
	free(series->place);
	free(series->commits);
	*series = (struct hd_export_series){0};
}

/* The objects of the base's repository; a directory has none. */
static int borrow_objects(const struct hd_export_series *series, struct hd_index *index)
{
	HD_AUTO_FREE char *location = NULL;
	HD_AUTO_FREE char *line = NULL;
	HD_AUTO_FREE char *path = NULL;
	HD_AUTO_CLOSE int fd = -1;
	int r = hd_thread_repository_find(index, series->into.thread, &series->item.head, &location);

	if (r == -HD_E_REPOSITORY_MISSING) {
		hd_error_clear();
		return 0;
	}
	if (r < 0)
		return r;
	if (asprintf(&line, "%s/objects\n", location) < 0)
		line = NULL;
	if (asprintf(&path, "%s/objects/info/alternates", series->place) < 0)
		path = NULL;
	if (!line || !path)
		return -ENOMEM;
	fd = hd_file_open(AT_FDCWD, path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
	r = fd < 0 ? fd : hd_file_write_at(fd, line, strlen(line), 0);
	return r < 0 ? hd_fail_in(r, "%s", path) : 0;
}

static int make_repository(struct hd_export_series *series, struct hd_store *store)
{
	git_repository_init_options options;
	git_repository *made = NULL;

	if (asprintf(&series->place, "%s/run/" HD_ATOMIC_FILE_PREFIX "series-%d", store->path,
		    (int)getpid()) < 0) {
		series->place = NULL;
		return -ENOMEM;
	}
	(void)git_repository_init_options_init(&options, GIT_REPOSITORY_INIT_OPTIONS_VERSION);
	options.flags = GIT_REPOSITORY_INIT_BARE | GIT_REPOSITORY_INIT_MKPATH;
	if (git_repository_init_ext(&made, series->place, &options) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "make a repository at %s", series->place);
	git_repository_free(made);
	series->into.repository = series->place;
	return borrow_objects(series, store->index);
}

/* The commit of SINCE, or of the base, if the history begins with one. */
static int find_since(struct hd_export_series *series, const struct hd_state_id *since)
{
	struct hd_index *index = series->target.store->index;
	struct hd_state first = {0};
	int r;

	if (since)
		return hd_export_history_write(&series->target.history, since, &series->since);
	r = hd_index_find_first(index, &series->item.head, &first);
	if (r >= 0 && first.git_commit && git_oid_fromstr(&series->since, first.git_commit) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "find the base's commit");
	hd_state_clear(&first);
	return r;
}

static int collect(struct hd_export_series *series)
{
	git_revwalk *walk = NULL;
	int g = git_revwalk_new(&walk, series->target.repository);
	int r = 0;

	if (g == 0)
		g = git_revwalk_sorting(walk, GIT_SORT_TOPOLOGICAL | GIT_SORT_REVERSE);
	if (g == 0)
		g = git_revwalk_push(walk, &series->head);
	if (g == 0 && !git_oid_is_zero(&series->since))
		g = git_revwalk_hide(walk, &series->since);
	while (g == 0 && r >= 0) {
		r = HD_ARRAY_RESERVE(series->commits, series->count, series->capacity);
		if (r < 0)
			break;
		g = git_revwalk_next(&series->commits[series->count], walk);
		series->count += g == 0;
	}
	git_revwalk_free(walk);
	return g == 0 || g == GIT_ITEROVER ? r : hd_git_library_fail(HD_E_REPOSITORY, "walk the commits");
}

int hd_export_series_make(struct hd_export_series *series, struct hd_store *store, struct hd_base_set *bases,
	const struct hd_export_git_options *options, const struct hd_state_id *since)
{
	int r = hd_git_library_start();

	*series = (struct hd_export_series){.into = *options};
	series->into.is_forgotten = true;
	/* They are those of a range, and are made when it is known. */
	series->into.without_notes = true;
	if (r >= 0)
		r = hd_export_target_item_begin(store, options, &series->item);
	if (r >= 0)
		r = make_repository(series, store);
	if (r >= 0)
		r = hd_export_target_open(&series->target, store, bases, &series->into, &series->item);
	if (r >= 0)
		r = hd_export_history_write(&series->target.history, &series->item.head, &series->head);
	if (r >= 0)
		r = find_since(series, since);
	if (r >= 0)
		r = hd_export_target_write(&series->target, &series->item, options->tag);
	if (r >= 0)
		r = hd_export_target_finish(&series->target);
	return r < 0 ? r : collect(series);
}
