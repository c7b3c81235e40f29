/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/moved_base.h"

#include <errno.h>
#include <fcntl.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/base.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"
#include "overlay/platform/files/file.h"

struct search {
	struct hd_store *store;
	uint16_t number;
	git_odb *odb; /* owned: of the candidate */
	size_t found, missing;
};

static int look_for_first(const struct hd_thread *thread, void *payload)
{
	struct search *search = payload;
	struct hd_state first = {0};
	git_oid id;
	int r = hd_index_find_first(search->store->index, &thread->head, &first);

	if (r >= 0 && hd_state_git_tree(&first) && hd_state_git_tree(&first)->base == search->number &&
		first.git_commit && git_oid_fromstr(&id, first.git_commit) == 0) {
		bool exists = git_odb_exists(search->odb, &id) == 1;

		search->found += exists;
		search->missing += !exists;
	}
	hd_state_clear(&first);
	return r < 0 ? r : 0;
}

static int has_commits(struct search *search, const char *location)
{
	int r = hd_git_library_open_objects(location, &search->odb);

	if (r >= 0)
		r = hd_index_list_threads(search->store->index, look_for_first, search);
	git_odb_free(search->odb);
	if (r < 0)
		return r;
	return search->found > 0 && search->missing == 0 ? 0 : -ENOENT;
}

/* The git directory of the repository that the store lies in, if it has the commits of base NUMBER: fresh memory. */
static int find(struct hd_store *store, uint16_t number, const char *above, char **ret_location)
{
	struct search search = {.store = store, .number = number};
	struct hd_base_description description = {0};
	int r = hd_git_library_start();

	if (r >= 0)
		r = hd_base_git_describe(above, NULL, &description);
	if (r >= 0)
		r = has_commits(&search, description.location);
	if (r >= 0)
		*ret_location = HD_STEAL(description.location);
	hd_base_description_clear(&description);
	return r;
}

static void follow(
	struct hd_store *store, const struct hd_base_record *base, const char *above, const char *here)
{
	HD_AUTO_FREE char *location = NULL;

	if (base->kind != HD_BASE_GIT || strcmp(base->location, here) == 0 ||
		hd_file_exists(AT_FDCWD, base->location))
		return;
	if (find(store, base->number, above, &location) >= 0)
		(void)hd_index_move_base(store->index, base->number, base->location, location);
}

void hd_moved_bases_follow(struct hd_store *store)
{
	HD_AUTO_FREE char *above = strdup(store->path);
	HD_AUTO_FREE char *here = NULL;
	char *slash = above ? strrchr(above, '/') : NULL;
	struct hd_base_record base;

	if (!slash || slash == above)
		return;
	*slash = '\0';
	if (asprintf(&here, "%s/.git", above) < 0) {
		here = NULL;
		return;
	}
	if (!hd_file_exists(AT_FDCWD, here))
		return;
	for (uint16_t number = 1; hd_index_get_base(store->index, number, &base) >= 0; number++) {
		follow(store, &base, above, here);
		hd_base_record_clear(&base);
	}
	hd_error_clear();
}
