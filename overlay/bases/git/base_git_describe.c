/* SPDX-License-Identifier: Apache-2.0 */
#include "overlay/bases/base.h"

#include <git2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "overlay/bases/git/base_git_library.h"
#include "overlay/bases/git/base_git_reference.h"
#include "overlay/platform/cleanup.h"
#include "overlay/platform/error.h"

#define PIN_DIRECTORY "refs/heddle/base"

/*
 * What `init` asks of a repository once. Unlike reading a base, this needs references and revisions, hence a
 * repository object, which lives for the call and in one thread.
 *
 * The location is the common git directory: it stays when a linked worktree, from which init may have been
 * called, is removed. The time is the committer's: it grows along a history, so that moving a mount to a
 * newer commit never shows a changed file with an older time, which build tools would take for unchanged.
 */

static void remove_end_slashes(char *path)
{
	size_t length = strlen(path);

	while (length > 1 && path[length - 1] == '/')
		path[--length] = '\0';
}

static int open_repository(const char *path, git_repository **ret_repository)
{
	int g = git_repository_open_ext(ret_repository, path, 0, NULL);

	if (g == GIT_ENOTFOUND)
		return hd_fail(HD_E_REPOSITORY_MISSING, "%s", path);
	return g < 0 ? hd_git_library_fail(HD_E_REPOSITORY, "open git repository at %s", path) : 0;
}

static int find_commit(git_repository *repository, const char *revision, git_commit **ret_commit)
{
	git_object *object = NULL;
	git_object *commit = NULL;
	int g, r = 0;

	if (!revision && git_repository_head_unborn(repository) == 1)
		return -HD_E_REPOSITORY_UNBORN;
	if (!revision)
		revision = "HEAD";
	g = git_revparse_single(&object, repository, revision);
	if (g < 0)
		/* Else it is there, and libgit2 cannot read it. */
		r = hd_git_library_fail(g == GIT_ENOTFOUND || g == GIT_EAMBIGUOUS || g == GIT_EINVALIDSPEC
						? HD_E_REVISION_MISSING
						: HD_E_REPOSITORY,
			"revision '%s'", revision);
	else if (git_object_peel(&commit, object, GIT_OBJECT_COMMIT) < 0)
		r = hd_git_library_fail(HD_E_REVISION_MISSING, "revision '%s' is no commit", revision);
	git_object_free(object);
	if (r == 0)
		*ret_commit = (git_commit *)commit;
	return r;
}

static int fill_commit(const git_commit *commit, struct hd_base_description *description)
{
	const git_signature *author = git_commit_author(commit);
	const char *message = git_commit_message(commit);
	const git_oid *tree = git_commit_tree_id(commit);
	char hex[GIT_OID_HEXSZ + 1];

	description->tree.kind = HD_CONTENT_GIT;
	description->tree.length = GIT_OID_RAWSZ;
	memcpy(description->tree.bytes, tree->id, GIT_OID_RAWSZ);
	description->time_s = git_commit_time(commit);
	description->zone_minutes = git_commit_time_offset(commit);
	description->commit = strdup(git_oid_tostr(hex, sizeof(hex), git_commit_id(commit)));
	description->subject = strndup(message ? message : "", message ? strcspn(message, "\n") : 0);
	if (asprintf(&description->author, "%s <%s>", author ? author->name : "",
		    author ? author->email : "") < 0)
		description->author = NULL;
	return description->commit && description->subject && description->author ? 0 : -ENOMEM;
}

static int fill_places(git_repository *repository, struct hd_base_description *description)
{
	const char *work_tree = git_repository_workdir(repository);
	const char *location = git_repository_commondir(repository);

	description->location = strdup(location);
	description->work_tree = strdup(work_tree ? work_tree : location);
	if (!description->location || !description->work_tree)
		return -ENOMEM;
	remove_end_slashes(description->location);
	remove_end_slashes(description->work_tree);
	return 0;
}

int hd_base_git_describe(const char *path, const char *revision, struct hd_base_description *ret_description)
{
	struct hd_base_description description = {.kind = HD_BASE_GIT};
	git_repository *repository = NULL;
	git_commit *commit = NULL;
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	r = open_repository(path, &repository);
	if (r < 0)
		return r;
	r = find_commit(repository, revision, &commit);
	if (r == 0)
		r = fill_commit(commit, &description);
	if (r == 0)
		r = fill_places(repository, &description);
	git_commit_free(commit);
	git_repository_free(repository);
	if (r < 0) {
		hd_base_description_clear(&description);
		return r;
	}
	*ret_description = description;
	return 0;
}

/* A repository that is pinned already may be read-only. */
static bool is_pinned(git_repository *repository, const char *name, const git_oid *id)
{
	git_oid target;

	return git_reference_name_to_id(&target, repository, name) == 0 && git_oid_equal(&target, id);
}

int hd_base_git_pin(const char *location, const char *commit)
{
	git_repository *repository = NULL;
	char name[64];
	git_oid id;
	int r;

	r = hd_git_library_start();
	if (r < 0)
		return r;
	if (strlen(commit) != GIT_OID_HEXSZ || git_oid_fromstr(&id, commit) < 0)
		return hd_fail(EINVAL, "'%s' is no commit id", commit);
	if (git_repository_open_bare(&repository, location) < 0)
		return hd_git_library_fail(HD_E_REPOSITORY_MISSING, "open git repository %s", location);
	(void)snprintf(name, sizeof(name), PIN_DIRECTORY "/%s", commit);
	/* Whatever it pointed to before was wrong: the name is the commit. */
	if (!is_pinned(repository, name, &id))
		r = hd_git_reference_keep(git_repository_commondir(repository), PIN_DIRECTORY, commit);
	git_repository_free(repository);
	return r;
}

void hd_base_description_clear(struct hd_base_description *description)
{
	free(description->location);
	free(description->work_tree);
	free(description->commit);
	free(description->subject);
	free(description->author);
	*description = (struct hd_base_description){0};
}
