/* SPDX-License-Identifier: Apache-2.0 */
#include "capture/git/walk/partial_clone.h"

#include <errno.h>
#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "capture/git/walk/object_walk.h"
#include "overlay/bases/git/base_git_library.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define PROMISOR_NAMES "^remote\\..*\\.promisor$"
#define PROMISOR_END ".promisor"

struct search {
	git_config *config;
	char *remote; /* owned */
};

static int take_remote(const git_config_entry *entry, void *payload)
{
	struct search *search = payload;
	const char *begin = entry->name + strlen("remote.");
	int promises = 0;

	if (git_config_get_bool(&promises, search->config, entry->name) < 0 || !promises)
		return 0;
	search->remote = strndup(begin, strlen(begin) - strlen(PROMISOR_END));
	return 1;
}

/* The remote that promised to have what is lacking: fresh memory; NULL: there is none. */
static char *find_remote(git_repository *repository)
{
	struct search search = {0};

	if (git_repository_config_snapshot(&search.config, repository) == 0)
		(void)git_config_foreach_match(search.config, PROMISOR_NAMES, take_remote, &search);
	git_config_free(search.config);
	return search.remote;
}

/* How many objects that the tree of COMMIT leads to are not there; 1 where it is a directory, below which nothing is known. */
static int count_missing(git_repository *repository, const git_oid *commit, size_t *ret_count)
{
	struct hd_object_walk walk = {0};
	int r = 0;

	*ret_count = 0;
	if (git_repository_odb(&walk.odb, repository) < 0)
		r = hd_git_library_fail(HD_E_REPOSITORY, "%s", git_repository_path(repository));
	if (r >= 0)
		r = hd_object_walk_pass(&walk, commit, 1);
	for (size_t i = 0; i < walk.met.count && r >= 0; i++)
		*ret_count +=
			!git_odb_exists_ext(walk.odb, &walk.met.entries[i].id, GIT_ODB_LOOKUP_NO_REFRESH);
	if (r == -HD_E_BASE_OBJECT) {
		hd_error_clear();
		*ret_count = 1;
		r = 0;
	}
	git_odb_free(walk.odb);
	hd_object_walk_clear(&walk);
	return r;
}

static int describe(
	const char *location, const char *remote, const char *commit, size_t count, char **ret_words)
{
	return asprintf(ret_words,
		       "%s is a partial clone that lacks %zu %s of commit %.12s, and the directories where "
		       "they "
		       "are cannot be read: 'git -C %s fetch --refetch --no-filter %s' fetches all that it "
		       "lacks",
		       location, count, count == 1 ? "object" : "objects", commit, location, remote) < 0
		       ? -ENOMEM
		       : 1;
}

static int look(const char *location, const char *commit, char **ret_words)
{
	git_repository *repository = NULL;
	HD_AUTO_FREE char *remote = NULL;
	size_t count = 0;
	git_oid id;
	int r = 0;

	if (git_oid_fromstr(&id, commit) < 0 || git_repository_open_bare(&repository, location) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY, "open git repository %s", location);
	remote = find_remote(repository);
	if (remote)
		r = count_missing(repository, &id, &count);
	git_repository_free(repository);
	return r < 0 || count == 0 ? r : describe(location, remote, commit, count, ret_words);
}

int hd_partial_clone_look(const char *location, const char *commit, char **ret_words)
{
	int r = hd_git_library_start();

	return r < 0 ? r : look(location, commit, ret_words);
}
