/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/eject/eject_index.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "capture/compare/tree_comparison.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/array.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"
#include "overlay/platform/threads/work.h"

/* What is changed is told by heddle's own comparison, so that no filter of git's has a say in it: as in a mount. */

struct changed_paths {
	char **paths; /* owned array of owned paths, sorted when all are there */
	size_t count, capacity;
};

static void changed_clear(struct changed_paths *changed)
{
	for (size_t i = 0; i < changed->count; i++)
		free(changed->paths[i]);
	free(changed->paths);
}

static int take_change(const struct hd_change *change, void *payload)
{
	struct changed_paths *changed = payload;

	if (!change->new_entry || S_ISDIR(change->new_entry->mode))
		return 0;
	if (HD_ARRAY_RESERVE(changed->paths, changed->count, changed->capacity) < 0)
		return -ENOMEM;
	changed->paths[changed->count] = strdup(change->path);
	return changed->paths[changed->count++] ? 0 : -ENOMEM;
}

static int compare_paths(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static bool is_changed(const struct changed_paths *changed, const char *path)
{
	return changed->count > 0 &&
	       bsearch(&path, changed->paths, changed->count, sizeof(*changed->paths), compare_paths) != NULL;
}

static int find_changes(struct hd_tree_view *head, struct hd_tree_view *tree, struct changed_paths *changed)
{
	struct hd_change_counts counts;
	int r = hd_tree_comparison_run(head, tree, HD_MOVES_IGNORED, take_change, changed, &counts);

	if (r >= 0 && changed->count > 0)
		qsort(changed->paths, changed->count, sizeof(*changed->paths), compare_paths);
	return r;
}

static git_index_time index_time(const struct timespec *time)
{
	return (git_index_time){.seconds = (int32_t)time->tv_sec, .nanoseconds = (uint32_t)time->tv_nsec};
}

/* What cannot be looked at, git looks at itself. */
static void fill_entry(git_index_entry *entry, int root_fd)
{
	struct stat status;

	if (entry->mode == GIT_FILEMODE_COMMIT || hd_file_stat_at(root_fd, entry->path, &status) < 0)
		return;
	entry->ctime = index_time(&status.st_ctim);
	entry->mtime = index_time(&status.st_mtim);
	entry->dev = (uint32_t)status.st_dev;
	entry->ino = (uint32_t)status.st_ino;
	entry->uid = status.st_uid;
	entry->gid = status.st_gid;
	entry->file_size = (uint32_t)status.st_size;
}

int hd_eject_index_read(
	git_repository *repository, const char *commit, const char *path, git_index **ret_index)
{
	git_commit *object = NULL;
	git_index *index = NULL;
	git_tree *tree = NULL;
	git_oid id;
	int g = git_oid_fromstr(&id, commit);

	if (g >= 0)
		g = git_commit_lookup(&object, repository, &id);
	if (g >= 0)
		g = git_commit_tree(&tree, object);
	/* An index without a repository: entries are taken as they are, and no object is looked for. */
	if (g >= 0)
		g = git_index_open(&index, path);
	if (g >= 0)
		g = git_index_read_tree(index, tree);
	git_tree_free(tree);
	git_commit_free(object);
	if (g < 0) {
		git_index_free(index);
		return hd_git_library_fail(HD_E_REPOSITORY, "make the index %s", path);
	}
	*ret_index = index;
	return 0;
}

int hd_eject_index_write(git_index *index, struct hd_tree_view *head, struct hd_tree_view *tree, int root_fd)
{
	HD_CLEANUP(changed_clear) struct changed_paths changed = {0};
	size_t count = git_index_entrycount(index);
	int r = find_changes(head, tree, &changed);

	for (size_t i = 0; i < count && r >= 0; i++) {
		/* In place: the index is nobody else's, and is not sorted by what is filled in. */
		git_index_entry *entry = (git_index_entry *)git_index_get_byindex(index, i);

		if (!is_changed(&changed, entry->path))
			fill_entry(entry, root_fd);
		r = hd_work_advance(0);
	}
	if (r >= 0 && git_index_write(index) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "write an index");
	return r < 0 ? r : 0;
}
